using Etcd.Server.Primitives;

namespace Etcd.Server.Lease;

/// <summary>What became of an operation on a lease.</summary>
public enum LeaseStatus
{
    /// <summary>Done.</summary>
    Ok,

    /// <summary>There is no such lease: "requested lease not found".</summary>
    NotFound,

    /// <summary>The id is taken: "lease already exists".</summary>
    Exists,

    /// <summary>"too large lease TTL".</summary>
    TtlTooLarge,

    /// <summary>This member does not keep the time of leases; ask the leader.</summary>
    NotPrimary,

    /// <summary>
    /// The lease's time is over but its revoke is not applied yet. As etcd's, the answer to the client waits for what comes
    /// first: the revoke (the lease is not found) or the loss of leadership (ask the new leader).
    /// </summary>
    ExpiredPending,
}

/// <summary>The outcome of a grant.</summary>
/// <param name="Status">Ok, NotFound (for id zero), Exists or TtlTooLarge.</param>
/// <param name="TtlSeconds">What was granted, which may be more than was asked for.</param>
public readonly record struct LeaseGrant(LeaseStatus Status, long TtlSeconds);

/// <summary>The outcome of a renewal.</summary>
/// <param name="Status">Ok, NotFound, NotPrimary or ExpiredPending.</param>
/// <param name="TtlSeconds">The granted TTL, which runs again from now; only if Ok.</param>
/// <param name="HasCheckpoint">
/// The log holds a checkpoint from before the renewal. The caller proposes one of zero before it answers, or the next
/// leader would let the lease end too early.
/// </param>
public readonly record struct LeaseRenewal(LeaseStatus Status, long TtlSeconds, bool HasCheckpoint = false);

/// <summary>What is known of one lease.</summary>
/// <param name="Status">Ok, NotFound or NotPrimary.</param>
/// <param name="RemainingSeconds">
/// What is left, whole seconds, truncated towards zero; negative if the lease waits for its revoke. -1 if it is not found.
/// </param>
/// <param name="GrantedSeconds">What was granted; zero if it is not found.</param>
/// <param name="Keys">Its keys in ascending byte order; empty unless asked for.</param>
public sealed record LeaseTimeToLive(
    LeaseStatus Status, long RemainingSeconds, long GrantedSeconds, IReadOnlyList<ReadOnlyMemory<byte>> Keys);

/// <summary>What must survive a restart of a lease, the fields of leasepb.Lease.</summary>
/// <param name="Id">The lease.</param>
/// <param name="TtlSeconds">The granted TTL.</param>
/// <param name="RemainingSeconds">The last checkpoint; zero if there is none since the last renewal.</param>
public readonly record struct LeaseRecord(LeaseId Id, long TtlSeconds, long RemainingSeconds);

/// <summary>Why one who waits for the end of a lease is called.</summary>
public enum LeaseEnd
{
    /// <summary>It was revoked.</summary>
    Revoked,

    /// <summary>It may live on: this member no longer keeps its time.</summary>
    Demoted,
}
