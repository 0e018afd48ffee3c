using Etcd.Server.Apply;
using Etcd.Server.Apply.Alarms;
using Etcd.Server.Apply.Requests;
using Etcd.Server.Apply.Snapshots;
using Etcd.Server.Lease;
using Etcd.Server.Membership;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Etcd.Server.Watch;

namespace Etcd.Server.Node;

/// <summary>What a member knows about itself and the cluster. Every property may be read from any thread, without waiting.</summary>
public interface IMemberStatus
{
    /// <summary>This member.</summary>
    MemberId MemberId { get; }

    /// <summary>The cluster.</summary>
    ulong ClusterId { get; }

    /// <summary>The current term.</summary>
    Term Term { get; }

    /// <summary>The leader, if one is known.</summary>
    MemberId Leader { get; }

    /// <summary>The highest committed index.</summary>
    LogIndex Committed { get; }

    /// <summary>The highest applied index.</summary>
    LogIndex Applied { get; }

    /// <summary>The store's revision that readers see.</summary>
    long Revision { get; }

    /// <summary>Bytes that the store occupies.</summary>
    long StoreBytes { get; }

    /// <summary>Bytes of it that hold live records.</summary>
    long StoreBytesInUse { get; }

    /// <summary>The members, ascending by id, as of the last applied change.</summary>
    IReadOnlyList<Member> Members { get; }

    /// <summary>The version that all members agreed on, such as "3.7.0"; null until they have.</summary>
    string? ClusterVersion { get; }

    /// <summary>The version of etcd that this member says it is, such as "3.7.1".</summary>
    string ServerVersion { get; }

    /// <summary>Whether this member only receives: it answers little until it is made a voter.</summary>
    bool IsLearner { get; }

    /// <summary>Completes when this member has published itself to the cluster; faults if the member fails first.</summary>
    Task Started { get; }

    /// <summary>
    /// Cancelled once this member has been without a leader for three election timeouts, and another one from then on: streams whose
    /// clients ask for a leader end by it.
    /// </summary>
    CancellationToken LeaderLost { get; }
}

/// <summary>
/// Changes of the membership, with etcd's checks and errors (<see cref="Etcd.Protocol.Errors.EtcdErrorException"/>). Each completes
/// when this member has applied the change, and returns the members afterwards. Callable from any thread.
/// </summary>
public interface IMemberChanges
{
    /// <summary>Refuses peer URLs that are none, with MemberBadUrls.</summary>
    /// <param name="peerUrls">The URLs.</param>
    void CheckUrls(IReadOnlyList<string> peerUrls);

    /// <summary>Adds a member, under an id that no member ever had.</summary>
    /// <param name="peerUrls">Where its peers will reach it.</param>
    /// <param name="isLearner">Whether it only receives, until it is promoted.</param>
    /// <param name="cancellation">The caller no longer waits.</param>
    /// <returns>
    /// It, and all members. Refuses with MemberBadUrls, MemberNotEnoughStarted, Unhealthy, MemberExists, PeerUrlExists or
    /// TooManyLearners.
    /// </returns>
    Task<(Member Added, IReadOnlyList<Member> Members)> AddAsync(IReadOnlyList<string> peerUrls, bool isLearner, CancellationToken cancellation);

    /// <summary>Takes a member out for good.</summary>
    /// <param name="id">The member.</param>
    /// <param name="cancellation">The caller no longer waits.</param>
    /// <returns>Refuses with MemberNotEnoughStarted, Unhealthy or MemberNotFound.</returns>
    Task<IReadOnlyList<Member>> RemoveAsync(MemberId id, CancellationToken cancellation);

    /// <summary>Changes a member's peer URLs, and nothing else of it.</summary>
    /// <param name="id">The member.</param>
    /// <param name="peerUrls">The URLs.</param>
    /// <param name="cancellation">The caller no longer waits.</param>
    /// <returns>Refuses with MemberBadUrls, MemberNotFound or PeerUrlExists.</returns>
    Task<IReadOnlyList<Member>> UpdateAsync(MemberId id, IReadOnlyList<string> peerUrls, CancellationToken cancellation);

    /// <summary>Makes a learner a voter; only the leader knows whether it is in sync, so others ask there.</summary>
    /// <param name="id">The learner.</param>
    /// <param name="token">The token of the user on whose behalf it is done; null if there is none.</param>
    /// <param name="cancellation">The caller no longer waits.</param>
    /// <returns>Refuses with MemberNotFound, LearnerNotReady, MemberNotEnoughStarted, MemberNotLearner or NoLeader.</returns>
    Task<IReadOnlyList<Member>> PromoteAsync(MemberId id, string? token, CancellationToken cancellation);

    /// <summary>Hands the leadership, which must be this member's, to another voter.</summary>
    /// <param name="target">Who is to lead.</param>
    /// <param name="timeout">How long it may take.</param>
    /// <param name="cancellation">The caller no longer waits.</param>
    /// <returns>Refuses with NotLeader, BadLeaderTransferee or TimeoutLeaderTransfer.</returns>
    Task MoveLeaderAsync(MemberId target, TimeSpan timeout, CancellationToken cancellation);
}

/// <summary>
/// Downgrades of the cluster's version, with etcd's checks and errors (<see cref="Etcd.Protocol.Errors.EtcdErrorException"/>). Each returns
/// the agreed version. Callable from any thread.
/// </summary>
public interface IDowngrades
{
    /// <summary>The one that is under way, as of the last applied entry; <see cref="Downgrade.None"/> if there is none.</summary>
    Downgrade Current { get; }

