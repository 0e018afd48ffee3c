using Etcd.Server.Io;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Etcd.Server.Storage.Disk;
using Etcd.TestKit.Disk;
using Google.Protobuf;

namespace Etcd.Server.Tests.Storage.Disk;

/// <summary>
/// Goal: damage is found by whoever reads it and by the scrub, is told with file and offset, and what memory has is written again.
/// Method: bits are flipped in every kind of place of the files of a store that runs.
/// </summary>
public sealed class StoreDamageTests
{
    private const int Keys = 60;

    private readonly SimDisk _disk = new();

    public StoreDamageTests()
    {
        using var rig = new DiskRig(_disk) { Applied = 1 };
        for (int i = 0; i < Keys; i++)
            rig.Store.Put($"key{i:d2}", new string('v', 500), lease: i % 3);

        rig.Store.CompactNow(20);
        rig.Checkpoint();
    }

    [Fact]
    public void TheScrubFindsAFlippedBitWhereverItIsAndNamesItsPlace()
    {
        foreach (string name in _disk.List(DiskRig.Folder).Where(n => n != "LOCK"))
        {
            string path = DiskRig.Folder + "/" + name;
            int length = _disk.ReadAll(path).Length;
            for (int at = 0; at < length; at += at is < 64 or > 29_000 ? 1 : 61)
            {
                using var rig = new DiskRig(_disk);
                _disk.FlipBits(path, at, 0x10);
                rig.Scrub();
                StoreDamage found = Assert.Single(rig.Damages);
                Assert.Equal(path, found.File);
                Assert.InRange(found.Offset ?? 0, 0, at);
                Assert.Equal(found.IsLost, rig.Store.IsDamaged);
                _disk.FlipBits(path, at, 0x10);
            }
        }
    }

    [Fact]
    public void AScrubOfAWholeStoreReadsEverythingAndFindsNothing()
    {
        using var rig = new DiskRig(_disk);
        long bytes = _disk.List(DiskRig.Folder).Where(n => n != "LOCK").Sum(n => (long)_disk.ReadAll(DiskRig.Folder + "/" + n).Length);
        Assert.Equal(bytes, rig.Scrub());
        Assert.Equal(bytes, rig.Scrub());
        Assert.Equal(2, rig.Store.Scrubs);
        Assert.Empty(rig.Damages);
        Assert.False(rig.Store.IsDamaged);
    }

    [Fact]
    public void AReaderGetsAnErrorForWhatIsLostAndTheRestAsBefore()
    {
        using var rig = new DiskRig(_disk);
        FlipRecords();
        int lost = 0;
        for (int i = 0; i < Keys; i++)
        {
            try
            {
                Assert.True(rig.Store.TryGet(StoreHelp.Bytes($"key{i:d2}"), out ReadOnlyMemory<byte> record, out _));
                Assert.Equal(500, KeyValueFields.Parse(record.Span).Value.Length);
            }
            catch (StoreException e)
            {
                Assert.Equal(StoreError.Corrupt, e.Error);
                lost++;
            }
        }

        // What is checked at once is lost at once: one page, of the store's four.
        Assert.InRange(lost, 1, Keys / 2);
        StoreDamage found = Assert.Single(rig.Damages);
        Assert.EndsWith("0000000000000001.seg", found.File, StringComparison.Ordinal);
        Assert.True(found.IsLost);
        Assert.True(rig.Store.IsDamaged);
    }

    [Fact]
    public void ASectorThatCannotBeReadIsDamageToo()
    {
        var files = new UnreadableFiles(_disk);
        using var rig = new DiskRig(files);
        files.Fails = true;
        StoreException found = Assert.Throws<StoreException>(() => rig.Store.HashKv(0, out _, out _));
        Assert.Equal((StoreError.Corrupt, true), (found.Error, found.Message.Contains("input/output error", StringComparison.Ordinal)));
        Assert.True(Assert.Single(rig.Damages).IsLost);
    }

    [Theory]
    [InlineData(9)]
    [InlineData(20)]
    [InlineData(-1)]
    public void WhatMemoryHasIsWrittenAgain(int at)
    {
        string path = DiskRig.Folder + "/0000000000000001.seg";
        using (var rig = new DiskRig(_disk))
        {
            uint before = Hash(rig);
            _disk.FlipBits(path, at < 0 ? _disk.ReadAll(path).Length + at : at, 1);
            rig.Scrub();
            StoreDamage found = Assert.Single(rig.Damages);
            Assert.False(found.IsLost);
            rig.Store.WriteAgain(found.File);
            rig.Finish();
            Assert.False(_disk.FileExists(path));
            Assert.False(rig.Store.IsDefragmenting);
            Assert.Equal(before, Hash(rig));
            rig.Scrub();
            Assert.Single(rig.Damages);
        }

        using var again = new DiskRig(_disk);
        again.Scrub();
        Assert.Empty(again.Damages);
    }

