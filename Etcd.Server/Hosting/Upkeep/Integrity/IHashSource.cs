using Etcd.Protocol.Errors;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;

namespace Etcd.Server.Hosting.Upkeep.Integrity;

/// <summary>What the checks of integrity ask: of this member's store, of the other members, and of the log. Any thread.</summary>
internal interface IHashSource
{
    /// <summary>This member.</summary>
    MemberId Self { get; }

    /// <summary>The hashes that the last compactions here have left, oldest first.</summary>
    IReadOnlyList<HistoryHash> CompactionHashes { get; }

    /// <summary>The hash of this member's history up to now.</summary>
    /// <param name="cancellation">No longer wanted.</param>
    /// <returns>The hash, and the store's revision.</returns>
    Task<(HistoryHash Hash, long Revision)> HashAsync(CancellationToken cancellation);

    /// <summary>The hashes of the other members' history up to a revision, in the order of their ids.</summary>
    /// <param name="revision">The revision.</param>
    /// <param name="cancellation">No longer wanted.</param>
    Task<IReadOnlyList<PeerHashAnswer>> AskPeersAsync(long revision, CancellationToken cancellation);

    /// <summary>Completes when what was committed before is applied here. Faults as a linearizable read does.</summary>
    /// <param name="cancellation">No longer wanted.</param>
    Task LinearizeAsync(CancellationToken cancellation);

    /// <summary>Raises a CORRUPT alarm, soon.</summary>
    /// <param name="member">Whom it is about; none if that cannot be told.</param>
    void RaiseCorrupt(MemberId member);
}

/// <summary>What another member has answered.</summary>
/// <param name="Member">The member.</param>
/// <param name="Urls">Where it was asked.</param>
/// <param name="Hash">Its hash; null if it gave none.</param>
/// <param name="Refusal">Why it gave none, if it said so.</param>
internal sealed record PeerHashAnswer(MemberId Member, IReadOnlyList<string> Urls, PeerHash? Hash, EtcdError? Refusal = null);
