using Etcd.Bench.Compare;

namespace Etcd.Bench.Sdk;

/// <summary>One measurement of a client, or the medians of several.</summary>
/// <param name="PerSecond">Calls, or events, in a second.</param>
/// <param name="P50">The median time of a call, or from a put to its event, in nanoseconds.</param>
/// <param name="P99">The time that 99 of 100 do not exceed.</param>
/// <param name="Bytes">What this process has allocated for a call, or an event.</param>
/// <param name="CpuMicroseconds">The processor time of this process for a call, or an event. The server's does not count.</param>
/// <param name="OtherCpuPercent">What other processes than this and the server took of all processors meanwhile.</param>
internal readonly record struct SdkFigures(
    double PerSecond, double P50, double P99, double Bytes, double CpuMicroseconds, double OtherCpuPercent)
{
    /// <summary>Each figure's median.</summary>
    public static SdkFigures Median(IReadOnlyList<SdkFigures> passes) => new(
        Medians.Of(passes, f => f.PerSecond),
        Medians.Of(passes, f => f.P50),
        Medians.Of(passes, f => f.P99),
        Medians.Of(passes, f => f.Bytes),
        Medians.Of(passes, f => f.CpuMicroseconds),
        Medians.Of(passes, f => f.OtherCpuPercent));

    /// <summary>The median of the quotients of passes that were made one after the other, so that the machine was the same for both.</summary>
    public static double MedianRatio(IReadOnlyList<SdkFigures> passes, IReadOnlyList<SdkFigures> others, Func<SdkFigures, double> figure) =>
        Medians.Of(passes.Zip(others), pair => figure(pair.First) / figure(pair.Second));
}
