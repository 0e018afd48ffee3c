using System.Globalization;

namespace Etcd.Bench.Load;

/// <summary>What /proc says about a process.</summary>
internal static class ProcessFacts
{
    // USER_HZ: the unit of the times in /proc, 100 per second on every architecture that .NET runs on.
    private const long TicksPerSecond = 100;

    public static TimeSpan CpuTime(int processId)
    {
        string stat = File.ReadAllText($"/proc/{processId}/stat");
        // The name in parentheses may hold spaces. Behind it come state (field 3) and on; 14 and 15 are utime and stime.
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return Ticks(fields[11]) + Ticks(fields[12]);
    }

    /// <summary>A time in the kernel's unit for /proc.</summary>
    public static TimeSpan Ticks(string text) => TimeSpan.FromTicks(Number(text) * (TimeSpan.TicksPerSecond / TicksPerSecond));

    public static long ResidentBytes(int processId)
    {
        string line = File.ReadLines($"/proc/{processId}/status")
            .First(text => text.StartsWith("VmRSS:", StringComparison.Ordinal));
        return Number(line["VmRSS:".Length..^"kB".Length].Trim()) * 1024;
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
