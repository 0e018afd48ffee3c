using Etcd.Server.Primitives;

namespace Etcd.Server.Lease;

/// <summary>The figures of etcd's etcd_debugging_lease_* metrics. Any thread.</summary>
public sealed class LeaseFigures
{
    private long _granted;
    private long _revoked;
    private long _renewed;

    /// <summary>etcd_debugging_lease_granted_total.</summary>
    public long Granted => Volatile.Read(ref _granted);

    /// <summary>etcd_debugging_lease_revoked_total.</summary>
    public long Revoked => Volatile.Read(ref _revoked);

    /// <summary>etcd_debugging_lease_renewed_total: by this member as the keeper of time.</summary>
    public long Renewed => Volatile.Read(ref _renewed);

    /// <summary>etcd_debugging_lease_ttl_total, seconds.</summary>
    public DurationHistogram Ttls { get; } = new(1, 24);

    internal void CountGrant(long ttlSeconds)
    {
        Interlocked.Increment(ref _granted);
        Ttls.Observe(ttlSeconds);
    }

    internal void CountRevoke() => Interlocked.Increment(ref _revoked);

    internal void CountRenewal() => Interlocked.Increment(ref _renewed);
}
