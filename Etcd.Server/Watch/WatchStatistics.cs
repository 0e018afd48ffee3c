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

    internal void StreamOpened() => Interlocked.Increment(ref _streams);

    internal void StreamClosed() => Interlocked.Decrement(ref _streams);

    internal void SetWatchers(int synced, int slow)
    {
        Volatile.Write(ref _synced, synced);
        Volatile.Write(ref _slow, slow);
    }

    internal void AddEvents(int count) => Volatile.Write(ref _eventsSent, _eventsSent + count);
}
