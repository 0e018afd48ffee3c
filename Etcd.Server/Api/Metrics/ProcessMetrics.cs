using System.Diagnostics;
using System.Globalization;

namespace Etcd.Server.Api.Metrics;

/// <summary>What the system knows of this process, under the names of Prometheus' process collector, and etcd's two of its own.</summary>
internal static class ProcessMetrics
{
    private const string Descriptors = "/proc/self/fd";
    private const string SystemLimits = "/proc/self/limits";

    /// <summary>Writes them; those that need /proc only where it is.</summary>
    /// <param name="text">Where.</param>
    public static void Write(MetricText text)
    {
        using var process = Process.GetCurrentProcess();
        text.Counter(
            "process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", process.TotalProcessorTime.TotalSeconds);
        text.Gauge("process_resident_memory_bytes", "Resident memory size in bytes.", process.WorkingSet64);
        text.Gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", process.VirtualMemorySize64);
        text.Gauge(
            "process_start_time_seconds",
            "Start time of the process since unix epoch in seconds.",
            new DateTimeOffset(process.StartTime.ToUniversalTime(), TimeSpan.Zero).ToUnixTimeMilliseconds() / 1000.0);
        if (Directory.Exists(Descriptors))
        {
            WriteDescriptors(text);
        }
    }

    private static void WriteDescriptors(MetricText text)
    {
        int used = Directory.EnumerateFileSystemEntries(Descriptors).Count();
        text.Gauge("os_fd_used", "The number of used file descriptors.", used);
        text.Gauge("process_open_fds", "Number of open file descriptors.", used);
        if (DescriptorsMax() is { } most)
        {
            text.Gauge("os_fd_limit", "The file descriptor limit.", most);
            text.Gauge("process_max_fds", "Maximum number of open file descriptors.", most);
        }
    }

    // Max open files            1024                 524288               files
    private static double? DescriptorsMax()
    {
        const string Label = "Max open files";
        string? line = File.ReadLines(SystemLimits).FirstOrDefault(l => l.StartsWith(Label, StringComparison.Ordinal));
        string? soft = line?[Label.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        return double.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out double most) ? most : null;
    }
}
