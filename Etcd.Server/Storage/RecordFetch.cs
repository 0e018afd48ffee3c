using System.Buffers;
using System.Runtime.InteropServices;
using Etcd.Server.Storage.Disk;
using Etcd.Server.Storage.Log;

namespace Etcd.Server.Storage;

/// <summary>
/// Reads the records of the keys that a range has found. Those that are on the disk only are read in the order in which they stand
/// there, neighbours in one go, and not in the order of their keys. What a long range reads does not go into the cache, where it would push out
/// what is read again and again, and is copied out of the pages, which would else be kept whole for a record each: the answer takes
/// the memory of its records, and the reading at most <see cref="RunBytesMax"/> more.
/// Threads: any that holds a pin.
/// </summary>
internal static class RecordFetch
{
    /// <summary>Fewer records than that are read one by one.</summary>
    public const int BatchMin = 16;

    /// <summary>More records than that are not kept in the cache.</summary>
    public const int CachedMax = 1024;

    /// <summary>What is read in one go.</summary>
    public const int RunBytesMax = 256 * 1024;

    // So many pages between two that are wanted are read with them: that takes less time than another call.
    private const int GapPagesMax = 3;

    private const int CopyBytes = 64 * 1024;

    /// <summary>Sets the records of items.</summary>
    /// <param name="segments">The log.</param>
    /// <param name="items">The items, in any order.</param>
    public static void Fill(LogSegment[] segments, Span<RangeItem> items)
    {
        if (items.Length < BatchMin)
        {
            foreach (ref RangeItem item in items)
                item.Record = RevisionLog.Read(segments, item.Version.Modified);

            return;
        }

        // The segments' order is that of their places but for those that were copied, and then each is a run of its own.
        List<long>? places = null;
        List<int>? wanted = null;
        for (int i = 0; i < items.Length; i++)
        {
            (int segment, int at) = RevisionLog.Find(segments, items[i].Version.Modified);
            if (TryReadMemory(segments[segment], at, out items[i].Record))
                continue;

            (places ??= []).Add(((long)segment << 32) | (uint)at);
            (wanted ??= []).Add(i);
        }

        if (places is not null)
            FillCold(segments, items, CollectionsMarshal.AsSpan(places), CollectionsMarshal.AsSpan(wanted));
    }

    private static bool TryReadMemory(LogSegment segment, int at, out ReadOnlyMemory<byte> bytes)
    {
        if (segment.TryReadBlock(at, out bytes) || segment.LengthOf(at) == 0)
            return true;

        (int first, int last) = PagesOf(segment, at);
        if (first != last || segment.Extent!.TryGetPage(first) is not { } page)
            return false;

        bytes = page.AsMemory(segment.OffsetOf(at) - (first * StoreFormat.PageBytes), segment.LengthOf(at));
        return true;
    }

    private static void FillCold(LogSegment[] segments, Span<RangeItem> items, Span<long> places, Span<int> wanted)
    {
        if (places.Length < BatchMin)
        {
            for (int i = 0; i < places.Length; i++)
                items[wanted[i]].Record = segments[SegmentOf(places[i])].BytesOf(AtOf(places[i]));

            return;
        }

        places.Sort(wanted);
        long left = 0;
        foreach (long place in places)
            left += segments[SegmentOf(place)].LengthOf(AtOf(place));

        byte[] pages = ArrayPool<byte>.Shared.Rent(RunBytesMax);
        try
        {
            var copies = new Copies(left);
            for (int from = 0, to; from < places.Length; from = to)
            {
                LogSegment segment = segments[SegmentOf(places[from])];
                to = from + RunFrom(segment, places[from..]);
                var run = new Run(segment, pages, keeps: places.Length <= CachedMax, copies);
                run.Read(places[from..to], wanted[from..to], items);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(pages);
        }
    }

    private static int SegmentOf(long place) => (int)(place >> 32);

    private static int AtOf(long place) => (int)place;

    private static (int First, int Last) PagesOf(LogSegment segment, int at)
    {
        int offset = segment.OffsetOf(at);
        return (offset / StoreFormat.PageBytes, (offset + segment.LengthOf(at) - 1) / StoreFormat.PageBytes);
    }

    // How many of these records are read in one go.
    private static int RunFrom(LogSegment segment, ReadOnlySpan<long> places)
    {
        (int first, int last) = PagesOf(segment, AtOf(places[0]));
        int count = 1;
        for (; count < places.Length && SegmentOf(places[count]) == SegmentOf(places[0]); count++)
        {
            (int from, int to) = PagesOf(segment, AtOf(places[count]));
            if (from - last > GapPagesMax + 1 || (to - first + 1) * StoreFormat.PageBytes > RunBytesMax)
                break;

            last = to;
        }

        return count;
    }

    /// <summary>Records that stand near each other in a segment.</summary>
    private readonly ref struct Run(LogSegment segment, byte[] pages, bool keeps, Copies copies)
    {
        public void Read(ReadOnlySpan<long> places, ReadOnlySpan<int> wanted, Span<RangeItem> items)
        {
            Extent extent = segment.Extent!;
            int first = PagesOf(segment, AtOf(places[0])).First;
            int last = PagesOf(segment, AtOf(places[^1])).Last;
            if ((last - first + 1) * StoreFormat.PageBytes > RunBytesMax)
            {
                // One large record.
                items[wanted[0]].Record = segment.BytesOf(AtOf(places[0]));
                return;
            }

            int start = first * StoreFormat.PageBytes;
            Span<byte> run = pages.AsSpan(0, Math.Min((last + 1) * StoreFormat.PageBytes, extent.Place.DataBytes) - start);
            extent.ReadUnchecked(first, run);
            int looked = first - 1;
            for (int i = 0; i < places.Length; i++)
            {
                int at = AtOf(places[i]);
                (int from, int to) = PagesOf(segment, at);
                for (int page = Math.Max(from, looked + 1); page <= to; page++)
                    Look(extent, page, Extent.PageOf(run, page - first));

                looked = Math.Max(looked, to);
                items[wanted[i]].Record = copies.Add(run.Slice(segment.OffsetOf(at) - start, segment.LengthOf(at)));
            }
        }

        private void Look(Extent extent, int number, ReadOnlySpan<byte> page)
        {
            extent.Check(number, page);
            if (keeps)
                extent.Keep(number, page.ToArray());
        }
    }

    /// <summary>Records one behind the other, in arrays that never move.</summary>
    private sealed class Copies(long left)
    {
        private byte[] _bytes = [];
        private int _used;
        private long _left = left;

        public ReadOnlyMemory<byte> Add(ReadOnlySpan<byte> record)
        {
            if (_used + record.Length > _bytes.Length)
            {
                _bytes = GC.AllocateUninitializedArray<byte>((int)Math.Max(record.Length, Math.Min(CopyBytes, _left)));
                _used = 0;
            }

            record.CopyTo(_bytes.AsSpan(_used));
            var copy = new ReadOnlyMemory<byte>(_bytes, _used, record.Length);
            _used += record.Length;
            _left -= record.Length;
            return copy;
        }
    }
}
