using Etcd.Server.Primitives;

namespace Etcd.Server.Watch;

/// <summary>Counters of the watch room for metrics. Written by the hub, readable from any thread at any time.</summary>
public sealed class WatchStatistics
{
    private int _streams;
    private int _synced;
    private int _slow;
    private long _eventsSent;

    /// <summary>Open streams (etcd_debugging_mvcc_watch_stream_total).</summary>
    public int Streams => Volatile.Read(ref _streams);

    /// <summary>Watchers (etcd_debugging_mvcc_watcher_total).</summary>
    public int Watchers => Volatile.Read(ref _synced) + SlowWatchers;

    /// <summary>Watchers that are not up to date (etcd_debugging_mvcc_slow_watcher_total).</summary>
    public int SlowWatchers => Volatile.Read(ref _slow);

    /// <summary>Events handed to streams, counted per watcher.</summary>
    public long EventsSent => Volatile.Read(ref _eventsSent);

    /// <summary>
    /// How long the thread that applies was held by the watch room, per batch (etcd_debugging_watch_apply_held_duration_seconds): the
    /// hand-over of its events and the wake-up of who distributes them. All that it waits for is in it, pauses of the garbage collector, too;
    /// those hand-overs are not in which the system ran another thread on its processor. One of the bounds is a millisecond.
    /// </summary>
    public DurationHistogram ApplyHeld { get; } = new(0.001 / 1024, 16);

    /// <summary>Hand-overs of which it is not known how long they took (etcd_debugging_watch_apply_preempted_total).</summary>
    public Tally ApplyPreempted { get; } = new();

    internal void StreamOpened() => Interlocked.Increment(ref _streams);

    internal void StreamClosed() => Interlocked.Decrement(ref _streams);

    internal void SetWatchers(int synced, int slow)
    {
        Volatile.Write(ref _synced, synced);
        Volatile.Write(ref _slow, slow);
    }

    internal void AddEvents(long count) => Volatile.Write(ref _eventsSent, _eventsSent + count);
}
