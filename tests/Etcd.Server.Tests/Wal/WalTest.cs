using System.Text;
using Etcd.Server.Io;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Server.Wal;

namespace Etcd.Server.Tests.Wal;

/// <summary>What the log's tests share: a small log on a simulated disk.</summary>
public abstract class WalTest
{
    protected const string Dir = "/member/wal";
    protected const string FirstSegment = Dir + "/0000000000000000-0000000000000000.wal";

    /// <summary>As large as a real member's, so that a misread record is as conspicuous as it would be there.</summary>
    protected const ulong Member = 0x8e9e05c52164694d;

    protected static byte[] Metadata { get; } = [0x08, 0xcd, 0xd2, 0x91, 0xab, 0xd2, 0xb8, 0xc1, 0xcf, 0x8e, 0x01, 0x10, 0x07];

    protected static WalOptions Options { get; } = new() { SegmentBytes = 8 * 1024, BufferBytes = 4096 };

    protected static WriteAheadLog Create(IFileSystem files) => WriteAheadLog.Create(files, Dir, Metadata, Options);

    protected static WalOpenResult Open(IFileSystem files, WalSnapshotMark? from = null) =>
        WriteAheadLog.OpenForAppend(files, Dir, from ?? WalSnapshotMark.Beginning, Options);

    protected static Entry NewEntry(ulong index, ulong term = 1, string? data = null, EntryType type = EntryType.Normal) =>
        new(new Term(term), new LogIndex(index), type, Encoding.UTF8.GetBytes(data ?? $"entry {index} of term {term}"));

    protected static HardState State(ulong term, ulong commit, ulong vote = Member) =>
        new(new Term(term), new MemberId(vote), new LogIndex(commit));

    protected static WalSnapshotMark Mark(ulong index, ulong term) =>
        new(new LogIndex(index), new Term(term), new ConfState([new MemberId(Member)], []));

    /// <summary>Entries compare by content: their data's arrays are different ones after reading.</summary>
    protected static void AssertSame(IReadOnlyList<Entry> expected, IReadOnlyList<Entry> actual) =>
        Assert.Equal(expected.Select(Describe), actual.Select(Describe));

    protected static string Describe(Entry entry) =>
        $"{entry.Type} {entry.Term}/{entry.Index} {Convert.ToHexString(entry.Data.Span)}";
}
