using Etcd.Server.Io;
using Etcd.Server.Io.Os;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Server.Wal;
using Etcd.TestKit.Disk;

namespace Etcd.Server.Tests.Wal;

/// <summary>What goes into a log comes out of it, over restarts, overwrites, snapshots and segments.</summary>
public sealed class WriteAheadLogTests : WalTest
{
    private readonly SimDisk _disk = new();

    [Fact]
    public void A_new_log_is_empty_and_knows_its_metadata()
    {
        Assert.False(WriteAheadLog.Exists(_disk, Dir));
        Create(_disk).Close();
        Assert.True(WriteAheadLog.Exists(_disk, Dir));

        WalOpenResult opened = Open(_disk);
        Assert.Equal(Metadata, opened.Metadata.ToArray());
        Assert.True(opened.HardState.IsEmpty);
        Assert.Empty(opened.Entries);
        Assert.Null(opened.Repair);
        Assert.False(_disk.DirectoryExists(Dir + ".tmp"));
    }

    [Fact]
    public void A_log_is_not_created_over_another()
    {
        Create(_disk).Close();
        Assert.Equal(WalError.AlreadyExists, Assert.Throws<WalException>(() => Create(_disk)).Error);
    }

    [Fact]
    public void What_was_appended_over_many_segments_and_restarts_is_read_back()
    {
        WriteAheadLog wal = Create(_disk);
        List<Entry> written = [];
        for (ulong i = 1; i <= 500; i++)
        {
            Entry entry = i % 50 == 0 ? NewEntry(i, data: new string('x', 3000)) : NewEntry(i, type: (EntryType)(i % 2));
            written.Add(entry);
            Assert.True(wal.Append(State(1, i - 1), [entry]));
            Assert.Equal((new LogIndex(i), new Term(1), State(1, i - 1)), Synced(wal));
            if (i % 97 == 0)
            {
                wal.Close();
                WalOpenResult again = Open(_disk);
                AssertSame(written, again.Entries);
                wal = again.Log;
            }
        }

        wal.Close();
        WalOpenResult opened = Open(_disk);
        AssertSame(written, opened.Entries);
        Assert.Equal(State(1, 499), opened.HardState);
        Assert.Equal(new LogIndex(500), opened.Log.LastIndex);
        Assert.True(_disk.List(Dir).Count > 5);
    }

    /// <summary>Such a record makes the reader's chunk end with it, in front of the padding, whose size is different for each.</summary>
    [Fact]
    public void Records_larger_than_what_is_read_at_once_are_read_back_whatever_their_padding()
    {
        WalOptions large = new() { SegmentBytes = 12 * 1024 * 1024, BufferBytes = 64 * 1024 };
        List<Entry> written = [];
        using (WriteAheadLog wal = WriteAheadLog.Create(_disk, Dir, Metadata, large))
        {
            for (ulong i = 1; i <= 8; i++)
            {
                written.Add(NewEntry((2 * i) - 1, data: new string('x', (1024 * 1024) + (int)i)));
                written.Add(NewEntry(2 * i));
                wal.Append(null, written.ToArray().AsSpan(^2..));
                wal.Sync();
            }
        }

        WalOpenResult opened = WriteAheadLog.OpenForAppend(_disk, Dir, WalSnapshotMark.Beginning, large);
        AssertSame(written, opened.Entries);
        opened.Log.Dispose();
    }

    [Fact]
    public void A_disk_without_room_for_the_next_segment_ends_the_log_only_when_that_is_needed()
    {
        SimDisk disk = new(new SimDiskOptions { CapacityBytes = Options.SegmentBytes + 1024 });
        using WriteAheadLog wal = Create(disk);
        for (int i = 0; wal.RunOnce(); i++)
        {
            Assert.True(i < 1000, "preparing does not end");
        }

        ulong index = 0;
        Exception? full = null;
        while (full is null && index < 1000)
        {
            index++;
            full = Record.Exception(() =>
            {
                wal.Append(null, [NewEntry(index)]);
                wal.Sync();
                Assert.False(wal.RunOnce());
            });
        }

        Assert.Equal(FileSystemError.NoSpace, Assert.IsType<FileSystemException>(full).Error);
        Assert.InRange(index, 50UL, 999UL);
    }

