namespace Etcd.Bench.Sdk;

/// <summary>One measurement of a client.</summary>
/// <param name="PerSecond">Calls, or events, in a second.</param>
/// <param name="P50">The median time of a call, in nanoseconds; 0 for watches.</param>
/// <param name="P99">The time that 99 of 100 calls do not exceed.</param>
/// <param name="Bytes">What this process has allocated for a call, or an event.</param>
internal readonly record struct SdkFigures(double PerSecond, long P50, long P99, double Bytes)
{
    /// <summary>The one in the middle by throughput.</summary>
    public static SdkFigures Median(IEnumerable<SdkFigures> passes)
    {
        SdkFigures[] sorted = [.. passes.OrderBy(figures => figures.PerSecond)];
        return sorted[sorted.Length / 2];
    }
}
