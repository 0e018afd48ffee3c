using System.Numerics;

namespace Etcd.Bench.Load;

/// <summary>
/// Counts durations in log-linear buckets: each power of two is cut into 128 equal parts, so a percentile is off by
/// less than 0.8 percent of its value, below 256 ns by nothing. The largest value is kept exactly. One thread writes.
/// </summary>
internal sealed class LatencyHistogram
{
    private const int PartBits = 7;
    private const int Parts = 1 << PartBits;

    // Up to 2^44 ns, close to five hours; what is longer goes into the last bucket.
    private const int ValueBits = 44;
    private const int Buckets = (ValueBits - PartBits + 1) << PartBits;

    private readonly long[] _counts = new long[Buckets];

    public long Count { get; private set; }

    public long Max { get; private set; }

    public void Record(long nanoseconds)
    {
        long value = Math.Max(0, nanoseconds);
        _counts[BucketOf(value)]++;
        Count++;
        Max = Math.Max(Max, value);
    }

    public void Add(LatencyHistogram other)
    {
        for (int i = 0; i < Buckets; i++)
            _counts[i] += other._counts[i];
        Count += other.Count;
        Max = Math.Max(Max, other.Max);
    }

    /// <summary>The value at or below which the given share of the values lies (nearest rank); 0 where there is none.</summary>
    public long Percentile(double percent)
    {
        long rank = Math.Max(1, (long)Math.Ceiling(Count * percent / 100));
        long seen = 0;
        for (int i = 0; i < Buckets; i++)
        {
            seen += _counts[i];
            if (seen >= rank)
                return Math.Min(MiddleOf(i), Max);
        }
        return 0;
    }

    private static int BucketOf(long value)
    {
        if (value < 2 * Parts)
            return (int)value;
        // The leading one and the seven bits behind it, which say the part.
        int shift = BitOperations.Log2((ulong)value) - PartBits;
        int bucket = (shift << PartBits) + (int)(value >> shift);
        return Math.Min(bucket, Buckets - 1);
    }

    private static long MiddleOf(int bucket)
    {
        if (bucket < 2 * Parts)
            return bucket;
        int shift = (bucket >> PartBits) - 1;
        long low = (long)(bucket - (shift << PartBits)) << shift;
        return low + ((1L << shift) >> 1);
    }
}
