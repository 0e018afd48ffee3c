using Etcd.Server.Primitives;

namespace Etcd.Server.Node;

/// <summary>Bounds of the node that flags set.</summary>
public sealed record NodeOptions
{
    /// <summary>Largest log entry, bytes (--max-request-bytes). Beyond: "request is too large".</summary>
    public int RequestBytesMax { get; init; } = Limits.RequestBytesMax;

    /// <summary>How long a request waits to be applied: 5 s for a disk that stalls plus two elections (etcd: ReqTimeout).</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromMilliseconds(5000 + (2 * Limits.ElectionTimeoutMilliseconds));

    /// <summary>Ticks between two looks for requests that timed out.</summary>
    public uint SweepTicks { get; init; } = 5;

    internal long RequestTimeoutTimestamps(TimeProvider clock) =>
        (long)(RequestTimeout.TotalSeconds * clock.TimestampFrequency);
}
