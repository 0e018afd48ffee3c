using System.Globalization;
using System.Text;
using Etcd.Server.Io;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Etcd.Server.Storage.Disk;

namespace Etcd.Server.Tests.Storage.Disk;

/// <summary>
/// A store in a folder of a simulated disk, without a raft log: whoever uses it says which index is applied. The marks of compactions, which a
/// member keeps beside the keys, are its only other state.
/// </summary>
internal sealed class DiskRig : IDisposable
{
    public const string Folder = "/s";
    public const ulong Cluster = 7;
    public static readonly MemberId Member = new(3);

    private readonly StoreFolder _folder;

    /// <summary>Starts on what is on the disk.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="loads">Whether the checkpoint is loaded; a received snapshot may be newer.</param>
    public DiskRig(IFileSystem disk, bool loads = true)
    {
        _folder = StoreFolder.Open(disk, Folder);
        _folder.Begin(Cluster, Member);
        Store = new MvccStore(_folder) { CheckpointDurable = mark => Durable = mark.Index.Value, DamageFound = Damages.Add };
        if (!loads || _folder.Mark is not { } found)
            return;

        try
        {
            Applied = Durable = found.Index.Value;
            StoreImport import = Store.LoadCheckpoint()!;
            Leased = [.. import.LeasedKeys()];
            Store.Replace(import, Mark("finished"), Mark("scheduled"));
        }
        catch
        {
            _folder.Dispose();
            throw;
        }
    }

    public MvccStore Store { get; }

    /// <summary>What was found damaged.</summary>
    public List<StoreDamage> Damages { get; } = [];

    /// <summary>The folder, taken.</summary>
    public StoreFolder Taken => _folder;

    /// <summary>Keys with leases that the load has found.</summary>
    public IReadOnlyList<LeasedKey> Leased { get; } = [];

    /// <summary>The index that is said to be applied.</summary>
    public ulong Applied { get; set; }

    /// <summary>The index of the last checkpoint that was reported durable.</summary>
    public ulong Durable { get; private set; }

    /// <summary>Whether the last checkpoint ended because the disk was full.</summary>
    public bool WasFull { get; private set; }

    public void Dispose() => _folder.Dispose();

    /// <summary>Begins a checkpoint if nothing is under way.</summary>
    public bool TryBegin()
    {
        if (Store.IsWriting || Applied == 0)
            return false;

        Store.BeginCheckpoint(
            new CheckpointMark(new LogIndex(Applied), new Term(1)),
            [Meta("scheduled", Store.CompactRevision), Meta("finished", Store.FinishedCompactRevision)]);
        return true;
    }

    /// <summary>Reads everything on the disk once; returns how many bytes that were.</summary>
    public long Scrub()
    {
        long before = Store.ScrubbedBytes;
        while (Store.ScrubOnce() > 0)
        {
        }

        return Store.ScrubbedBytes - before;
    }

    /// <summary>A whole checkpoint.</summary>
    public void Checkpoint()
    {
        Finish();
        TryBegin();
        Finish();
    }

    /// <summary>A step of background work of any kind.</summary>
    public bool Step()
    {
        bool any = Store.RunDiskOnce();
        if (Store.TakeDiskWork() is { } outcome)
        {
            any = true;
            WasFull = outcome == DiskOutcome.OutOfSpace;
        }

        return any | Store.RunOnce() == StoreWork.Worked;
    }

    /// <summary>All background work, and the checkpoints that it asks for while the disk has space.</summary>
    public void Finish()
    {
        for (int i = 0; i < 1_000_000; i++)
        {
            if (Step() || Store.IsWriting || (Store.WantsCheckpoint && !WasFull && TryBegin()))
                continue;

            return;
        }

        Assert.Fail("background work does not end");
    }

    private static MetaRecord Meta(string key, long value) =>
        new("meta", Encoding.ASCII.GetBytes(key), Encoding.ASCII.GetBytes(value.ToString(CultureInfo.InvariantCulture)));

    private long Mark(string key) => long.Parse(
        Encoding.ASCII.GetString(_folder.Meta.Single(m => Encoding.ASCII.GetString(m.Key) == key).Value), CultureInfo.InvariantCulture);
}
