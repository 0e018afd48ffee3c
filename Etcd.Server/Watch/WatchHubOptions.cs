using Etcd.Server.Primitives;

namespace Etcd.Server.Watch;

/// <summary>The bounds of a <see cref="WatchHub"/>; the defaults are the server's.</summary>
public sealed record WatchHubOptions
{
    /// <summary>The shortest progress interval that etcd accepts; a smaller one is raised to it.</summary>
    public static readonly TimeSpan ProgressIntervalMin = TimeSpan.FromMilliseconds(100);

    /// <summary>Events kept in memory. Beyond: the oldest go, and watchers that still need them read the store.</summary>
    public int RingEventsMax { get; init; } = Limits.WatchRingEvents;

    /// <summary>
    /// Bytes of keys and values that the ring may hold on to, so that a run of large values does not pin memory that the
    /// store could give back. Beyond: as <see cref="RingEventsMax"/>.
    /// </summary>
    public long RingBytesMax { get; init; } = 32 * 1024 * 1024;

    /// <summary>Bytes that may wait unsent on one stream. Beyond: its watchers fall back to catch-up.</summary>
    public int StreamPendingBytesMax { get; init; } = Limits.WatchStreamPendingBytesMax;

    /// <summary>
    /// Responses stop collecting further revisions here. A single larger revision still goes out whole (or in fragments);
    /// clients with gRPC's default limit of 4 MiB can take everything else.
    /// </summary>
    public int ResponseBytesSoftMax { get; init; } = 1024 * 1024;

    /// <summary>From this size on, responses are cut for watches that allow fragments (etcd: max request bytes with overhead).</summary>
    public int FragmentBytesMax { get; init; } = Limits.RequestBytesMax + Limits.GrpcOverheadBytes;

    /// <summary>How often idle watches with progress notification are told (--watch-progress-notify-interval).</summary>
    public TimeSpan ProgressInterval { get; init; } = TimeSpan.FromMilliseconds(Limits.WatchProgressMilliseconds);

    /// <summary>Events read by one step of catch-up; new events and requests get their turn after each step.</summary>
    public int CatchUpEventsMax { get; init; } = 1000;

    /// <summary>Watchers served by one step of catch-up.</summary>
    public int CatchUpWatchersMax { get; init; } = 512;

    /// <summary>Seeds the jitter of progress intervals and the shape of the range index; nothing else is random.</summary>
    public int Seed { get; init; } = 1;
}