    [Fact]
    public void RecordsThatAreStillInMemoryAreWrittenAgain()
    {
        using var rig = new DiskRig(_disk);
        rig.Store.Put("new", new string('n', 9000));
        rig.Store.Defragment();
        rig.Applied = 2;
        rig.Checkpoint();
        string path = DiskRig.Folder + "/" + _disk.List(DiskRig.Folder).Last(n => n.EndsWith(".seg", StringComparison.Ordinal));
        byte[] bytes = _disk.ReadAll(path);
        _disk.FlipBits(path, bytes.AsSpan().LastIndexOf("nnnnnnnn"u8), 1);
        rig.Scrub();
        StoreDamage found = Assert.Single(rig.Damages);
        Assert.False(found.IsLost);
        rig.Store.WriteAgain(found.File);
        rig.Finish();
        using var again = new DiskRig(_disk.Crash(CrashKind.NothingUnsynced));
        again.Scrub();
        Assert.Empty(again.Damages);
        Assert.True(again.Store.TryGet("new"u8, out _, out _));
    }

    [Theory]
    [InlineData("MANIFEST")]
    [InlineData("MANIFEST.copy")]
    public void ADamagedManifestIsReplacedByTheNextCheckpoint(string name)
    {
        using var rig = new DiskRig(_disk);
        _disk.FlipBits(DiskRig.Folder + "/" + name, 40, 1);
        rig.Scrub();
        StoreDamage found = Assert.Single(rig.Damages);
        Assert.Equal((DiskRig.Folder + "/" + name, false), (found.File, found.IsLost));
        rig.Store.WriteAgain(found.File);
        rig.Finish();
        rig.Scrub();
        Assert.Single(rig.Damages);
        Assert.Equal(_disk.ReadAll(DiskRig.Folder + "/MANIFEST"), _disk.ReadAll(DiskRig.Folder + "/MANIFEST.copy"));
    }

    [Fact]
    public void ADamagedStoreTakesWritesAndCheckpointsAndLeavesCopyingAndCompactionAlone()
    {
        using (var rig = new DiskRig(_disk))
        {
            FlipRecords();
            rig.Store.Defragment();
            // Those without a lease: of the others the lease is read when they are overwritten.
            for (int i = 0; i < Keys - 5; i += 3)
                rig.Store.Put($"key{i:d2}", "short");

            // Nobody has read the damage yet: the copy and the hash of the compaction do.
            rig.Store.Compact(rig.Store.CurrentRevision);
            rig.Store.Publish();
            rig.Applied = 5;
            rig.Finish();
            Assert.True(rig.Store.IsDamaged);
            Assert.False(rig.Store.IsDefragmenting);
            rig.Checkpoint();
            Assert.Equal(5UL, rig.Durable);
            Assert.True(_disk.FileExists(DiskRig.Folder + "/0000000000000001.seg"));
        }

        using var again = new DiskRig(_disk);
        Assert.True(again.Store.TryGet("key03"u8, out ReadOnlyMemory<byte> record, out _));
        Assert.Equal(5, KeyValueFields.Parse(record.Span).Value.Length);
    }

    [Fact]
    public void AnotherStateInItsPlaceIsWholeAndTheDamagedFilesGo()
    {
        using (var rig = new DiskRig(_disk))
        {
            FlipRecords();
            rig.Scrub();
            rig.Taken.NoteDamage(Assert.Single(rig.Damages));
            Assert.True(_disk.FileExists(DiskRig.Folder + "/DAMAGE"));
            // A batch that met the damage half way is given up.
            rig.Store.Begin().Put("never"u8, "seen"u8, LeaseId.None);
            rig.Store.Abandon();
            Assert.False(rig.Step());
            StoreImport import = rig.Store.NewImport();
            for (int i = 0; i < 10; i++)
                import.Add(new Revision(100 + i, 0), isTombstone: false, Record($"k{i}", 100 + i));

            rig.Store.Replace(import, finishedCompact: -1, scheduledCompact: -1);
            Assert.False(rig.Store.IsDamaged);
            Assert.False(rig.Store.TryGet("never"u8, out _, out _));
            rig.Applied = 9;
            rig.Checkpoint();
            Assert.False(_disk.FileExists(DiskRig.Folder + "/0000000000000001.seg"));
            Assert.False(_disk.FileExists(DiskRig.Folder + "/DAMAGE"));
        }

        using var again = new DiskRig(_disk);
        Assert.Equal(109, again.Store.CurrentRevision);
        again.Scrub();
        Assert.Empty(again.Damages);
    }

