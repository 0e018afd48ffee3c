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

    /// <summary>
    /// Bytes of the past that a stream is given before its client has taken them; one response at least. New events have the whole
    /// queue (<see cref="StreamPendingBytesMax"/>) beside them.
    /// </summary>
    public int CatchUpShareBytes { get; init; } = 128 * 1024;

    /// <summary>
    /// The longest that a stream rests between two such shares while others write. Short beside the time that a share takes on a slow
    /// line, so that a client which can keep up by itself still can.
    /// </summary>
    public TimeSpan CatchUpRestMax { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>Watchers served by one step of catch-up.</summary>
    public int CatchUpWatchersMax { get; init; } = 512;

    /// <summary>
    /// Streams that are told of new responses together, at the end of a step; so many are told before, or the first ones of very many
    /// would wait for the last ones.
    /// </summary>
    public int StreamsToldTogetherMax { get; init; } = 256;

    /// <summary>
    /// How often the system took the processor from the calling thread; by default not known, and zero. What is measured of a
    /// thread that was not let run says nothing.
    /// </summary>
    public Func<long> ThreadPreemptions { get; init; } = static () => 0;

    /// <summary>Seeds the jitter of progress intervals and the shape of the range index; nothing else is random.</summary>
    public int Seed { get; init; } = 1;
}
