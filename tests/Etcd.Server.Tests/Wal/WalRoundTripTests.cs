using System.Text;
using Etcd.Server.Io;
using Etcd.Server.Io.Os;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Server.Wal;

namespace Etcd.Server.Tests.Wal;

public sealed class WalRoundTripTests : IDisposable
{
    private static readonly byte[] Metadata = [0x08, 0x01, 0x10, 0x02];
    private static readonly WalOptions Small = new() { SegmentBytes = 16 * 1024 };
    private readonly string _root = Directory.CreateTempSubdirectory("wal-").FullName;
    private readonly IFileSystem _files = OsFileSystem.Instance;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void What_was_appended_over_many_segments_is_read_back()
    {
        string dir = Path.Combine(_root, "member", "wal");
        using (WriteAheadLog wal = WriteAheadLog.Create(_files, dir, Metadata, Small))
        {
            for (ulong i = 1; i <= 1000; i++)
            {
                Assert.True(wal.Append(new HardState(new Term(1), new MemberId(7), new LogIndex(i - 1)), [Entry(i)]));
                Assert.Equal(new LogIndex(i), wal.Sync().LastIndex);
            }
        }

        WalOpenResult opened = WriteAheadLog.OpenForAppend(_files, dir, WalSnapshotMark.Beginning, Small);
        using WriteAheadLog again = opened.Log;
        Assert.Null(opened.Repair);
        Assert.Equal(Metadata, opened.Metadata.ToArray());
        Assert.Equal(new HardState(new Term(1), new MemberId(7), new LogIndex(999)), opened.HardState);
        Assert.Equal(1000, opened.Entries.Count);
        Assert.All(opened.Entries, (entry, i) => Assert.Equal("value " + (i + 1), Encoding.UTF8.GetString(entry.Data.Span)));
        Assert.True(_files.List(dir).Count > 3);
    }

    private static Entry Entry(ulong index) =>
        new(new Term(1), new LogIndex(index), EntryType.Normal, Encoding.UTF8.GetBytes("value " + index));
}
