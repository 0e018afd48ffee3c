using Etcd.Server.Primitives;

namespace Etcd.Server.Node;

/// <summary>Bounds of the node that flags set.</summary>
public sealed record NodeOptions
{
    /// <summary>Largest log entry, bytes (--max-request-bytes). Beyond: "request is too large".</summary>
    public int RequestBytesMax { get; init; } = Limits.RequestBytesMax;

    /// <summary>How long a request waits to be applied: 5 s for a disk that stalls plus two elections (etcd: ReqTimeout).</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromMilliseconds(5000 + (2 * Limits.ElectionTimeoutMilliseconds));

    /// <summary>
    /// The election timeout: what leases get on top when a new leader begins to keep their time, and half of how long before its
    /// election a timeout is blamed on the one before.
    /// </summary>
    public TimeSpan ElectionTimeout { get; init; } = TimeSpan.FromMilliseconds(Limits.ElectionTimeoutMilliseconds);

    /// <summary>Ticks between two looks for requests that timed out.</summary>
    public uint SweepTicks { get; init; } = 5;

    /// <summary>Ticks after which a read's question for an index is asked again (etcd: 500 ms).</summary>
    public int ReadRetryTicks { get; init; } = 5;

    /// <summary>Requests that may wait for their answer before they cost more than a slot each; a power of two.</summary>
    public int PendingRequestSlots { get; init; } = 1 << 16;

    internal long RequestTimeoutTimestamps(TimeProvider clock) => Timestamps(RequestTimeout, clock);

    internal static long Timestamps(TimeSpan duration, TimeProvider clock) => (long)(duration.TotalSeconds * clock.TimestampFrequency);
}
