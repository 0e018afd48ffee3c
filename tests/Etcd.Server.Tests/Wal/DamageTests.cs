using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Server.Wal;
using Etcd.TestKit.Disk;

namespace Etcd.Server.Tests.Wal;

/// <summary>
/// A damaged log is never read as something that was not written. Each case takes a good log, damages one place and opens
/// it. Then exactly one of these holds:
/// it is refused and the disk is as it was; or it has all that was in the good log; or, where the damage is what a torn
/// write leaves, it has the records before the damage and a copy of the file is kept.
/// </summary>
public sealed class DamageTests : WalTest
{
    /// <summary>
    /// A file that ends too early is a torn write wherever it ends, once its head is there: nothing says that more of it
    /// was ever on the disk.
    /// </summary>
    [Fact]
    public void Cut_at_any_byte_the_whole_records_before_the_cut_are_kept()
    {
        GoodLog good = new();
        byte[] file = good.Files[FirstSegment];
        for (int length = 0; length < good.End; length++)
        {
            SimDisk disk = good.Disk(FirstSegment, file[..length]);
            if (length < good.Records[2].End)
            {
                Assert.Throws<WalException>(() => Open(disk));
                continue;
            }

            int whole = good.Records.Count(record => record.End <= length);
            WalOpenResult opened = Open(disk);
            good.AssertHas(whole, opened);
            bool clean = length == good.Records[whole - 1].End;
            Assert.Equal(clean, opened.Repair is null);
            Assert.True(clean || disk.ReadAll(FirstSegment + ".broken").AsSpan().SequenceEqual(file.AsSpan(0, length)));
            AssertGoesOn(disk, opened, good, whole);
        }
    }

    /// <summary>The space behind the last sector that reached the disk is zero, as it was preallocated.</summary>
    [Fact]
    public void Sectors_that_were_not_written_end_the_log_and_it_goes_on_there()
    {
        GoodLog good = new();
        byte[] file = good.Files[FirstSegment];
        for (int sector = 1; sector * WalFormat.SectorBytes < good.End; sector++)
        {
            int from = sector * WalFormat.SectorBytes;
            byte[] torn = [.. file[..from], .. new byte[file.Length - from]];
            SimDisk disk = good.Disk(FirstSegment, torn);
            WalOpenResult opened = Open(disk);
            int whole = good.Records.Count(record => record.End <= from);
            good.AssertHas(whole, opened);
            AssertGoesOn(disk, opened, good, whole);
        }
    }

    /// <summary>Sectors reach the disk in any order: a later one may be there while an earlier one is not.</summary>
    [Fact]
    public void A_sector_that_is_missing_in_the_last_segment_ends_the_log_before_its_record()
    {
        GoodLog good = new();
        byte[] file = good.Files[FirstSegment];
        for (int sector = 1; sector * WalFormat.SectorBytes < good.End; sector++)
        {
            int from = sector * WalFormat.SectorBytes;
            byte[] torn = [.. file];
            torn.AsSpan(from, WalFormat.SectorBytes).Clear();
            SimDisk disk = good.Disk(FirstSegment, torn);
            WalOpenResult opened = Open(disk);
            int whole = good.Records.Count(record => record.End <= from);
            good.AssertHas(whole, opened);
            AssertGoesOn(disk, opened, good, whole);
        }
    }

