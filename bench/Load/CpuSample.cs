using System.Diagnostics;

namespace Etcd.Bench.Load;

/// <summary>The CPU times of this process, of the servers' together and of the whole machine at one moment.</summary>
internal readonly record struct CpuSample(long Timestamp, TimeSpan Own, TimeSpan? Server, MachineCpu Machine)
{
    public static CpuSample Take(IReadOnlyList<int> serverProcesses) => new(
        Stopwatch.GetTimestamp(),
        Environment.CpuUsage.TotalTime,
        serverProcesses.Count > 0 ? TimeSpan.FromTicks(serverProcesses.Sum(id => ProcessFacts.CpuTime(id).Ticks)) : null,
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
