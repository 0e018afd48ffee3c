using System.Diagnostics;

namespace Etcd.Bench.Load;

/// <summary>The CPU times of this process and the server's at one moment.</summary>
internal readonly record struct CpuSample(long Timestamp, TimeSpan Own, TimeSpan? Server)
{
    public static CpuSample Take(int? serverProcess) => new(
        Stopwatch.GetTimestamp(),
        Environment.CpuUsage.TotalTime,
        serverProcess is int id ? ProcessFacts.CpuTime(id) : null);
}
