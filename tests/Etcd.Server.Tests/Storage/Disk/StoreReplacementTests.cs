using System.Text;
using Etcd.Server.Io;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Etcd.TestKit.Disk;

namespace Etcd.Server.Tests.Storage.Disk;

/// <summary>
/// A state that takes another's place, and copies that take the place of files: what the store says that it takes, which files go and when, and
/// that readers of the old state are not disturbed.
/// </summary>
public sealed class StoreReplacementTests
{
    // More than what an import keeps in memory.
    private const int LargeRecords = 10;

    private readonly SimDisk _disk = new();

    [Fact]
    public void TheSizeIsThatOfTheNewStateAtOnce()
    {
        var rig = new DiskRig(_disk) { Applied = 1 };
        Fill(rig);
        rig.Checkpoint();
        Assert.InRange(rig.Store.SizeBytes, 10_000_000, 11_000_000);
        Install(rig, records: 3, bytes: 100);
        Assert.InRange(rig.Store.SizeBytes, 300, 1000);
        rig.Checkpoint();
        Assert.InRange(rig.Store.SizeBytes, 300, 1000);
        Assert.InRange(_disk.UsedBytes, 300, 1000);
        Install(rig, LargeRecords, 1_000_000);
        Assert.InRange(rig.Store.SizeBytes, 10_000_000, 10_100_000);
        rig.Checkpoint();
        Assert.InRange(rig.Store.SizeBytes, 10_000_000, 10_100_000);
    }

