namespace Etcd.Bench.Load;

/// <summary>The first line of /proc/stat: the time of all processors together since the machine started.</summary>
internal readonly record struct MachineCpu(TimeSpan Busy, TimeSpan Total)
{
    // cpu  user nice system idle iowait irq softirq steal guest guest_nice; the guests are part of user and nice.
    private const int Idle = 3;
    private const int WaitForDisk = 4;
    private const int Fields = 8;

    public static MachineCpu Read()
    {
        string line = File.ReadLines("/proc/stat").First();
        TimeSpan[] times = [.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..(Fields + 1)].Select(ProcessFacts.Ticks)];
        TimeSpan total = TimeSpan.FromTicks(times.Sum(time => time.Ticks));
        return new MachineCpu(total - times[Idle] - times[WaitForDisk], total);
    }
}