    /// <summary>The same on the operating system's disk, with the size that members use.</summary>
    [Fact]
    public void A_log_on_the_real_disk_is_read_back()
    {
        DirectoryInfo root = Directory.CreateTempSubdirectory("wal-");
        try
        {
            string directory = Path.Combine(root.FullName, "member", "wal");
            using (WriteAheadLog wal = WriteAheadLog.Create(OsFileSystem.Instance, directory, Metadata, WalOptions.Default))
            {
                wal.Append(State(1, 0), [NewEntry(1), NewEntry(2)]);
                wal.Sync();
                Assert.Equal(WalFormat.SegmentBytes, new FileInfo(Path.Combine(directory, Path.GetFileName(FirstSegment))).Length);
            }

            WalOpenResult opened = WriteAheadLog.OpenForAppend(OsFileSystem.Instance, directory, WalSnapshotMark.Beginning, WalOptions.Default);
            using WriteAheadLog again = opened.Log;
            AssertSame([NewEntry(1), NewEntry(2)], opened.Entries);
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    [Fact]
    public void Only_what_is_not_relearned_must_be_synced()
    {
        using WriteAheadLog wal = Create(_disk);
        Assert.False(wal.Append(null, []));
        Assert.True(wal.Append(State(1, 0), []));
        Assert.False(wal.Append(State(1, 0), []));
        Assert.True(wal.Append(null, [NewEntry(1)]));
        Assert.False(wal.Append(State(1, 1), []));
        Assert.True(wal.Append(State(2, 1, vote: 0), []));
        Assert.True(wal.Append(State(2, 1), []));
    }

    [Fact]
    public void An_entry_replaces_the_one_with_its_index_and_all_behind_it()
    {
        WriteAheadLog wal = Create(_disk);
        wal.Append(State(1, 2), [NewEntry(1), NewEntry(2), NewEntry(3), NewEntry(4)]);
        wal.Append(State(2, 2), [NewEntry(3, term: 2)]);
        wal.Close();

        WalOpenResult opened = Open(_disk);
        AssertSame([NewEntry(1), NewEntry(2), NewEntry(3, term: 2)], opened.Entries);
        Assert.Equal(new LogIndex(3), opened.Log.LastIndex);
        opened.Log.Append(null, [NewEntry(4, term: 2)]);
    }

    [Fact]
    public void Appending_with_a_gap_or_over_committed_entries_is_a_broken_invariant()
    {
        using WriteAheadLog wal = Create(_disk);
        Assert.Throws<InvariantException>(() => wal.Append(null, [NewEntry(2)]));
        wal.Append(State(1, 1), [NewEntry(1), NewEntry(2)]);
        Assert.Throws<InvariantException>(() => wal.Append(null, [NewEntry(1, term: 2)]));
        Assert.Throws<InvariantException>(() => wal.Append(null, [NewEntry(3), NewEntry(5)]));
    }

    [Fact]
    public void Reading_from_a_snapshot_skips_what_it_covers()
    {
        WriteAheadLog wal = WithSnapshotAt(60);
        wal.Close();
        WalOpenResult opened = Open(_disk, Mark(60, 1));
        AssertSame([.. Enumerable.Range(61, 40).Select(i => NewEntry((ulong)i))], opened.Entries);
        Assert.Equal(State(1, 100), opened.HardState);
        Assert.Equal(new LogIndex(100), opened.Log.LastIndex);
    }

    [Fact]
    public void A_snapshot_ahead_of_the_log_is_where_it_goes_on()
    {
        WriteAheadLog wal = WithSnapshotAt(60);
        wal.SaveSnapshotMarker(Mark(500, 3));
        wal.Append(State(3, 500), [NewEntry(501, term: 3)]);
        wal.Close();
        AssertSame([NewEntry(501, term: 3)], Open(_disk, Mark(500, 3)).Entries);
    }

    [Fact]
    public void A_snapshot_that_the_log_does_not_know_is_refused()
    {
        WithSnapshotAt(60).Close();
        Assert.Equal(WalError.SnapshotMismatch, Assert.Throws<WalException>(() => Open(_disk, Mark(60, 2))).Error);
        Assert.Equal(WalError.SnapshotNotFound, Assert.Throws<WalException>(() => Open(_disk, Mark(59, 2))).Error);
        Assert.Equal(WalError.SnapshotNotFound, Assert.Throws<WalException>(() => Open(_disk, Mark(5000, 1))).Error);
        Open(_disk, Mark(60, 1)).Log.Close();
    }

    [Fact]
    public void A_checkpoint_leaves_no_record_and_the_entry_that_it_stands_at_is_enough()
    {
        WithSnapshotAt(60).Close();
        WalOpenResult found = Open(_disk, Mark(59, 1));
        Assert.Equal(60UL, found.Entries[0].Index.Value);
        found.Log.Close();
    }

    [Fact]
    public void Snapshots_count_once_they_are_committed()
    {
        WriteAheadLog wal = WithSnapshotAt(60);
        wal.SaveSnapshotMarker(Mark(100, 1));
        wal.SaveSnapshotMarker(Mark(500, 3));
        wal.Close();

        IReadOnlyList<WalSnapshotMark> marks = WriteAheadLog.ValidSnapshots(_disk, Dir);
        Assert.Equal([0UL, 60, 100], marks.Select(mark => mark.Index.Value));
        Assert.Null(marks[0].ConfState);
        Assert.Equal([new MemberId(Member)], marks[1].ConfState!.Voters);
        Assert.Empty(marks[1].ConfState!.Learners);
    }

    [Fact]
    public void A_missing_entry_is_refused()
    {
        WriteAheadLog wal = WithSnapshotAt(60);
        wal.SaveSnapshotMarker(Mark(500, 3));
        wal.Append(State(3, 500), [NewEntry(501, term: 3)]);
        wal.Close();
        WalException refused = Assert.Throws<WalException>(() => Open(_disk, Mark(60, 1)));
        Assert.Equal(WalError.SliceOutOfRange, refused.Error);
        Assert.Contains(
            "wal: slice bounds out of range, snapshot[Index: 60, Term: 1], current entry[Index: 501, Term: 3], len(ents): 40",
            refused.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Segments_are_purged_only_when_released_and_beyond_the_number_to_keep()
    {
        WriteAheadLog wal = WithSnapshotAt(400, last: 800);
        int all = _disk.List(Dir).Count;
        Assert.Empty(WalPurge.RunOnce(_disk, Dir, 2));
        Assert.Empty(WalPurge.RunOnce(_disk, Dir, 0));
        wal.ReleaseLockTo(new LogIndex(400));
        IReadOnlyList<string> deleted = WalPurge.RunOnce(_disk, Dir, 2);
        Assert.NotEmpty(deleted);
        Assert.Equal(FirstSegment, deleted[0]);
        Assert.Equal(all - deleted.Count, _disk.List(Dir).Count);
        wal.Close();

        Assert.Equal(WalError.FileNotFound, Assert.Throws<WalException>(() => Open(_disk)).Error);
        WalOpenResult opened = Open(_disk, Mark(400, 1));
        Assert.Equal(400, opened.Entries.Count);
        opened.Log.Close();
        Assert.Equal([400UL], WriteAheadLog.ValidSnapshots(_disk, Dir).Select(mark => mark.Index.Value));
    }

    [Fact]
    public void Released_segments_are_still_read_from_an_older_snapshot_until_they_are_purged()
    {
        WriteAheadLog wal = WithSnapshotAt(400, last: 800);
        wal.ReleaseLockTo(new LogIndex(400));
        wal.ReleaseLockTo(new LogIndex(400));
        wal.Close();
        Assert.Equal(800, Open(_disk).Entries.Count);
    }

    [Fact]
    public void A_missing_segment_is_refused()
    {
        WithSnapshotAt(400, last: 800).Close();
        string second = _disk.List(Dir).Single(name => name.StartsWith("0000000000000001-", StringComparison.Ordinal));
        _disk.DeleteFile(Dir + "/" + second);
        Assert.Equal(WalError.SequenceGap, Assert.Throws<WalException>(() => Open(_disk)).Error);
    }

    [Fact]
    public void Segments_of_another_member_are_refused()
    {
        WithSnapshotAt(60).Close();
        WriteAheadLog other = WriteAheadLog.Create(_disk, "/other/wal", new byte[] { 8, 1, 16, 2 }, Options);
        other.Close();

        // The other log's first segment, made to be this log's next one: the chain breaks there first.
        string last = _disk.List(Dir)[^1];
        string next = $"{Convert.ToUInt64(last[..16], 16) + 1:x16}-0000000000000065.wal";
        _disk.Place(Dir + "/" + next, _disk.ReadAll("/other/wal/0000000000000000-0000000000000000.wal"));
        WalException refused = Assert.Throws<WalException>(() => Open(_disk));
        Assert.Equal(WalError.CrcMismatch, refused.Error);
        Assert.Equal((Dir + "/" + next, 0L), (refused.File, refused.Offset));
    }

    [Fact]
    public void A_log_that_is_open_is_locked_for_writers_and_open_for_readers()
    {
        using WriteAheadLog wal = WithSnapshotAt(60);
        wal.Sync();
        Assert.Equal(WalError.Locked, Assert.Throws<WalException>(() => Open(_disk)).Error);
        Assert.Equal(100, WriteAheadLog.Read(_disk, Dir, WalSnapshotMark.Beginning).Entries.Count);
    }

    [Fact]
    public void What_a_crash_during_creation_left_is_replaced()
    {
        _disk.CreateDirectoryDurably(Dir + ".tmp");
        _disk.Place(Dir + ".tmp/0000000000000000-0000000000000000.wal", [1, 2, 3]);
        Create(_disk).Close();
        Assert.Empty(Open(_disk).Entries);
        Assert.False(_disk.DirectoryExists(Dir + ".tmp"));
    }

    [Fact]
    public void A_directory_with_foreign_files_is_not_deleted()
    {
        _disk.CreateDirectoryDurably(Dir);
        _disk.Place(Dir + "/notes", [1]);
        Assert.Equal(FileSystemError.NotEmpty, Assert.Throws<FileSystemException>(() => Create(_disk)).Error);
        Assert.True(_disk.FileExists(Dir + "/notes"));
    }

    [Fact]
    public void Without_fsync_nothing_is_synced_while_running()
    {
        int syncs = 0;
        bool counting = false;
        SimDisk disk = new(new SimDiskOptions { Syncing = _ => syncs += counting ? 1 : 0 });
        WalOptions unsafeOptions = Options with { SyncMode = SyncMode.None };
        using WriteAheadLog wal = WriteAheadLog.Create(disk, Dir, Metadata, unsafeOptions);
        counting = true;
        for (ulong i = 1; i <= 300; i++)
        {
            wal.Append(State(1, i - 1), [NewEntry(i)]);
            wal.Sync();
            wal.RunOnce();
        }

        Assert.Equal(0, syncs);
        disk.KillProcess();
        Assert.Equal(300, WriteAheadLog.OpenForAppend(disk, Dir, WalSnapshotMark.Beginning, unsafeOptions).Entries.Count);
    }

    private static (LogIndex Index, Term Term, HardState State) Synced(WriteAheadLog wal)
    {
        WalSyncResult result = wal.Sync();
        return (result.LastIndex, result.LastTerm, result.HardState);
    }

    private WriteAheadLog WithSnapshotAt(ulong index, ulong last = 100)
    {
        WriteAheadLog wal = Create(_disk);
        for (ulong i = 1; i <= last; i++)
        {
            wal.Append(State(1, i), [NewEntry(i)]);
            wal.Sync();
            if (i == index)
            {
                wal.SaveSnapshotMarker(Mark(index, 1));
            }
        }

        return wal;
    }
}
