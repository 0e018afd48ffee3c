using Etcd.Server.Io;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Server.Wal;
using Etcd.TestKit;
using Etcd.TestKit.Disk;

namespace Etcd.Server.Tests.Wal;

/// <summary>What an append costs, in calls and allocations, both of which can be counted.</summary>
public sealed class HotPathTests : WalTest
{
    [Fact]
    public void One_sync_serves_all_appends_before_it_with_one_write()
    {
        int syncs = 0;
        SimDisk disk = new(new SimDiskOptions { Syncing = _ => syncs++ });
        using WriteAheadLog wal = Create(disk);
        long before = disk.Operations;
        syncs = 0;
        for (ulong i = 1; i <= 20; i++)
        {
            wal.Append(State(1, i - 1), [NewEntry(i)]);
        }

        Assert.Equal(before, disk.Operations);
        wal.Sync();
        Assert.Equal(before + 2, disk.Operations);
        Assert.Equal(1, syncs);
    }

    [Fact]
    public void Appending_and_syncing_allocate_nothing()
    {
        using WriteAheadLog wal = WriteAheadLog.Create(new NullDisk(), Dir, Metadata, WalOptions.Default);
        Entry[] entries = new Entry[16];
        byte[] data = new byte[256];
        ulong index = 0;
        long allocated = Allocations.OfTheLeastBatch(20, () =>
        {
            for (int i = 0; i < entries.Length; i++)
            {
                index++;
                entries[i] = new Entry(new Term(1), new LogIndex(index), EntryType.Normal, data);
            }

            wal.Append(State(1, index), entries);
            wal.Sync();
        });

        Assert.Equal(0, allocated);
    }

    /// <summary>Records longer than the buffer, and ones that straddle its end, come out whole.</summary>
    [Fact]
    public void Records_of_any_size_pass_through_the_buffer()
    {
        SimDisk disk = new();
        WalOptions options = new() { SegmentBytes = 256 * 1024, BufferBytes = 4096 };
        WriteAheadLog wal = WriteAheadLog.Create(disk, Dir, Metadata, options);
        List<Entry> written = [];
        for (ulong i = 1; i <= 60; i++)
        {
            written.Add(NewEntry(i, data: new string((char)('a' + (i % 26)), (int)(i * i * 4))));
            wal.Append(null, [written[^1]]);
        }

        wal.Close();
        AssertSame(written, WriteAheadLog.OpenForAppend(disk, Dir, WalSnapshotMark.Beginning, options).Entries);
    }

    [Fact]
    public void The_next_segment_is_ready_before_it_is_needed()
    {
        SimDisk disk = new();
        using WriteAheadLog wal = Create(disk);
        while (wal.RunOnce())
        {
            Assert.True(disk.Operations < 1000);
        }

        Assert.Equal(["0.tmp", Path.GetFileName(FirstSegment)], disk.List(Dir));
        ulong index = 0;
        do
        {
            index++;
            wal.Append(null, [NewEntry(index)]);
        }
        while (!wal.Sync().NewSegment);

        Assert.DoesNotContain("0.tmp", disk.List(Dir));
        Assert.False(wal.Pipeline.RunOnce() && !disk.FileExists(Dir + "/1.tmp"));
        wal.Close();
        Assert.DoesNotContain("1.tmp", disk.List(Dir));
    }

    /// <summary>Takes everything, keeps nothing.</summary>
    private sealed class NullDisk : IFileSystem
    {
        public bool CanRenameDirectoryWithOpenFiles => true;

        public IDataFile Open(string path, FileOpenMode mode) => new NullFile(path);

        public bool FileExists(string path) => false;

        public bool DirectoryExists(string path) => false;

        public void CreateDirectory(string path)
        {
        }

        public IReadOnlyList<string> List(string directory) => [];

        public void Rename(string from, string to)
        {
        }

        public void DeleteFile(string path)
        {
        }

        public void DeleteDirectory(string path)
        {
        }

        public void SyncDirectory(string path)
        {
        }
    }

    private sealed class NullFile(string path) : IDataFile
    {
        public string Path { get; } = path;

        public long Length { get; private set; }

        public bool IsPoisoned => false;

        public int ReadAt(Span<byte> buffer, long offset) => 0;

        public void WriteAt(ReadOnlySpan<byte> data, long offset) => Length = Math.Max(Length, offset + data.Length);

        public void WriteAt(IReadOnlyList<ReadOnlyMemory<byte>> data, long offset) => Length = offset;

        public void SetLength(long length) => Length = length;

        public void Preallocate(long length) => Length = length;

        public void DataSync()
        {
        }

        public void FullSync()
        {
        }

        public bool TryLock() => true;

        public void Dispose()
        {
        }
    }
}
