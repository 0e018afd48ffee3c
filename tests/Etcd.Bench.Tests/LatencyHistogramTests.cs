using Etcd.Bench.Load;

namespace Etcd.Bench.Tests;

/// <summary>
/// Goal: a percentile is off by no more than a bucket. Method: random values over nine powers of ten beside the sorted
/// list of them; the seed is in the failure.
/// </summary>
public sealed class LatencyHistogramTests
{
    private const double ErrorMax = 1.0 / 128;

    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(1000)]
    [InlineData(100_000)]
    public void Percentiles_agree_with_the_sorted_values(int count)
    {
        int seed = Environment.TickCount;
        var random = new Random(seed);
        var histogram = new LatencyHistogram();
        long[] values = [.. Enumerable.Range(0, count).Select(_ => (long)Math.Pow(10, random.NextDouble() * 9))];
        foreach (long value in values)
            histogram.Record(value);
        Array.Sort(values);

        foreach (double percent in new[] { 0.001, 1, 25, 50, 75, 90, 99, 99.9, 100 })
        {
            long exact = values[Math.Max(0, (int)Math.Ceiling(count * percent / 100) - 1)];
            long found = histogram.Percentile(percent);
            Assert.True(Math.Abs(found - exact) <= exact * ErrorMax, $"seed {seed}: p{percent} is {found}, exactly {exact}");
        }
        Assert.Equal(values[^1], histogram.Max);
        Assert.Equal(count, histogram.Count);
    }

    [Fact]
    public void Small_values_are_exact()
    {
        for (long value = 0; value < 256; value++)
        {
            var histogram = new LatencyHistogram();
            histogram.Record(value);
            histogram.Record(long.MaxValue);
            Assert.Equal(value, histogram.Percentile(50));
        }
    }

    [Fact]
    public void Every_border_between_buckets_keeps_its_precision()
    {
        for (int bits = 1; bits < 43; bits++)
        {
            foreach (long value in new[] { (1L << bits) - 1, 1L << bits, (1L << bits) + 1 })
            {
                var histogram = new LatencyHistogram();
                histogram.Record(value);
                histogram.Record(long.MaxValue);
                Assert.InRange(histogram.Percentile(50), value * (1 - ErrorMax), value * (1 + ErrorMax));
            }
        }
    }

    [Fact]
    public void Adding_equals_recording_all_in_one()
    {
        var all = new LatencyHistogram();
        var sum = new LatencyHistogram();
        for (int part = 0; part < 3; part++)
        {
            var histogram = new LatencyHistogram();
            for (int i = 0; i < 1000; i++)
            {
                histogram.Record(i * (part + 1) * 777);
                all.Record(i * (part + 1) * 777);
            }
            sum.Add(histogram);
        }

        Assert.Equal(all.Count, sum.Count);
        Assert.Equal(all.Max, sum.Max);
        foreach (double percent in new[] { 10, 50, 99, 99.9 })
            Assert.Equal(all.Percentile(percent), sum.Percentile(percent));
    }

    [Fact]
    public void Without_values_a_percentile_is_zero() => Assert.Equal(0, new LatencyHistogram().Percentile(50));
}
