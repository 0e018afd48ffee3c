using Etcd.Server.Apply;
using Etcd.Server.Auth;
using Etcd.Server.Lease;
using Etcd.Server.Membership;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Server.Storage.Disk;

namespace Etcd.Server.Node;

/// <summary>What a <see cref="MemberNode"/> is put together from. All of it belongs to the node from then on.</summary>
public sealed record MemberParts
{
    /// <summary>The consensus core, recovered.</summary>
    public required IRaft Raft { get; init; }

    /// <summary>The term of the entry at the index that is applied already; zero if none is.</summary>
    public Term AppliedTerm { get; init; }

    /// <summary>Where its entries become durable.</summary>
    public required ILogStore Log { get; init; }

    /// <summary>Where snapshots that arrive are kept.</summary>
    public required ISnapshotStore Snapshots { get; init; }

    /// <summary>Where committed entries go.</summary>
    public required IStateMachine Machine { get; init; }

    /// <summary>The state as a whole, for snapshots.</summary>
    public required IStateSnapshots State { get; init; }

    /// <summary>
    /// Why the state machine has not got the state at the index that is applied; null if it has. Nothing is applied then before the
    /// state is replaced (<see cref="MemberNode.ReplaceStateAsync"/>, or a snapshot of the leader's).
    /// </summary>
    public StoreException? Damage { get; init; }

    /// <summary>The members, as the state machine knows them.</summary>
    public required ClusterState Cluster { get; init; }

    /// <summary>The leases, whose time the leader keeps.</summary>
    public required LeaseManager Leases { get; init; }

    /// <summary>Users and rights, for what this member proposes on its own; null where nobody has any.</summary>
    public AuthStore? Auth { get; init; }

    /// <summary>The way to the other members.</summary>
    public required IPeerTransport Peers { get; init; }

    /// <summary>The other members as a joining member was told of them: used until it has the membership itself.</summary>
    public IReadOnlyList<PeerAddress> KnownPeers { get; init; } = [];

    /// <summary>Where answers are given.</summary>
    public required ICompletions Completions { get; init; }

    /// <summary>Request ids of this member.</summary>
    public required RequestIds Ids { get; init; }

    /// <summary>For timeouts of requests.</summary>
    public required TimeProvider Clock { get; init; }

    /// <summary>Limits.</summary>
    public NodeOptions Options { get; init; } = new();
}
