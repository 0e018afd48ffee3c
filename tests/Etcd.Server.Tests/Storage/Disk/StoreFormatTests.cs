using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Etcd.Server.Storage.Disk;
using Etcd.TestKit.Disk;

namespace Etcd.Server.Tests.Storage.Disk;

/// <summary>The bytes of docs/storage-format.md's example: what is on disks must be read by every later version.</summary>
public sealed class StoreFormatTests
{
    private const string Segment = "657463646E534547010000000000000001000000000000000A01611002180220012A01620100000C0105140F950001610001";
    private const string Manifest = "657463646E4D414E01000000BC9F34C9200000000000000007000000000000000300000000000000050102000101180C0ECE87C6E2020000";

    [Fact]
    public void TheExampleIsWhatIsWritten()
    {
        var disk = new SimDisk();
        using StoreFolder folder = StoreFolder.Open(disk, "/s");
        folder.Begin(7, new MemberId(3));
        var store = new MvccStore(folder);
        store.Put("a", "b");
        store.BeginCheckpoint(new CheckpointMark(new LogIndex(5), new Term(1)), []);
        Assert.True(store.RunDiskOnce());
        Assert.Equal(Segment, Convert.ToHexString(disk.ReadAll("/s/0000000000000001.seg")));
        Assert.Equal(Manifest, Convert.ToHexString(disk.ReadAll("/s/MANIFEST")));
    }

    [Fact]
    public void TheExampleIsRead()
    {
        var disk = new SimDisk();
        disk.CreateDirectory("/s");
        disk.Place("/s/0000000000000001.seg", Convert.FromHexString(Segment));
        disk.Place("/s/MANIFEST", Convert.FromHexString(Manifest));
        using StoreFolder folder = StoreFolder.Open(disk, "/s");
        Assert.Equal(new CheckpointMark(new LogIndex(5), new Term(1)), folder.Mark);
        folder.Begin(7, new MemberId(3));
        var store = new MvccStore(folder);
        store.Replace(store.LoadCheckpoint()!, finishedCompact: -1, scheduledCompact: -1);
        Assert.Equal(2, store.CurrentRevision);
        Assert.True(store.TryGet("a"u8, out ReadOnlyMemory<byte> record, out _));
        Assert.Equal("b"u8, KeyValueFields.Parse(record.Span).Value);
    }
}
