using Etcd.Server.Api.Authentication;
using Etcd.Server.Api.Metrics;
using Etcd.Server.Node;

namespace Etcd.Server.Api;

/// <summary>What the services stand on: the node's facade and the limits that flags set. Immutable.</summary>
/// <param name="Status">The member.</param>
/// <param name="Proposals">Writes.</param>
/// <param name="Reads">Reads.</param>
/// <param name="Rooms">Watches and leases.</param>
/// <param name="Changes">Changes of the membership.</param>
/// <param name="Alarms">Alarms and the quota.</param>
/// <param name="LeaseTime">The time of leases, wherever it is kept.</param>
/// <param name="Ids">Ids for leases that clients leave open.</param>
/// <param name="Options">Limits.</param>
/// <param name="Stopping">Cancelled when the member begins to stop: streams end then.</param>
public sealed record ApiContext(
    IMemberStatus Status,
    IProposals Proposals,
    IReads Reads,
    IWatchesAndLeases Rooms,
    IMemberChanges Changes,
    IAlarms Alarms,
    ILeaseTime LeaseTime,
    RequestIds Ids,
    ApiOptions Options,
    CancellationToken Stopping)
{
    /// <summary>Downgrades of the cluster.</summary>
    public required IDowngrades Downgrades { get; init; }

    /// <summary>Where things are counted.</summary>
    public required MemberFigures Figures { get; init; }

    /// <summary>Who makes a call, and what that user may do.</summary>
    public required CallerAuth Auth { get; init; }
}

/// <summary>Limits of the interface that flags set.</summary>
public sealed record ApiOptions
{
    /// <summary>Operations in a transaction (--max-txn-ops).</summary>
    public required int MaxTxnOps { get; init; }

    /// <summary>Bytes of a request (--max-request-bytes).</summary>
    public required int MaxRequestBytes { get; init; }

    /// <summary>How long a health check may wait for its read.</summary>
    public required TimeSpan RequestTimeout { get; init; }
}
