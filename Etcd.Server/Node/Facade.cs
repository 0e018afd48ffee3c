using Etcd.Server.Apply;
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

    /// <summary>Completes when this member has published itself and serves; faults if the member fails first.</summary>
    Task Started { get; }
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
