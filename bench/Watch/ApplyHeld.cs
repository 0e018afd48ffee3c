using System.Globalization;

namespace Etcd.Bench.Watch;

/// <summary>
/// How long the server's apply thread was held by its watchers, as its own histogram says (etcd_debugging_watch_apply_held_duration_seconds):
/// the difference of two looks at /metrics. The original has no such figure.
/// </summary>
internal sealed class ApplyHeld
{
    private const string Bucket = "etcd_debugging_watch_apply_held_duration_seconds_bucket{le=\"";
    private const double OneMillisecond = 0.001;

    private static readonly HttpClient Http = new();

    private readonly List<(double Bound, long AtMost)> _buckets;

    private ApplyHeld(List<(double Bound, long AtMost)> buckets) => _buckets = buckets;

    /// <summary>How often events were handed over.</summary>
    public long Count => _buckets.Count == 0 ? 0 : _buckets[^1].AtMost;

    /// <summary>How often it was held for longer than a millisecond.</summary>
    public long OverOneMillisecond => Count - _buckets.Where(b => b.Bound <= OneMillisecond).Select(b => b.AtMost).LastOrDefault();

    /// <summary>It was never held for longer than this, milliseconds; NaN if the server does not tell. The bounds of the buckets double.</summary>
    public double LongestMilliseconds => Count == 0 ? double.NaN : _buckets.First(b => b.AtMost == Count).Bound * 1000;

    /// <summary>What the server says now.</summary>
    public static async Task<ApplyHeld> ReadAsync(int port, CancellationToken cancellationToken) =>
        Parse(await Http.GetStringAsync(new Uri($"http://127.0.0.1:{port}/metrics"), cancellationToken).ConfigureAwait(false));

    /// <summary>Reads the histogram from a page of metrics.</summary>
    public static ApplyHeld Parse(string page)
    {
        var buckets = new List<(double, long)>();
        foreach (string line in page.Split('\n').Where(l => l.StartsWith(Bucket, StringComparison.Ordinal)))
        {
            string[] parts = line[Bucket.Length..].Split("\"} ");
            double bound = parts[0] == "+Inf" ? double.PositiveInfinity : double.Parse(parts[0], CultureInfo.InvariantCulture);
            buckets.Add((bound, (long)double.Parse(parts[1], CultureInfo.InvariantCulture)));
        }
        return new ApplyHeld(buckets);
    }

    /// <summary>What has come since an earlier look.</summary>
    public ApplyHeld Since(ApplyHeld earlier) => new([.. _buckets.Zip(earlier._buckets, (now, then) => (now.Bound, now.AtMost - then.AtMost))]);
}
