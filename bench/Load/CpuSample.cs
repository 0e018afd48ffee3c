using System.Diagnostics;

namespace Etcd.Bench.Load;

/// <summary>The CPU times of this process, of the server's and of the whole machine at one moment.</summary>
internal readonly record struct CpuSample(long Timestamp, TimeSpan Own, TimeSpan? Server, MachineCpu Machine)
{
    public static CpuSample Take(int? serverProcess) => new(
        Stopwatch.GetTimestamp(),
        Environment.CpuUsage.TotalTime,
        serverProcess is int id ? ProcessFacts.CpuTime(id) : null,
        MachineCpu.Read());

    /// <summary>The share of the machine's processors that neither this process nor the server used since then.</summary>
    public double OtherShareSince(CpuSample earlier)
    {
        TimeSpan ours = Own - earlier.Own + (Server - earlier.Server).GetValueOrDefault();
        TimeSpan others = Machine.Busy - earlier.Machine.Busy - ours;
        TimeSpan total = Machine.Total - earlier.Machine.Total;
        return total > TimeSpan.Zero ? Math.Clamp(others / total, 0, 1) : 0;
    }
}
