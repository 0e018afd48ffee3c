using Etcd.Server.Io;
using Etcd.Server.Io.Os;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Server.Wal;

namespace Etcd.Interop.Tests.Wal;

/// <summary>One log, two programs: each reads what the other wrote, and goes on with it.</summary>
public sealed class WalInteropTests : IDisposable
{
    private static readonly IFileSystem Files = OsFileSystem.Instance;
    private readonly DirectoryInfo _root = System.IO.Directory.CreateTempSubdirectory("wal-interop-");

    private string Data => Path.Combine(_root.FullName, "data");

    private string Wal => Path.Combine(Data, "member", "wal");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _root.Delete(recursive: true);

    [Fact]
    public async Task A_log_of_the_real_etcd_is_read_to_its_end()
    {
        await WriteWithTheRealEtcdAsync(puts: 40);

        WalContent content = WriteAheadLog.Read(Files, Wal, WalSnapshotMark.Beginning);
        Assert.Equal(Enumerable.Range(1, content.Entries.Count).Select(i => (ulong)i), content.Entries.Select(entry => entry.Index.Value));
        Assert.Equal(EntryType.ConfChange, content.Entries[0].Type);
        Assert.All(Enumerable.Range(0, 40), i =>
            Assert.Contains(content.Entries, entry => entry.Data.Span.IndexOf(RaftLog.Put("key " + i, "value " + i)) >= 0));
        Assert.True(content.HardState.Commit.Value >= (ulong)content.Entries.Count - 1);
        Assert.False(content.HardState.Vote.IsNone);
        Assert.False(content.Metadata.IsEmpty);
        Assert.Equal(WalSnapshotMark.Beginning, Assert.Single(WriteAheadLog.ValidSnapshots(Files, Wal)));
    }

    /// <summary>Every record of the real etcd, decoded and encoded again, gives the same bytes: frames, fields, zeros, padding.</summary>
    [Fact]
    public async Task The_records_of_the_real_etcd_are_written_with_the_same_bytes()
    {
        await WriteWithTheRealEtcdAsync(puts: 20);
        Segment segment = Assert.Single(SegmentDirectory.Open(Files, Wal, SegmentDirectory.Names(Files, Wal), forWriting: false));
        using IDataFile original = segment.File;
        using IDataFile copy = Files.Open(Path.Combine(_root.FullName, "copy"), FileOpenMode.CreateNew);
        RecordReader reader = new([segment]);
        RecordWriter writer = new(copy, 0, 0, 4096);
        while (reader.Next(out WalRecord record) == ReadOutcome.Record)
        {
            WriteAgain(writer, record);
        }

        writer.Flush();
        Assert.Equal(reader.Offset, writer.Offset);
        Assert.Equal(Bytes(original, reader.Offset), Bytes(copy, reader.Offset));
    }

    [Fact]
    public async Task The_real_etcd_goes_on_with_its_log_after_ours_did()
    {
        await WriteWithTheRealEtcdAsync(puts: 3);
        WalOpenResult opened = WriteAheadLog.OpenForAppend(Files, Wal, WalSnapshotMark.Beginning, WalOptions.Default);
        Term term = opened.HardState.Term;
        LogIndex next = opened.Log.LastIndex.Next;
        byte[] put = RaftLog.Request(id: 77, RaftLog.Put("ours", "too"));
        opened.Log.Append(opened.HardState with { Commit = next }, [new Entry(term, next, EntryType.Normal, put)]);
        opened.Log.Close();

        await using (ReferenceMember member = await ReferenceMember.StartAsync(Data, Cancellation))
        {
            Assert.Equal("too", await member.GetAsync("ours", Cancellation));
            Assert.Equal("value 2", await member.GetAsync("key 2", Cancellation));
            await member.PutAsync("after", "it", Cancellation);
            await member.KillAsync(Cancellation);
        }

        WalContent content = WriteAheadLog.Read(Files, Wal, WalSnapshotMark.Beginning);
        Assert.Contains(content.Entries, entry => entry.Data.Span.IndexOf(RaftLog.Put("after", "it")) >= 0);
    }

