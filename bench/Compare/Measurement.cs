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
        Medians.Of(passes, m => m.CallsPerSecond),
        Medians.Of(passes, m => m.P50Milliseconds),
        Medians.Of(passes, m => m.P99Milliseconds),
        Medians.Of(passes, m => m.ServerMicrosecondsPerCall),
        Medians.Of(passes, m => m.GeneratorMicrosecondsPerCall),
        Medians.Of(passes, m => m.ResidentMebibytes),
        Medians.Of(passes, m => m.OtherCpuPercent),
        passes.Sum(m => m.Errors));
}
