using Etcd.Server.Membership;
using Etcd.Server.Primitives;

namespace Etcd.Server.Peer;

/// <summary>
/// What this member asks of others besides log entries. Every method may be called from any thread. The URLs are tried in turn
/// until one answers. What the other member refuses is thrown as <see cref="Etcd.Protocol.Errors.EtcdErrorException"/> with
/// etcd's error; if none answers, or not in a way that can be understood, <see cref="PeerCallException"/> says what happened last.
/// </summary>
public interface IPeerCalls
{
    /// <summary>Renews a lease at the leader.</summary>
    /// <param name="leaderUrls">The leader's peer URLs.</param>
    /// <param name="lease">The lease.</param>
    /// <param name="cancellation">No longer wanted.</param>
    /// <returns>Its TTL, seconds. LeaseNotFound; TimeoutWaitAppliedIndex if the leader is busy applying.</returns>
    Task<long> RenewAsync(IReadOnlyList<string> leaderUrls, LeaseId lease, CancellationToken cancellation);

    /// <summary>Asks the leader what is left of a lease.</summary>
    /// <param name="leaderUrls">The leader's peer URLs.</param>
    /// <param name="lease">The lease.</param>
    /// <param name="withKeys">Whether its keys are asked for.</param>
    /// <param name="cancellation">No longer wanted.</param>
    /// <returns>What is known. Errors as of <see cref="RenewAsync"/>.</returns>
    Task<PeerLease> LeaseTimeToLiveAsync(IReadOnlyList<string> leaderUrls, LeaseId lease, bool withKeys, CancellationToken cancellation);

    /// <summary>Asks the leader to make a learner a voter.</summary>
    /// <param name="leaderUrls">The leader's peer URLs.</param>
    /// <param name="learner">The learner.</param>
    /// <param name="token">The token of the user on whose behalf it is done; null if there is none.</param>
    /// <param name="cancellation">No longer wanted.</param>
    /// <returns>The members afterwards. MemberNotFound, MemberNotLearner, LearnerNotReady, Timeout.</returns>
    Task<IReadOnlyList<Member>> PromoteAsync(IReadOnlyList<string> leaderUrls, MemberId learner, string? token, CancellationToken cancellation);

    /// <summary>The hash of another member's history.</summary>
    /// <param name="urls">Its peer URLs.</param>
    /// <param name="revision">Up to which revision.</param>
    /// <param name="cancellation">No longer wanted.</param>
    /// <returns>The hash. Compacted, FutureRevision, ClusterIdMismatch.</returns>
    Task<PeerHash> HashKvAsync(IReadOnlyList<string> urls, long revision, CancellationToken cancellation);

    /// <summary>The members as another one knows them: whoever joins learns its cluster this way.</summary>
    /// <param name="urls">Peer URLs of one member or of several.</param>
    /// <param name="cancellation">No longer wanted.</param>
    Task<PeerMembers> MembersAsync(IReadOnlyList<string> urls, CancellationToken cancellation);

    /// <summary>Another member's versions.</summary>
    /// <param name="urls">Its peer URLs.</param>
    /// <param name="cancellation">No longer wanted.</param>
    Task<PeerVersions> VersionAsync(IReadOnlyList<string> urls, CancellationToken cancellation);

    /// <summary>Whether a downgrade is under way, as another member says; linearizable.</summary>
    /// <param name="urls">Its peer URLs.</param>
    /// <param name="cancellation">No longer wanted.</param>
    Task<bool> IsDowngradeEnabledAsync(IReadOnlyList<string> urls, CancellationToken cancellation);

    /// <summary>
    /// Another member's whole state, not behind anything that was committed before the call. Only members of this kind have it; Go's
    /// answer as to any path that they do not know.
    /// </summary>
    /// <param name="urls">Its peer URLs.</param>
    /// <param name="cancellation">No longer wanted; of the content, too.</param>
    /// <returns>The state, of which nothing was read yet; the caller disposes it.</returns>
    Task<PeerState> StateAsync(IReadOnlyList<string> urls, CancellationToken cancellation);
}

/// <summary>Another member did not answer, or not so that the answer can be understood.</summary>
/// <param name="message">What happened.</param>
/// <param name="inner">The cause, if any.</param>
public sealed class PeerCallException(string message, Exception? inner = null) : IOException(message, inner);
