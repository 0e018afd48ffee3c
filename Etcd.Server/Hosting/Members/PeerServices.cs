using Etcd.Protocol.Errors;
using Etcd.Server.Api.Authentication;
using Etcd.Server.Apply.Snapshots;
using Etcd.Server.Lease;
using Etcd.Server.Membership;
using Etcd.Server.Node;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Etcd.Server.Storage.Disk;

namespace Etcd.Server.Hosting.Members;

/// <summary>What other members ask of this one besides log entries. Any thread.</summary>
/// <param name="node">The node.</param>
/// <param name="cluster">The members.</param>
/// <param name="store">The keys.</param>
/// <param name="leases">The time of leases.</param>
/// <param name="changes">Changes of the membership.</param>
/// <param name="auth">Whether whoever asks another member to ask may do that.</param>
/// <param name="clock">The time.</param>
internal sealed class PeerServices(
    MemberNode node,
    ClusterState cluster,
    MvccStore store,
    LeaseDesk leases,
    MemberChanges changes,
    CallerAuth auth,
    TimeProvider clock) : IPeerServices
{
    // What etcd gives the apply loop to catch up (applyTimeout).
    private static readonly TimeSpan ApplyTimeout = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    public IReadOnlyList<Member> Members => cluster.Current.Members;

    /// <inheritdoc/>
    public string? ClusterVersion => cluster.Current.Version;

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<Member>> PromoteAsync(MemberId learner, string? token, CancellationToken cancellation)
    {
        await auth.RequireAdminAsync(token, cancellation).ConfigureAwait(false);
        return await changes.PromoteHereAsync(learner, cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<PeerHash> HashKvAsync(long revision, CancellationToken cancellation)
    {
        HistoryHash hash = default;
        long current = 0;
        // It goes through the whole history: not on a thread that has connections to serve.
        ReadStatus status;
        try
        {
            status = await Task.Run(() => store.HashKv(revision, cancellation, out hash, out current), cancellation).ConfigureAwait(false);
        }
        catch (StoreException)
        {
            throw EtcdErrors.Corrupt.ToException();
        }

        return status switch
        {
            ReadStatus.Ok => new PeerHash(current, hash.Hash, hash.CompactRevision, hash.Revision),
            ReadStatus.Compacted => throw EtcdErrors.Compacted.ToException(),
            _ => throw EtcdErrors.FutureRevision.ToException(),
        };
    }

    /// <inheritdoc/>
    public async ValueTask<long> RenewAsync(LeaseId lease, CancellationToken cancellation)
    {
        (LeaseStatus status, long ttl) = await HereAsync(stop => leases.RenewHereAsync(lease, null, stop), cancellation).ConfigureAwait(false);
        return status switch
        {
            LeaseStatus.Ok => ttl,
            LeaseStatus.NotFound => throw EtcdErrors.LeaseNotFound.ToException(),
            _ => throw EtcdErrors.LessorNotPrimary.ToException(),
        };
    }

    /// <inheritdoc/>
    public async ValueTask<PeerLease> LeaseTimeToLiveAsync(LeaseId lease, bool withKeys, CancellationToken cancellation)
    {
        LeaseTimeToLive known = await HereAsync(stop => leases.TimeToLiveHereAsync(lease, withKeys, stop), cancellation).ConfigureAwait(false);
        return known.Status switch
        {
            LeaseStatus.Ok => new PeerLease(known.RemainingSeconds, known.GrantedSeconds, known.Keys),
            LeaseStatus.NotFound => throw EtcdErrors.LeaseNotFound.ToException(),
            _ => throw EtcdErrors.LessorNotPrimary.ToException(),
        };
    }

    /// <inheritdoc/>
    public async ValueTask<bool> IsDowngradeEnabledAsync(CancellationToken cancellation)
    {
        await node.LinearizeAsync(cancellation).ConfigureAwait(false);
        return cluster.Current.Downgrade is { IsEnabled: true };
    }

    /// <inheritdoc/>
    public async ValueTask<PeerStateSource> StateAsync(CancellationToken cancellation)
    {
        await node.LinearizeAsync(cancellation).ConfigureAwait(false);
        if (store.IsDamaged)
        {
            throw EtcdErrors.Corrupt.ToException();
        }

        var state = (StateExport)await node.ExportAsync().ConfigureAwait(false);
        return new PeerStateSource(state.Index, state.Term, state.Pieces(), state);
    }

    private async Task<T> HereAsync<T>(Func<CancellationToken, Task<T>> ask, CancellationToken cancellation)
    {
        if (node.LeadsIn == default)
        {
            throw EtcdErrors.LessorNotPrimary.ToException();
        }

        try
        {
            await node.WhenApplied(node.Committed).WaitAsync(ApplyTimeout, clock, cancellation).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw EtcdErrors.Timeout.ToException();
        }

        return await ask(cancellation).ConfigureAwait(false);
    }
}