    [Fact]
    public void TheSizeNeverGrowsWhileFilesAreCopiedAndCheckpointsAreWritten()
    {
        var rig = new DiskRig(_disk) { Applied = 1 };
        Fill(rig);
        Fill(rig);
        long size = rig.Store.SizeBytes;
        rig.TryBegin();
        Descend(rig, ref size, allowance: 12_000);
        rig.Store.CompactNow(rig.Store.CurrentRevision);
        rig.Store.Defragment();
        Descend(rig, ref size, allowance: 0);
        Assert.InRange(size, 10_000_000, 10_100_000);
        Assert.InRange(_disk.UsedBytes, 10_000_000, 10_100_000);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AStateThatIsReplacedBeforeItsCheckpointLeavesNoFile(bool copies)
    {
        var rig = new DiskRig(_disk) { Applied = 1 };
        Install(rig, LargeRecords, 1_000_000);
        if (copies)
        {
            rig.Store.CompactNow(LargeRecords);
            for (int i = 0; i < 20; i++)
                rig.Step();
        }

        Install(rig, LargeRecords, 1_000_000);
        rig.Applied = 2;
        rig.Checkpoint();
        Assert.InRange(_disk.UsedBytes, 10_000_000, 10_100_000);
        Assert.InRange(rig.Store.SizeBytes, 10_000_000, 10_100_000);
    }

    [Fact]
    public void AnInstalledStatesFileGoesWhenItWasCopied()
    {
        var rig = new DiskRig(_disk) { Applied = 1 };
        Install(rig, LargeRecords, 1_000_000);
        for (int i = 0; i < LargeRecords - 1; i++)
            rig.Store.Delete($"k{i}");

        rig.Store.CompactNow(rig.Store.CurrentRevision);
        // Copies before any checkpoint.
        for (int i = 0; i < 50; i++)
            rig.Step();

        rig.Store.Defragment();
        rig.Finish();
        Assert.InRange(_disk.UsedBytes, 1_000_000, 1_100_000);
    }

    [Fact]
    public void ACheckpointThatWasNotLoadedGoesWithTheNextOne()
    {
        var rig = new DiskRig(_disk) { Applied = 1 };
        Fill(rig);
        rig.Checkpoint();
        _disk.KillProcess();
        rig = new DiskRig(_disk, loads: false) { Applied = 2 };
        Install(rig, records: 3, bytes: 100);
        rig.Checkpoint();
        Assert.InRange(_disk.UsedBytes, 300, 1000);
        Assert.Equal(1, _disk.List(DiskRig.Folder).Count(n => n.EndsWith(".seg", StringComparison.Ordinal)));
    }

    [Fact]
    public void AReaderOfTheOldStateReadsItsFilesToTheEnd()
    {
        var rig = new DiskRig(_disk) { Applied = 1 };
        Fill(rig);
        rig.Checkpoint();
        _disk.KillProcess();
        rig = new DiskRig(_disk);
        Assert.Equal(LargeRecords, rig.Store.Read(rig, static (snapshot, rig) => CountAfterInstall(snapshot, rig)));
        rig.Finish();
        Assert.Equal(3, Count(rig.Store));
    }

    [Fact]
    public void AFileThatCannotBeDeletedForWantOfSpaceCostsNoCheckpoint()
    {
        var files = new FailingDeletes(_disk);
        var rig = new DiskRig(files) { Applied = 1 };
        Fill(rig);
        rig.Checkpoint();
        Install(rig, records: 3, bytes: 100);
        rig.Applied = 2;
        files.Fails = true;
        rig.Checkpoint();
        Assert.Equal((2UL, false), (rig.Durable, rig.WasFull));
        Assert.InRange(_disk.UsedBytes, 10_000_000, 11_000_000);
        files.Fails = false;
        rig.Applied = 3;
        rig.Checkpoint();
        Assert.InRange(_disk.UsedBytes, 300, 1000);
    }

    /// <summary>
    /// etcd #20271 (3.6.5): a snapshot that was installed while a defragmentation ran cost data. Here at each step of one, with what is
    /// on the disk at once and after a power failure.
    /// </summary>
    [Fact]
    public void AStateThatIsInstalledAtAnyStepOfADefragmentationIsWhole()
    {
        bool under = true;
        int step = 0;
        for (; under; step++)
        {
            Assert.True(step < 1000, "a defragmentation ends");
            var disk = new SimDisk();
            var rig = new DiskRig(disk) { Applied = 1 };
            for (int i = 0; i < 200; i++)
                rig.Store.Put($"k{i % 20}", new string('x', 5000));

            rig.Checkpoint();
            rig.Store.CompactNow(rig.Store.CurrentRevision);
            rig.Store.Defragment();
            for (int i = 0; i < step && under; i++)
                under = rig.Step() || rig.Store.IsWriting || (rig.Store.WantsCheckpoint && rig.TryBegin());

            Install(rig, records: 12, bytes: 3000);
            rig.Store.HashKv(0, out HistoryHash expected, out _);
            rig.Applied = 2;
            rig.Checkpoint();
            Assert.Equal(2UL, rig.Durable);
            rig.Store.HashKv(0, out HistoryHash hash, out _);
            Assert.Equal(expected, hash);
            using var again = new DiskRig(disk.Crash(CrashKind.NothingUnsynced));
            again.Store.HashKv(0, out hash, out _);
            Assert.Equal(expected, hash);
            Assert.Equal(12, Count(again.Store));
            again.Scrub();
            Assert.Empty(again.Damages);
        }

        Assert.True(step > 5, $"only {step} steps were seen");
    }

    private static int CountAfterInstall(StoreSnapshot snapshot, DiskRig rig)
    {
        Install(rig, records: 3, bytes: 100);
        rig.Checkpoint();
        for (int i = 0; i < 20; i++)
            rig.Step();

        var result = new RangeResult();
        snapshot.Range(new RangeQuery { Key = "\0"u8, RangeEnd = "\0"u8 }, result);
        return result.Kvs.ToArray().Count(kv => KeyValueFields.Parse(kv.Span).Value.Length == 1_000_000);
    }

    private static int Count(MvccStore store)
    {
        var result = new RangeResult();
        store.Range(new RangeQuery { Key = "\0"u8, RangeEnd = "\0"u8 }, result);
        return result.Kvs.Length;
    }

    private static void Descend(DiskRig rig, ref long size, long allowance)
    {
        for (int i = 0; i < 1000; i++)
        {
            bool any = rig.Store.RunDiskOnce();
            Look(rig, ref size, allowance);
            any |= rig.Store.TakeDiskWork() is not null;
            Look(rig, ref size, allowance);
            any |= rig.Store.RunOnce() == StoreWork.Worked;
            Look(rig, ref size, allowance);
            if (!any && !rig.Store.IsWriting && !(rig.Store.WantsCheckpoint && rig.TryBegin()))
                return;
        }

        Assert.Fail("background work does not end");
    }

    // What is in a file has an index, which is what it may grow by.
    private static void Look(DiskRig rig, ref long size, long allowance)
    {
        Assert.True(rig.Store.SizeBytes <= size + allowance, $"{rig.Store.SizeBytes} after {size}");
        size = rig.Store.SizeBytes;
    }

    private static void Fill(DiskRig rig)
    {
        string value = new('x', 1_000_000);
        for (int i = 0; i < LargeRecords; i++)
            rig.Store.Put($"k{i}", value);
    }

    private static void Install(DiskRig rig, int records, int bytes)
    {
        StoreImport import = rig.Store.NewImport();
        var value = new byte[bytes];
        for (int i = 0; i < records; i++)
        {
            var fields = new KeyValueFields { Key = Encoding.ASCII.GetBytes($"k{i}"), CreateRevision = i + 2, ModRevision = i + 2, Version = 1, Value = value };
            var record = new byte[KeyValueCodec.Size(fields)];
            KeyValueCodec.Write(record, fields);
            import.Add(new Revision(i + 2, 0), false, record);
        }

        rig.Store.Replace(import, finishedCompact: -1, scheduledCompact: -1);
    }

    /// <summary>A disk that wants space for a deletion.</summary>
    private sealed class FailingDeletes(IFileSystem inner) : IFileSystem
    {
        public bool Fails { get; set; }

        public bool CanRenameDirectoryWithOpenFiles => inner.CanRenameDirectoryWithOpenFiles;

        public IDataFile Open(string path, FileOpenMode mode) => inner.Open(path, mode);

        public bool FileExists(string path) => inner.FileExists(path);

        public bool DirectoryExists(string path) => inner.DirectoryExists(path);

        public void CreateDirectory(string path) => inner.CreateDirectory(path);

        public IReadOnlyList<string> List(string directory) => inner.List(directory);

        public void Rename(string from, string to) => inner.Rename(from, to);

        public void DeleteFile(string path)
        {
            if (Fails)
                throw new FileSystemException(FileSystemError.NoSpace, "delete", path, "no space left on device");

            inner.DeleteFile(path);
        }

        public void DeleteDirectory(string path) => inner.DeleteDirectory(path);

        public void SyncDirectory(string path) => inner.SyncDirectory(path);
    }
}
