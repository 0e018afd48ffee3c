using System.Text;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Etcd.TestKit.Disk;

namespace Etcd.Server.Tests.Storage.Disk;

/// <summary>
/// The store on disk says what one in memory says that never restarts: every key at every readable revision, the events, and HashKV at every
/// revision. Method: random batches (many deletes, few keys, compactions), with checkpoints, copying of files, defragmentation and restarts from
/// the indexes in between, at any point of each other. Restarts lose what no checkpoint holds; it is applied again, as the raft log would have it.
/// Covers the ledger's #14685 and #17780 (crash during compaction or defragmentation) together with <see cref="StoreCrashTests"/>.
/// </summary>
public sealed class StoreModelTests
{
    [Fact]
    public void FewKeys() => TestSeed.ForEach(25, random => Run(random, keys: 5, valueBytesMax: 40, batches: 120));

    [Fact]
    public void ManyKeysAndLargeValues() => TestSeed.ForEach(3, random => Run(random, keys: 200, valueBytesMax: 30_000, batches: 120));

    [Fact]
    public void KeysWithLeasesAreFoundWithoutReadingValues()
    {
        var disk = new SimDisk();
        var rig = new DiskRig(disk) { Applied = 1 };
        rig.Store.Put("a", "1", lease: 5);
        rig.Store.Put("b", "1", lease: 5);
        rig.Store.Put("b", "2");
        rig.Store.Put("c", "1", lease: 6);
        rig.Store.Delete("c");
        rig.Store.Put("d", "1", lease: long.MaxValue);
        rig.Checkpoint();
        disk.KillProcess();
        Assert.Equal(
            [("a", 5L), ("d", long.MaxValue)],
            new DiskRig(disk).Leased.Select(l => (Encoding.ASCII.GetString(l.Key.Span), l.Lease.Value)));
    }

    [Fact]
    public void CompactionGivesSpaceBackToTheFileSystem()
    {
        var disk = new SimDisk();
        var rig = new DiskRig(disk);
        string value = new('x', 4096);
        for (int i = 0; i < 2000; i++)
        {
            rig.Store.Put("key" + (i % 100), value);
            rig.Applied++;
            if (i % 150 == 0)
                rig.Checkpoint();
        }

        rig.Checkpoint();
        Assert.True(disk.UsedBytes > 8_000_000, $"{disk.UsedBytes} bytes before");
        rig.Store.CompactNow(rig.Store.CurrentRevision);
        rig.Finish();
        // The file that is written to is the only one that may hold garbage.
        rig.Store.Defragment();
        rig.Finish();
        Assert.False(rig.Store.IsDefragmenting);
        Assert.True(disk.UsedBytes < 600_000, $"{disk.UsedBytes} bytes after");
        Assert.True(rig.Store.SizeBytes < 600_000, $"says {rig.Store.SizeBytes} bytes after");
        Assert.InRange(rig.Store.SizeInUseBytes, 100 * 4096, 100 * 4200);
    }

    [Fact]
    public void ABumpedRevisionAndAnEmptyHistorySurvive()
    {
        var disk = new SimDisk();
        var rig = new DiskRig(disk) { Applied = 1 };
        rig.Checkpoint();
        disk.KillProcess();
        rig = new DiskRig(disk);
        Assert.Equal(1, rig.Store.CurrentRevision);
        StoreImport import = rig.Store.NewImport();
        import.Add(new Revision(2, 0), false, Record("a", 2));
        import.Add(new Revision(1L << 40, 0), false, []);
        rig.Store.Replace(import, finishedCompact: -1, scheduledCompact: 1L << 40);
        rig.Applied = 9;
        rig.Checkpoint();
        disk.KillProcess();
        rig = new DiskRig(disk);
        Assert.Equal((9UL, 1L << 40, 1L << 40), (rig.Applied, rig.Store.CurrentRevision, rig.Store.CompactRevision));
        Assert.True(rig.Store.TryGet("a"u8, out _, out _));
    }

    private static byte[] Record(string key, long revision)
    {
        var fields = new KeyValueFields { Key = Encoding.ASCII.GetBytes(key), CreateRevision = revision, ModRevision = revision, Version = 1, Value = "v"u8 };
        var bytes = new byte[KeyValueCodec.Size(fields)];
        KeyValueCodec.Write(bytes, fields);
        return bytes;
    }

    private static void Run(Random random, int keys, int valueBytesMax, int batches)
    {
        var disk = new SimDisk();
        var rig = new DiskRig(disk);
        var history = new History();
        for (int i = 0; i < batches; i++)
        {
            history.Next(random, rig.Store, keys, valueBytesMax);
            rig.Applied = (ulong)history.Count;
            int dice = random.Next(100);
            if (dice < 25)
                rig.TryBegin();
            else if (dice < 28)
                rig.Store.Defragment();
            else if (dice < 31)
                rig = Restart(disk, history, $"batch {i}");

            for (int steps = random.Next(12); steps > 0; steps--)
                rig.Step();
        }

        rig.Finish();
        History.Compare(history.Model(history.Count), rig.Store, "at the end");
        rig.Checkpoint();
        rig = Restart(disk, history, "after the end");
        rig.Store.Defragment();
        rig.Finish();
        History.Compare(history.Model(history.Count), rig.Store, "defragmented");
    }

    private static DiskRig Restart(SimDisk disk, History history, string where)
    {
        disk.KillProcess();
        var rig = new DiskRig(disk);
        History.Compare(history.Model((int)rig.Applied), Finished(rig), where);
        for (int number = (int)rig.Applied; number < history.Count; number++)
            history.Do(number, rig.Store);

        rig.Applied = (ulong)history.Count;
        return rig;
    }

    private static MvccStore Finished(DiskRig rig)
    {
        rig.Finish();
        return rig.Store;
    }
}
