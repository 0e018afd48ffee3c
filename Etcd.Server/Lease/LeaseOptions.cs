using Etcd.Server.Primitives;

namespace Etcd.Server.Lease;

/// <summary>The bounds of a <see cref="LeaseManager"/>; the defaults are the server's.</summary>
public sealed record LeaseOptions
{
    /// <summary>Shorter TTLs are raised to this, seconds: a lease must outlive the election of a new leader.</summary>
    public long TtlSecondsMin { get; init; } =
        MinimumTtl(Limits.ElectionTimeoutMilliseconds, Limits.HeartbeatMilliseconds);

    /// <summary>Larger TTLs are refused, seconds.</summary>
    public long TtlSecondsMax { get; init; } = Limits.LeaseTtlSecondsMax;

    /// <summary>Leases whose revoke is asked for per <see cref="Tick"/>.</summary>
    public int RevokesPerTickMax { get; init; } = Limits.LeaseRevokesPerTickMax;

    /// <summary>How often expired leases are looked for.</summary>
    public TimeSpan Tick { get; init; } = TimeSpan.FromMilliseconds(Limits.LeaseTickMilliseconds);

    /// <summary>How long a lease runs until what is left of it is noted in the log for the next leader.</summary>
    public TimeSpan CheckpointInterval { get; init; } = TimeSpan.FromSeconds(Limits.LeaseCheckpointSeconds);

    /// <summary>
    /// After this time a revoke that was asked for and not applied is asked for again (etcd: its request timeout, 5 seconds
    /// and two election timeouts).
    /// </summary>
    public TimeSpan RevokeRetry { get; init; } =
        TimeSpan.FromMilliseconds(5000 + (2 * Limits.ElectionTimeoutMilliseconds));

    /// <summary>
    /// The shortest TTL as etcd computes it: one and a half election timeouts in whole heartbeats, rounded up to seconds.
    /// </summary>
    /// <param name="electionMilliseconds">--election-timeout.</param>
    /// <param name="heartbeatMilliseconds">--heartbeat-interval.</param>
    public static long MinimumTtl(int electionMilliseconds, int heartbeatMilliseconds)
    {
        long electionTicks = electionMilliseconds / heartbeatMilliseconds;
        long milliseconds = 3 * electionTicks / 2 * heartbeatMilliseconds;
        return (milliseconds + 999) / 1000;
    }
}
