using Etcd.Bench.Load;

namespace Etcd.Bench.Compare;

/// <summary>The figures of one cell, of one pass or the medians of all.</summary>
internal sealed record Measurement(
    double CallsPerSecond,
    double P50Milliseconds,
    double P99Milliseconds,
    double ServerMicrosecondsPerCall,
    double GeneratorMicrosecondsPerCall,
    double ResidentMebibytes,
    double OtherCpuPercent,
    double Errors)
{
    public static Measurement From(LoadResult result, long residentBytes) => new(
        result.CallsPerSecond,
        result.Latency.Percentile(50) / 1e6,
        result.Latency.Percentile(99) / 1e6,
        result.ServerMicrosecondsPerCall ?? double.NaN,
        result.GeneratorMicrosecondsPerCall,
        residentBytes / (1024.0 * 1024.0),
        result.OtherCpuShare * 100,
        result.Errors.Total);

    /// <summary>Each figure's median. Errors are added up instead: none may vanish.</summary>
    public static Measurement Median(IReadOnlyList<Measurement> passes) => new(
        Median(passes, m => m.CallsPerSecond),
        Median(passes, m => m.P50Milliseconds),
        Median(passes, m => m.P99Milliseconds),
        Median(passes, m => m.ServerMicrosecondsPerCall),
        Median(passes, m => m.GeneratorMicrosecondsPerCall),
        Median(passes, m => m.ResidentMebibytes),
        Median(passes, m => m.OtherCpuPercent),
        passes.Sum(m => m.Errors));

    private static double Median(IReadOnlyList<Measurement> passes, Func<Measurement, double> figure)
    {
        double[] sorted = [.. passes.Select(figure).Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