    [Fact]
    public void Every_flipped_bit_is_refused_or_changes_nothing()
    {
        GoodLog good = new();
        int refused = 0;
        for (int offset = 0; offset < good.End + 64; offset++)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                refused += AssertRefusedOrSame(good, FirstSegment, offset, (byte)(1 << bit)) ? 1 : 0;
            }
        }

        // Padding, the frames behind the end and the first chain value are all that may be flipped unnoticed.
        Assert.True(refused > good.End * 8 * 0.9, $"only {refused} of {good.End * 8} flips were refused");
    }

    [Fact]
    public void Every_flipped_byte_in_earlier_segments_is_refused_or_changes_nothing()
    {
        GoodLog good = new(segments: 3);
        foreach (string path in good.Files.Keys)
        {
            for (int offset = 0; offset < good.Files[path].Length; offset++)
            {
                byte mask = (byte)((offset * 37 % 255) + 1);
                AssertRefusedOrSame(good, path, offset, mask);
            }
        }
    }

    /// <summary>
    /// A value of zeros spans whole zero sectors, so damage elsewhere in its record looks like a torn write, as it does to
    /// etcd. What then is kept is still a prefix of what was written, with a copy of the file beside.
    /// </summary>
    [Fact]
    public void Damage_in_a_record_with_zero_sectors_keeps_the_records_before_it()
    {
        GoodLog good = new(zeros: 2048);
        GoodLog.Record zeros = good.Records.First(record => record.End - record.Start > 2048);
        for (int offset = zeros.Start + 40; offset < zeros.Start + 2000; offset += 7)
        {
            SimDisk disk = good.Disk(FirstSegment, Flipped(good.Files[FirstSegment], offset, 0x10));
            WalOpenResult opened = Open(disk);
            Assert.NotNull(opened.Repair);
            Assert.True(disk.FileExists(opened.Repair.Backup));
            good.AssertHas(good.Records.IndexOf(zeros), opened);
        }
    }

    [Fact]
    public void A_refusal_names_file_and_position_and_changes_nothing()
    {
        GoodLog good = new();
        GoodLog.Record middle = good.Records[7];
        SimDisk disk = good.Disk(FirstSegment, Flipped(good.Files[FirstSegment], middle.Start + 30, 1));
        WalException refused = Assert.Throws<WalException>(() => Open(disk));
        Assert.Equal(WalError.CrcMismatch, refused.Error);
        Assert.Equal((FirstSegment, (long)middle.Start), (refused.File, refused.Offset));
        Assert.Matches(
            @"^walpb: crc mismatch: expected: [0-9a-f]+ computed: [0-9a-f]+: in file '" + FirstSegment + $"' at position: {middle.Start}$",
            refused.Message);
        Assert.Single(disk.List(Dir));
    }

    private static bool AssertRefusedOrSame(GoodLog good, string path, int offset, byte mask)
    {
        byte[] damaged = Flipped(good.Files[path], offset, mask);
        SimDisk disk = good.Disk(path, damaged);
        WalOpenResult opened;
        try
        {
            opened = Open(disk);
        }
        catch (WalException)
        {
            Assert.Equal(damaged, disk.ReadAll(path));
            Assert.Equal(good.Files.Count, disk.List(Dir).Count);
            return true;
        }

        string place = $"{path}, offset {offset}, mask {mask:x2}";
        Assert.True(good.Records.Count == good.CountIn(opened), "lost records by a flip at " + place);
        good.AssertHas(good.Records.Count, opened);
        return false;
    }

    /// <summary>The recovered log takes new entries, and those are there after the next power failure.</summary>
    private static void AssertGoesOn(SimDisk disk, WalOpenResult opened, GoodLog good, int records)
    {
        ulong next = opened.Log.LastIndex.Value + 1;
        opened.Log.Append(State(9, 0) with { Commit = opened.HardState.Commit }, [NewEntry(next, term: 9)]);
        opened.Log.Sync();
        WalOpenResult again = Open(disk.Crash(CrashKind.NothingUnsynced));
        Assert.Null(again.Repair);
        AssertSame([.. good.EntriesAfter(records), NewEntry(next, term: 9)], again.Entries);
    }

    private static byte[] Flipped(byte[] file, int offset, byte mask)
    {
        byte[] damaged = [.. file];
        damaged[offset] ^= mask;
        return damaged;
    }

    /// <summary>A log with all kinds of records, and for every record where it is and what it holds.</summary>
    private sealed class GoodLog
    {
        public GoodLog(int segments = 1, int zeros = 0)
        {
            SimDisk disk = new();
            WriteAheadLog wal = Create(disk);
            ulong index = 0;
            for (int round = 0; round < 6 || disk.List(Dir).Count < segments; round++)
            {
                // Two entries at least stay uncommitted and are replaced in the next round.
                ulong term = 1 + ((ulong)round / 2);
                index = index > 2 ? index - 2 : index;
                wal.Append(State(term, index), [NewEntry(++index, term), NewEntry(++index, term, ""), NewEntry(++index, term), NewEntry(++index, term, new string('v', 300))]);
                wal.Sync();
                if (round == 3)
                {
                    wal.SaveSnapshotMarker(Mark(index - 3, term));
                }

                if (round == 4 && zeros > 0)
                {
                    wal.Append(null, [new Entry(new Term(term), new LogIndex(++index), EntryType.Normal, new byte[zeros])]);
                    wal.Sync();
                }
            }

            foreach (string name in disk.List(Dir).Where(name => name.EndsWith(".wal", StringComparison.Ordinal)))
            {
                Files.Add(Dir + "/" + name, disk.ReadAll(Dir + "/" + name));
            }

            wal.Close();
            Scan(disk);
        }

        public Dictionary<string, byte[]> Files { get; } = [];

        public List<Record> Records { get; } = [];

        public int End => Records[^1].End;

        /// <summary>A disk with this log, one of its files replaced.</summary>
        public SimDisk Disk(string path, byte[] content)
        {
            SimDisk disk = new();
            Server.Io.FileSystemExtensions.CreateDirectoryDurably(disk, Dir);
            foreach ((string name, byte[] file) in Files)
            {
                disk.Place(name, name == path ? content : file);
            }

            return disk;
        }

        public List<Entry> EntriesAfter(int records)
        {
            List<Entry> entries = [];
            foreach (Entry entry in Records.Take(records).Where(record => record.Entry is not null).Select(record => record.Entry!.Value))
            {
                entries.RemoveRange((int)entry.Index.Value - 1, entries.Count - (int)entry.Index.Value + 1);
                entries.Add(entry);
            }

            return entries;
        }

        public void AssertHas(int records, WalContent content)
        {
            Assert.Equal(Metadata, content.Metadata.ToArray());
            Assert.Equal(StateAfter(records), content.HardState);
            AssertSame(EntriesAfter(records), content.Entries);
        }

        /// <summary>How many records make this content; 0 if no number of them does.</summary>
        public int CountIn(WalContent content)
        {
            string found = Describe(content.HardState, content.Entries);
            for (int count = Records.Count; count > 0; count--)
            {
                if (Describe(StateAfter(count), EntriesAfter(count)) == found)
                {
                    return count;
                }
            }

            return 0;
        }

        private static string Describe(HardState state, List<Entry> entries) =>
            state + string.Concat(entries.Select(WalTest.Describe));

        private HardState StateAfter(int records) =>
            Records.Take(records).LastOrDefault(record => record.State is not null)?.State ?? default;

        private void Scan(SimDisk disk)
        {
            RecordReader reader = new(SegmentDirectory.Open(disk, Dir, SegmentDirectory.Names(disk, Dir), forWriting: false));
            while (reader.Next(out WalRecord record) == ReadOutcome.Record)
            {
                Entry? entry = record.Type == RecordType.Entry && EntryCodec.TryRead(record.Data, out Entry read) ? read : null;
                HardState? state = record.Type == RecordType.State && HardStateCodec.TryRead(record.Data.Span, out HardState hard) ? hard : null;
                Records.Add(new Record((int)record.Offset, (int)reader.Offset, entry, state));
            }
        }

        public sealed record Record(int Start, int End, Entry? Entry, HardState? State);
    }
}
