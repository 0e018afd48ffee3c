using System.Text;
using Etcd.Server.Io;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Server.Wal;
using Etcd.TestKit.Disk;

namespace Etcd.Server.Tests.Wal;

/// <summary>The bytes on disk, written out by hand (docs/wal-format.md explains each).</summary>
public sealed class GoldenBytesTests : WalTest
{
    private readonly SimDisk _disk = new();

    [Fact]
    public void The_checksum_is_castagnoli()
    {
        Assert.Equal(0xe3069283u, Crc32C.Append(0, "123456789"u8));
        Assert.Equal(0u, Crc32C.Append(0, []));
        byte[] data = Encoding.ASCII.GetBytes("The quick brown fox jumps over the lazy dog");
        uint whole = Crc32C.Append(0, data);
        Assert.Equal(0x22620404u, whole);
        Assert.All(Enumerable.Range(0, data.Length), cut =>
            Assert.Equal(whole, Crc32C.Append(Crc32C.Append(0, data.AsSpan(0, cut)), data.AsSpan(cut))));
    }

    [Fact]
    public void A_small_log_has_these_bytes()
    {
        WriteAheadLog wal = WriteAheadLog.Create(_disk, Dir, new byte[] { 0x08, 0x01, 0x10, 0x02 }, Options);
        wal.Append(State(2, 4, vote: 0), [NewEntry(1, 2, ""), NewEntry(2, 2, "hi", EntryType.ConfChange)]);
        wal.SaveSnapshotMarker(new WalSnapshotMark(new LogIndex(2), new Term(2), new ConfState([new MemberId(1), new MemberId(300)], [new MemberId(5)])));

        byte[] expected = Convert.FromHexString(string.Concat(Golden).Replace(" ", "", StringComparison.Ordinal));
        byte[] file = _disk.ReadAll(FirstSegment);
        Assert.Equal(Convert.ToHexString(expected), Convert.ToHexString(file.AsSpan(0, expected.Length)));
        Assert.Equal(Options.SegmentBytes, file.Length);
        Assert.False(file.AsSpan(expected.Length).ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void A_segment_begins_with_the_chain_the_metadata_and_the_state()
    {
        using WriteAheadLog wal = Create(_disk);
        ulong index = 0;
        do
        {
            index++;
            wal.Append(State(1, index - 1), [NewEntry(index)]);
        }
        while (!wal.Sync().NewSegment);

        string second = $"0000000000000001-{index + 1:x16}.wal";
        Assert.Equal([Path.GetFileName(FirstSegment), second], _disk.List(Dir));
        RecordReader reader = new(SegmentDirectory.Open(_disk, Dir, [new SegmentName(1, index + 1)], forWriting: false));
        Assert.Equal(
            [RecordType.Crc, RecordType.Metadata, RecordType.State],
            Enumerable.Range(0, 3).Select(_ => reader.Next(out WalRecord record) == ReadOutcome.Record ? record.Type : 0));
        Assert.Equal(ReadOutcome.End, reader.Next(out _));
    }

    [Theory]
    [InlineData(8, 0x0000000000000008UL)]
    [InlineData(9, 0x8700000000000009UL)]
    [InlineData(15, 0x810000000000000fUL)]
    [InlineData(16, 0x0000000000000010UL)]
    [InlineData(1_000_001, 0x87000000000f4241UL)]
    public void A_frame_has_the_length_and_the_padding(long length, ulong frame) =>
        Assert.Equal(frame, WalFormat.Frame(length));

    [Theory]
    [InlineData("0000000000000000-0000000000000000.wal", true, 0UL, 0UL)]
    [InlineData("000000000000000a-00000000000186a1.wal", true, 10UL, 100001UL)]
    [InlineData("0.tmp", false, 0UL, 0UL)]
    [InlineData("0000000000000000-0000000000000000.wal.broken", false, 0UL, 0UL)]
    [InlineData("0000000000000000_0000000000000000.wal", false, 0UL, 0UL)]
    [InlineData("000000000000000g-0000000000000000.wal", false, 0UL, 0UL)]
    [InlineData(" 00000000000000a-0000000000000000.wal", false, 0UL, 0UL)]
    public void Segment_names_are_two_hexadecimal_numbers(string name, bool valid, ulong sequence, ulong index)
    {
        Assert.Equal(valid, SegmentName.TryParse(name, out SegmentName parsed));
        Assert.Equal(new SegmentName(sequence, index), parsed);
        Assert.True(!valid || parsed.ToString() == name);
    }

    [Fact]
    public void Fields_that_this_version_does_not_know_are_passed_over()
    {
        byte[] entry = [0x08, 0x00, 0x50, 0x05, 0x10, 0x02, 0x5a, 0x01, 0xff, 0x18, 0x03, 0x61, 1, 2, 3, 4, 5, 6, 7, 8, 0x22, 0x01, 0x2a, 0x65, 1, 2, 3, 4];
        Assert.True(EntryCodec.TryRead(entry, out Entry read));
        Assert.Equal(Describe(new Entry(new Term(2), new LogIndex(3), EntryType.Normal, new byte[] { 0x2a })), Describe(read));
        Assert.True(HardStateCodec.TryRead([0x5a, 0x01, 0xff, 0x18, 0x03], out HardState state));
        Assert.Equal(State(0, 3, vote: 0), state);

        // A packed list of voters, and the fields of joint consensus.
        Assert.False(SnapshotMarkCodec.TryRead([0x08, 0x07, 0x1a, 0x0b, 0x0a, 0x03], out _));
        Assert.True(SnapshotMarkCodec.TryRead([0x08, 0x07, 0x1a, 0x0b, 0x0a, 0x03, 0x01, 0xac, 0x02, 0x10, 0x09, 0x18, 0x04, 0x28, 0x00], out WalSnapshotMark mark));
        Assert.Equal([new MemberId(1), new MemberId(300)], mark.ConfState!.Voters);
        Assert.Equal([new MemberId(9)], mark.ConfState.Learners);
    }

    // One line per part: frame, record, padding.
    private static readonly string[] Golden =
    [
        "0400000000000084 08041000 00000000",
        "0e00000000000082 080110a9f6f0ac0c1a0408011002 0000",
        "0e00000000000082 08051099cffffd0d1a0408001000 0000",
        "1000000000000000 08021089c39adb081a06080010021801",
        "1400000000000084 08021082fd87f2011a0a08011002180222026869 00000000",
        "1000000000000000 080310cbf3f7db071a06080210001804",
        "1900000000000087 0805109ddadbcb051a0f080210021a09080108ac0210052800 00000000000000",
    ];
}
