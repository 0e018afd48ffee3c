namespace Etcd.Server.Primitives;

/// <summary>
/// Counts values in buckets with upper bounds, as Prometheus' histograms do; durations are in seconds. Any thread; to count one is two
/// atomic additions.
/// </summary>
public sealed class DurationHistogram
{
    private readonly double[] _bounds;
    private readonly long[] _counts;
    private double _sum;

    /// <summary>Buckets whose bounds double.</summary>
    /// <param name="firstBound">The first bucket's upper bound, seconds.</param>
    /// <param name="buckets">How many buckets have a bound; one more has none.</param>
    public DurationHistogram(double firstBound, int buckets)
        : this([.. Enumerable.Range(0, buckets).Select(i => firstBound * Math.Pow(2, i))])
    {
    }

    /// <summary>Buckets of any width.</summary>
    /// <param name="bounds">The upper bounds, ascending; one more bucket has none.</param>
    public DurationHistogram(double[] bounds)
    {
        _bounds = bounds;
        _counts = new long[bounds.Length + 1];
    }

    /// <summary>The buckets' upper bounds.</summary>
    public IReadOnlyList<double> Bounds => _bounds;

    /// <summary>The sum of all.</summary>
    public double Sum => Volatile.Read(ref _sum);

    /// <summary>How many there were.</summary>
    public long Count => Counts.Sum();

    /// <summary>How many were counted in each bucket alone, the one without a bound last.</summary>
    public IReadOnlyList<long> Counts => [.. Enumerable.Range(0, _counts.Length).Select(i => Volatile.Read(ref _counts[i]))];

    /// <summary>Counts a duration.</summary>
    /// <param name="duration">The duration.</param>
    public void Observe(TimeSpan duration) => Observe(duration.TotalSeconds);

    /// <summary>Counts a duration that occurred several times.</summary>
    /// <param name="duration">The duration.</param>
    /// <param name="times">How often.</param>
    public void Observe(TimeSpan duration, int times) => Observe(duration.TotalSeconds, times);

    /// <summary>Counts a value.</summary>
    /// <param name="value">The value.</param>
    public void Observe(double value) => Observe(value, 1);

    private void Observe(double value, int times)
    {
        double[] bounds = _bounds;
        int bucket = 0;
        while (bucket < bounds.Length && value > bounds[bucket])
        {
            bucket++;
        }

        Interlocked.Add(ref _counts[bucket], times);
        double before = Volatile.Read(ref _sum);
        while (true)
        {
            double seen = Interlocked.CompareExchange(ref _sum, before + (value * times), before);
            if (seen.Equals(before))
            {
                return;
            }

            before = seen;
        }
    }
}