    [Fact]
    public void KnownDamageIsRememberedUntilItsFileIsGone()
    {
        using (var rig = new DiskRig(_disk))
        {
            FlipRecords();
            rig.Scrub();
            rig.Taken.NoteDamage(rig.Damages[0]);
        }

        using (var rig = new DiskRig(_disk))
        {
            StoreDamage known = rig.Taken.KnownDamage!;
            Assert.EndsWith("0000000000000001.seg", known.File, StringComparison.Ordinal);
            Assert.InRange(known.Offset!.Value, 24, 5000);
            Assert.Contains("checksum mismatch", known.Reason, StringComparison.Ordinal);
            rig.Store.Replace(rig.Store.NewImport(), finishedCompact: -1, scheduledCompact: -1);
            rig.Applied = 3;
            rig.Checkpoint();
        }

        using var healed = new DiskRig(_disk);
        Assert.Null(healed.Taken.KnownDamage);
    }

    [Fact]
    public void AFullDiskForTheCopyOfTheManifestLeavesTheManifestAndNoOldCopy()
    {
        using (var rig = new DiskRig(_disk))
        {
            rig.Store.Put("one", "more");
            rig.Applied = 2;
            rig.TryBegin();
            // Room for the records and one manifest beside those that are there.
            int manifest = _disk.ReadAll(DiskRig.Folder + "/MANIFEST").Length;
            for (int room = 0; room < 3 * manifest && rig.Durable != 2; room += 16)
            {
                rig.TryBegin();
                _disk.CapacityBytes = _disk.UsedBytes + room;
                rig.Finish();
            }

            Assert.Equal(2UL, rig.Durable);
        }

        _disk.CapacityBytes = long.MaxValue;
        using var again = new DiskRig(_disk);
        Assert.Equal(2UL, again.Applied);
        Assert.True(again.Store.TryGet("one"u8, out _, out _));
        if (_disk.FileExists(DiskRig.Folder + "/MANIFEST.copy"))
            Assert.Equal(_disk.ReadAll(DiskRig.Folder + "/MANIFEST"), _disk.ReadAll(DiskRig.Folder + "/MANIFEST.copy"));
    }

    [Fact]
    public void AHashCanBeCancelled()
    {
        using var rig = new DiskRig(_disk);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => rig.Store.HashKv(0, cancelled.Token, out _, out _));
        Assert.Equal(ReadStatus.Ok, rig.Store.HashKv(0, CancellationToken.None, out _, out _));
    }

    private static uint Hash(DiskRig rig)
    {
        rig.Store.HashKv(0, out HistoryHash hash, out _);
        return hash.Hash;
    }

    private static byte[] Record(string key, long revision) => new Protocol.Mvccpb.KeyValue
    {
        Key = ByteString.CopyFromUtf8(key),
        CreateRevision = revision,
        ModRevision = revision,
        Version = 1,
    }.ToByteArray();

    // Behind the head of the file: in the first page of records.
    private void FlipRecords() => _disk.FlipBits(DiskRig.Folder + "/0000000000000001.seg", 4000, 4);

    /// <summary>A disk that reads no segment when told so.</summary>
    private sealed class UnreadableFiles(IFileSystem inner) : IFileSystem
    {
        public bool Fails { get; set; }

        public bool CanRenameDirectoryWithOpenFiles => inner.CanRenameDirectoryWithOpenFiles;

        public IDataFile Open(string path, FileOpenMode mode) => new UnreadableFile(this, inner.Open(path, mode));

        public bool FileExists(string path) => inner.FileExists(path);

        public bool DirectoryExists(string path) => inner.DirectoryExists(path);

        public void CreateDirectory(string path) => inner.CreateDirectory(path);

        public IReadOnlyList<string> List(string directory) => inner.List(directory);

        public void Rename(string from, string to) => inner.Rename(from, to);

        public void DeleteFile(string path) => inner.DeleteFile(path);

        public void DeleteDirectory(string path) => inner.DeleteDirectory(path);

        public void SyncDirectory(string path) => inner.SyncDirectory(path);
    }

    private sealed class UnreadableFile(UnreadableFiles files, IDataFile inner) : IDataFile
    {
        public string Path => inner.Path;

        public long Length => inner.Length;

        public int ReadAt(Span<byte> buffer, long offset) => files.Fails
            ? throw new FileSystemException(FileSystemError.Device, "read", Path, "input/output error")
            : inner.ReadAt(buffer, offset);

        public void WriteAt(ReadOnlySpan<byte> bytes, long offset) => inner.WriteAt(bytes, offset);

        public void WriteAt(IReadOnlyList<ReadOnlyMemory<byte>> parts, long offset) => inner.WriteAt(parts, offset);

        public void SetLength(long length) => inner.SetLength(length);

        public bool IsPoisoned => inner.IsPoisoned;

        public void Preallocate(long length) => inner.Preallocate(length);

        public void DataSync() => inner.DataSync();

        public void FullSync() => inner.FullSync();

        public bool TryLock() => inner.TryLock();

        public void Dispose() => inner.Dispose();
    }
}
