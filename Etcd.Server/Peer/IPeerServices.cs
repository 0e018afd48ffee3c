using Etcd.Server.Membership;
using Etcd.Server.Primitives;

namespace Etcd.Server.Peer;

/// <summary>
/// What other members ask of this one besides log entries; the node implements it. Every method may be called from any
/// thread. Refusals are thrown as <see cref="Etcd.Protocol.Errors.EtcdErrorException"/>; each member's text says which have
/// a status of their own, all others are answered as internal errors.
/// </summary>
public interface IPeerServices
{
    /// <summary>The members as applied here, ascending by id.</summary>
    IReadOnlyList<Member> Members { get; }

    /// <summary>The version that the members agreed on, such as "3.7.0"; null until they have.</summary>
    string? ClusterVersion { get; }

    /// <summary>Makes a learner a voter. A leader's affair: others refuse.</summary>
    /// <param name="learner">The learner.</param>
    /// <param name="token">The token of the user on whose behalf it is done; null if there is none.</param>
    /// <param name="cancellation">The caller no longer waits.</param>
    /// <returns>The members afterwards. Refuses with MemberNotFound, MemberNotLearner or LearnerNotReady.</returns>
    ValueTask<IReadOnlyList<Member>> PromoteAsync(MemberId learner, string? token, CancellationToken cancellation);

    /// <summary>The hash of this member's history.</summary>
    /// <param name="revision">Up to which revision; 0 for the current one.</param>
    /// <param name="cancellation">The caller no longer waits.</param>
    /// <returns>The hash. Refuses with Compacted or FutureRevision.</returns>
    ValueTask<PeerHash> HashKvAsync(long revision, CancellationToken cancellation);

    /// <summary>
    /// Renews a lease if this member keeps the time of leases. Waits first, for a second at most, until what this member knows
    /// to be committed is applied: the grant may be under way.
    /// </summary>
    /// <param name="lease">The lease.</param>
    /// <param name="cancellation">The caller no longer waits.</param>
    /// <returns>Its TTL, seconds. Refuses with LeaseNotFound, LessorNotPrimary, or Timeout if that wait was too long.</returns>
    ValueTask<long> RenewAsync(LeaseId lease, CancellationToken cancellation);

    /// <summary>What is left of a lease, if this member keeps the time of leases; waits as <see cref="RenewAsync"/> does.</summary>
    /// <param name="lease">The lease.</param>
    /// <param name="withKeys">Whether its keys are asked for.</param>
    /// <param name="cancellation">The caller no longer waits.</param>
    /// <returns>What is known. Refuses with LeaseNotFound, LessorNotPrimary or Timeout.</returns>
    ValueTask<PeerLease> LeaseTimeToLiveAsync(LeaseId lease, bool withKeys, CancellationToken cancellation);

    /// <summary>Whether a downgrade is under way, linearizable.</summary>
    /// <param name="cancellation">The caller no longer waits.</param>
    ValueTask<bool> IsDowngradeEnabledAsync(CancellationToken cancellation);

    /// <summary>
    /// The whole state, as of an index that nothing which is committed now is behind: a round of reads comes first, which shows that
    /// there is a quorum, too.
    /// </summary>
    /// <param name="cancellation">The caller no longer waits.</param>
    /// <returns>The state; the caller disposes it. Refuses as a linearizable read does, and with Corrupt if it is damaged here.</returns>
    ValueTask<PeerStateSource> StateAsync(CancellationToken cancellation);
}

/// <summary>A member's hash of its history.</summary>
/// <param name="CurrentRevision">The member's revision.</param>
/// <param name="Hash">The hash.</param>
/// <param name="CompactRevision">The compaction that it counts from.</param>
/// <param name="Revision">The last revision in it; 0 from a 3.5 member, which does not say.</param>
public readonly record struct PeerHash(long CurrentRevision, uint Hash, long CompactRevision, long Revision);

/// <summary>What a leader knows of a lease.</summary>
/// <param name="RemainingSeconds">What is left, whole seconds.</param>
/// <param name="GrantedSeconds">What was granted.</param>
/// <param name="Keys">Its keys; empty unless asked for.</param>
public sealed record PeerLease(long RemainingSeconds, long GrantedSeconds, IReadOnlyList<ReadOnlyMemory<byte>> Keys);

/// <summary>A member's versions.</summary>
/// <param name="Server">Its own.</param>
/// <param name="Cluster">The agreed one as it knows it: "not_decided" before there is one.</param>
/// <param name="Storage">Of its storage: "unknown" or null if it does not say.</param>
public sealed record PeerVersions(string Server, string Cluster, string? Storage);

/// <summary>Members as another one told them.</summary>
/// <param name="ClusterId">The cluster that it belongs to.</param>
/// <param name="Members">The members.</param>
public sealed record PeerMembers(ulong ClusterId, IReadOnlyList<Member> Members);