    /// <summary>
    /// A log that only ours has touched: one voter that joined by a configuration change, and puts, over several segments.
    /// The real etcd builds its store from it.
    /// </summary>
    [Fact]
    public async Task The_real_etcd_starts_on_a_log_that_ours_wrote()
    {
        MemberId member = new(0x8e9e05c52164694d);
        WalOptions options = new() { SegmentBytes = 16 * 1024 };
        using (WriteAheadLog wal = WriteAheadLog.Create(Files, Wal, RaftLog.Metadata(member.Value, 0xcdf818194e3a8c32), options))
        {
            byte[] join = RaftLog.AddMember(member.Value, "default", "http://localhost:2380");
            wal.Append(new HardState(new Term(1), default, new LogIndex(1)), [new Entry(new Term(1), new LogIndex(1), EntryType.ConfChange, join)]);
            wal.Append(new HardState(new Term(2), member, new LogIndex(2)), [new Entry(new Term(2), new LogIndex(2), EntryType.Normal, default)]);
            for (ulong i = 3; i < 603; i++)
            {
                byte[] put = RaftLog.Request(i, RaftLog.Put("key " + i, new string('v', 100) + i));
                wal.Append(new HardState(new Term(2), member, new LogIndex(i)), [new Entry(new Term(2), new LogIndex(i), EntryType.Normal, put)]);
                wal.Sync();
            }
        }

        Assert.True(Files.List(Wal).Count > 4);
        Files.CreateDirectory(Path.Combine(Data, "member", "snap"));
        await using ReferenceMember real = await ReferenceMember.StartAsync(Data, Cancellation);
        Assert.Equal(new string('v', 100) + 3, await real.GetAsync("key 3", Cancellation));
        Assert.Equal(new string('v', 100) + 602, await real.GetAsync("key 602", Cancellation));
        Assert.Null(await real.GetAsync("key 603", Cancellation));
        await real.PutAsync("more", "of it", Cancellation);
        Assert.Equal("of it", await real.GetAsync("more", Cancellation));
    }

    [Fact]
    public async Task A_member_that_runs_keeps_ours_out()
    {
        await using ReferenceMember real = await ReferenceMember.StartAsync(Data, Cancellation);
        WalException refused = Assert.Throws<WalException>(
            () => WriteAheadLog.OpenForAppend(Files, Wal, WalSnapshotMark.Beginning, WalOptions.Default));
        Assert.Equal(WalError.Locked, refused.Error);
        await real.PutAsync("still", "serving", Cancellation);
    }

    private async Task WriteWithTheRealEtcdAsync(int puts)
    {
        await using ReferenceMember member = await ReferenceMember.StartAsync(Data, Cancellation);
        for (int i = 0; i < puts; i++)
        {
            await member.PutAsync("key " + i, "value " + i, Cancellation);
        }

        await member.KillAsync(Cancellation);
    }

    private static void WriteAgain(RecordWriter writer, in WalRecord record)
    {
        switch (record.Type)
        {
            case RecordType.Crc:
                writer.WriteCrc();
                break;
            case RecordType.Entry:
                Assert.True(EntryCodec.TryRead(record.Data, out Entry entry));
                writer.WriteEntry(entry);
                break;
            case RecordType.State:
                Assert.True(HardStateCodec.TryRead(record.Data.Span, out HardState state));
                writer.WriteState(state);
                break;
            case RecordType.Snapshot:
                Assert.True(SnapshotMarkCodec.TryRead(record.Data.Span, out WalSnapshotMark mark));
                writer.WriteBytes(RecordType.Snapshot, SnapshotMarkCodec.Write(mark));
                break;
            default:
                writer.WriteBytes(record.Type, record.Data.Span);
                break;
        }
    }

    private static string Bytes(IDataFile file, long count)
    {
        byte[] bytes = new byte[count];
        Assert.Equal(count, file.ReadAt(bytes, 0));
        return Convert.ToHexString(bytes);
    }
}