    /// <summary>Says whether a downgrade could begin.</summary>
    /// <param name="version">Where to, as the client wrote it.</param>
    /// <param name="cancellation">The caller no longer waits.</param>
    /// <returns>
    /// Refuses with WrongDowngradeVersionFormat, ClusterVersionUnavailable, InvalidDowngradeTargetVersion or DowngradeInProcess.
    /// </returns>
    Task<string> ValidateAsync(string version, CancellationToken cancellation);

    /// <summary>Begins one: the leader lowers the agreed version soon, and members of the version below may take over.</summary>
    /// <param name="version">Where to, as the client wrote it.</param>
    /// <param name="cancellation">The caller no longer waits.</param>
    /// <returns>Refuses as <see cref="ValidateAsync"/> does.</returns>
    Task<string> EnableAsync(string version, CancellationToken cancellation);

    /// <summary>Ends the one that is under way, if there is one; the leader raises the agreed version again if all members are above it.</summary>
    /// <param name="cancellation">The caller no longer waits.</param>
    Task<string> CancelAsync(CancellationToken cancellation);
}

/// <summary>The time of leases, which the leader keeps: other members ask there. Callable from any thread.</summary>
public interface ILeaseTime
{
    /// <summary>Begins a lease's time anew.</summary>
    /// <param name="lease">The lease.</param>
    /// <param name="cancellation">The caller no longer waits.</param>
    /// <returns>Its TTL, seconds; zero if there is no such lease (any more). Faults with NoLeader or a timeout.</returns>
    Task<long> RenewAsync(LeaseId lease, CancellationToken cancellation) => RenewAsync(lease, null, cancellation);

    /// <summary>As <see cref="RenewAsync(LeaseId, CancellationToken)"/>, if something holds when this member is as far as it must be.</summary>
    /// <param name="lease">The lease.</param>
    /// <param name="check">Faults if the lease must not be renewed; null for nothing to check.</param>
    /// <param name="cancellation">The caller no longer waits.</param>
    Task<long> RenewAsync(LeaseId lease, Func<ValueTask>? check, CancellationToken cancellation);

    /// <summary>What is left of a lease.</summary>
    /// <param name="lease">The lease.</param>
    /// <param name="withKeys">Whether its keys are asked for.</param>
    /// <param name="cancellation">The caller no longer waits.</param>
    /// <returns>What is known: Ok or NotFound. Faults with NoLeader or a timeout.</returns>
    Task<LeaseTimeToLive> TimeToLiveAsync(LeaseId lease, bool withKeys, CancellationToken cancellation);
}

/// <summary>The alarms, and the room that is left for data. Callable from any thread.</summary>
public interface IAlarms
{
    /// <summary>The alarms of all members, as of the last applied entry.</summary>
    IReadOnlyList<RaisedAlarm> Raised { get; }

    /// <summary>How much the store of this member may take; below zero if there is no limit.</summary>
    long QuotaBytes { get; }

    /// <summary>Whether a lease more fits the quota.</summary>
    bool HasRoomForLease { get; }

    /// <summary>Whether a put fits the quota.</summary>
    /// <param name="put">The request.</param>
    bool HasRoomFor(in PutRequestView put);

    /// <summary>Whether a transaction fits the quota; one that puts nothing always does.</summary>
    /// <param name="txn">The request.</param>
    /// <param name="requestBytes">Its encoded length.</param>
    bool HasRoomFor(TxnRequestTree txn, int requestBytes);

    /// <summary>Refuses a request that does not fit, when the alarm is raised.</summary>
    /// <returns>Faults with NoSpace.</returns>
    Task<ApplyOutcome> RefuseAsync();
}

/// <summary>The way into the replicated log.</summary>
public interface IProposals
{
    /// <summary>
    /// Proposes a command and completes when this member has applied it. Callable from any thread; does not block.
    /// </summary>
    /// <param name="command">A new command; handed over.</param>
    /// <returns>
    /// The outcome, with <see cref="ApplyOutcome.Error"/> null. Faults with <see cref="Etcd.Protocol.Errors.EtcdErrorException"/>:
    /// the refusal of the state machine, or "too many requests", "request is too large", "request timed out" (which leaves
    /// open whether it will be applied), "no leader", "server stopped".
    /// </returns>
    Task<ApplyOutcome> ProposeAsync(RaftCommand command);
}

/// <summary>Reads of the store. Callable from any thread.</summary>
public interface IReads
{
    /// <summary>
    /// Completes when everything that was acknowledged anywhere in the cluster before this call is visible to readers here
    /// (raft thesis 6.4). Complete at once where nothing needs to be awaited.
    /// </summary>
    /// <param name="cancellation">The caller no longer waits.</param>
    ValueTask LinearizeAsync(CancellationToken cancellation);

    /// <summary>Completes when the work of a compaction that was acknowledged is done.</summary>
    /// <param name="revision">The compacted revision.</param>
    Task WhenCompactedAsync(long revision);

    /// <summary>
    /// Takes the whole state out, as of the last applied entry. It costs little and holds up nobody; the caller disposes it. Faults
    /// with "server stopped".
    /// </summary>
    Task<StateExport> ExportAsync();

    /// <summary>
    /// Gives the space of what compaction has dropped back to the file system; completes when that is done. It stops nobody. Faults
    /// with <see cref="IOException"/> if the disk is full, and with "server stopped".
    /// </summary>
    Task DefragmentAsync();

    /// <summary>The store, for reads only.</summary>
    MvccStore Store { get; }
}

/// <summary>Watches and leases as the Api needs them. Callable from any thread.</summary>
public interface IWatchesAndLeases
{
    /// <summary>The watch room.</summary>
    WatchHub Watches { get; }

    /// <summary>The lease room, for reads and renewals; grants and revokes are proposed.</summary>
    LeaseManager Leases { get; }
}
