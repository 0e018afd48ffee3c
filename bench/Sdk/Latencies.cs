using System.Diagnostics;
using Etcd.Bench.Load;

namespace Etcd.Bench.Sdk;

/// <summary>
/// The times of many callers. They share a few histograms: one for each of a thousand would be more memory than the processor's
/// caches have, and so change what is measured.
/// </summary>
internal sealed class Latencies
{
    private const int Stripes = 8;

    private readonly LatencyHistogram[] _stripes = [.. Enumerable.Range(0, Stripes).Select(_ => new LatencyHistogram())];

    /// <summary>Notes the time of one call, by timestamps of <see cref="Stopwatch"/>.</summary>
    public void Record(int caller, long began, long ended)
    {
        LatencyHistogram stripe = _stripes[caller % Stripes];
        lock (stripe)
            stripe.Record((long)Stopwatch.GetElapsedTime(began, ended).TotalNanoseconds);
    }

    /// <summary>All of them.</summary>
    public LatencyHistogram Total()
    {
        var total = new LatencyHistogram();
        foreach (LatencyHistogram stripe in _stripes)
            lock (stripe)
                total.Add(stripe);
        return total;
    }
}
