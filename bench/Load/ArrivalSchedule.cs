using System.Diagnostics;

namespace Etcd.Bench.Load;

/// <summary>
/// The times at which an open loop's calls are due, evenly spaced. They do not depend on the server: one that stalls
/// finds all the calls of the stall waiting, and their latency counts from when they were due.
/// </summary>
internal sealed class ArrivalSchedule(double perSecond)
{
    private readonly double _interval = Stopwatch.Frequency / perSecond;
    private long _start;
    private long _taken;

    public long Next { get; private set; }

    public void Start(long now) => Next = _start = now;

    /// <summary>The time of the arrival that was next.</summary>
    public long Take()
    {
        long time = Next;
        // From the start each time: adding up rounded intervals would drift.
        Next = _start + (long)(++_taken * _interval);
        return time;
    }
}
