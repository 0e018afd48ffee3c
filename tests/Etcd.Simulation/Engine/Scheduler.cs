namespace Etcd.Simulation.Engine;

/// <summary>
/// The one queue of everything that will happen, and the only time there is. Events of the same moment happen in the order in
/// which they were scheduled. Times are in ticks of 100 ns since the run began.
/// </summary>
internal sealed class Scheduler
{
    public const long Microsecond = TimeSpan.TicksPerMicrosecond;
    public const long Millisecond = TimeSpan.TicksPerMillisecond;
    public const long Second = TimeSpan.TicksPerSecond;

    private Event[] _heap = new Event[1024];
    private int _count;
    private long _sequence;

    /// <summary>Now.</summary>
    public long Now { get; private set; }

    /// <summary>Events that have happened.</summary>
    public long Happened { get; private set; }

    /// <summary>Schedules an event; what is due in the past happens next.</summary>
    public void At(long time, Action action)
    {
        if (_count == _heap.Length)
        {
            Array.Resize(ref _heap, _heap.Length * 2);
        }

        var added = new Event(Math.Max(time, Now), _sequence++, action);
        int at = _count++;
        while (at > 0)
        {
            int parent = (at - 1) / 2;
            if (!added.Before(_heap[parent]))
            {
                break;
            }

            _heap[at] = _heap[parent];
            at = parent;
        }

        _heap[at] = added;
    }

    /// <summary>Schedules an event after a while.</summary>
    public void After(long delay, Action action) => At(Now + delay, action);

    /// <summary>Lets the next event happen if it is due before a time; otherwise the time is that time.</summary>
    /// <returns>Whether one happened.</returns>
    public bool RunNext(long until)
    {
        if (_count == 0 || _heap[0].Time >= until)
        {
            Now = Math.Max(Now, until);
            return false;
        }

        Event next = TakeFirst();
        Now = next.Time;
        Happened++;
        next.Action();
        return true;
    }

    private Event TakeFirst()
    {
        Event first = _heap[0];
        Event last = _heap[--_count];
        _heap[_count] = default;
        int at = 0;
        while (true)
        {
            int child = (2 * at) + 1;
            if (child >= _count)
            {
                break;
            }

            if (child + 1 < _count && _heap[child + 1].Before(_heap[child]))
            {
                child++;
            }

            if (!_heap[child].Before(last))
            {
                break;
            }

            _heap[at] = _heap[child];
            at = child;
        }

        if (_count > 0)
        {
            _heap[at] = last;
        }

        return first;
    }

    private readonly record struct Event(long Time, long Sequence, Action Action)
    {
        public bool Before(in Event other) => Time < other.Time || (Time == other.Time && Sequence < other.Sequence);
    }
}
