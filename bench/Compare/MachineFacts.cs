using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Etcd.Bench.Compare;

/// <summary>What the figures depend on and a reader must know.</summary>
internal sealed record MachineFacts(
    string Time, string Processor, int Processors, string Memory, string System, string Runtime, string Disk, string LoadBefore)
{
    private const int SyncSamples = 100;
    private const int SyncBytes = 4096;

    public static MachineFacts Collect(string workFolder) => new(
        DateTime.UtcNow.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture),
        Field("/proc/cpuinfo", "model name") ?? RuntimeInformation.ProcessArchitecture.ToString(),
        Environment.ProcessorCount,
        Field("/proc/meminfo", "MemTotal") ?? "unknown",
        RuntimeInformation.OSDescription,
        RuntimeInformation.FrameworkDescription,
        string.Create(CultureInfo.InvariantCulture,
            $"{WorkFolder.Format(workFolder)}, median of {SyncSamples} writes of 4 KiB with fsync: {SyncMilliseconds(workFolder):0.00} ms"),
        File.ReadAllText("/proc/loadavg").Split(' ')[0]);

    private static string? Field(string file, string name) => File.ReadLines(file)
        .FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?.Split(':', 2)[1].Trim();

    private static double SyncMilliseconds(string folder)
    {
        string path = Path.Combine(folder, "sync-probe");
        var times = new double[SyncSamples];
        using (var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 0, FileOptions.DeleteOnClose))
        {
            var block = new byte[SyncBytes];
            for (int i = 0; i < times.Length; i++)
            {
                long start = Stopwatch.GetTimestamp();
                file.Write(block);
                file.Flush(flushToDisk: true);
                times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            }
        }
        Array.Sort(times);
        return times[times.Length / 2];
    }
}
