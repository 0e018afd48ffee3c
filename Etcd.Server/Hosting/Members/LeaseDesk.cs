using Etcd.Protocol.Errors;
using Etcd.Server.Apply;
using Etcd.Server.Lease;
using Etcd.Server.Node;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;

namespace Etcd.Server.Hosting.Members;

/// <summary>
/// The time of leases on every member: the leader answers from its lease room, after a round of reads that says that it still leads
/// (etcd issue 15247); the others ask the leader. Any thread.
/// </summary>
/// <param name="node">The node.</param>
/// <param name="leases">The lease room.</param>
/// <param name="calls">The way to the leader.</param>
/// <param name="leader">Who leads, and how often it is tried.</param>
internal sealed class LeaseDesk(MemberNode node, LeaseManager leases, IPeerCalls calls, LeaderCalls leader) : ILeaseTime
{
    private static readonly LeaseTimeToLive Unknown = new(LeaseStatus.NotFound, -1, 0, []);

    /// <inheritdoc/>
    public async Task<long> RenewAsync(LeaseId lease, Func<ValueTask>? check, CancellationToken cancellation)
    {
        // The leader's own clients are the rule, and need none of what trying again takes.
        if (node.LeadsIn != default)
        {
            (LeaseStatus status, long ttl) = await RenewHereAsync(lease, check, cancellation).ConfigureAwait(false);
            if (status != LeaseStatus.NotPrimary)
            {
                return ttl;
            }
        }

        return await leader.AskAsync(
            async stop =>
            {
                (LeaseStatus status, long ttl) = await RenewHereAsync(lease, check, stop).ConfigureAwait(false);
                return (status != LeaseStatus.NotPrimary, ttl);
            },
            async (urls, stop) =>
            {
                if (check is not null)
                {
                    await check().ConfigureAwait(false);
                }

                try
                {
                    return await calls.RenewAsync(urls, lease, stop).ConfigureAwait(false);
                }
                catch (EtcdErrorException e) when (e.Error == EtcdErrors.LeaseNotFound)
                {
                    return 0;
                }
            },
            static _ => false,
            cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task<LeaseTimeToLive> TimeToLiveAsync(LeaseId lease, bool withKeys, CancellationToken cancellation) =>
        await leader.AskAsync(
            async stop =>
            {
                LeaseTimeToLive known = await TimeToLiveHereAsync(lease, withKeys, stop).ConfigureAwait(false);
                return (known.Status != LeaseStatus.NotPrimary, known);
            },
            async (urls, stop) =>
            {
                try
                {
                    PeerLease told = await calls.LeaseTimeToLiveAsync(urls, lease, withKeys, stop).ConfigureAwait(false);
                    return new LeaseTimeToLive(LeaseStatus.Ok, told.RemainingSeconds, told.GrantedSeconds, told.Keys);
                }
                catch (EtcdErrorException e) when (e.Error == EtcdErrors.LeaseNotFound)
                {
                    return Unknown;
                }
            },
            static _ => false,
            cancellation).ConfigureAwait(false);

    /// <summary>Renews a lease if this member keeps the time of leases.</summary>
    /// <returns>Ok with the TTL, NotFound or NotPrimary with zero. Faults as a linearizable read does, and as the check.</returns>
    public async Task<(LeaseStatus Status, long Ttl)> RenewHereAsync(LeaseId lease, Func<ValueTask>? check, CancellationToken cancellation)
    {
        await node.LinearizeAsync(cancellation).ConfigureAwait(false);
        if (check is not null)
        {
            await check().ConfigureAwait(false);
        }

        LeaseRenewal renewal = leases.Renew(lease);
        switch (renewal.Status)
        {
            case LeaseStatus.Ok when renewal.HasCheckpoint:
                // Or the next leader would begin with what was left before this renewal.
                await node.ProposeAsync(RaftCommand.Create(
                    RaftCommandKind.LeaseCheckpoint, LeaseCommands.Checkpoint([new LeaseRecord(lease, renewal.TtlSeconds, 0)]))).ConfigureAwait(false);
                return (LeaseStatus.Ok, renewal.TtlSeconds);
            case LeaseStatus.Ok:
                return (LeaseStatus.Ok, renewal.TtlSeconds);
            case LeaseStatus.ExpiredPending:
                LeaseEnd end = await WaitForEndAsync(lease, cancellation).ConfigureAwait(false);
                return (end == LeaseEnd.Revoked ? LeaseStatus.NotFound : LeaseStatus.NotPrimary, 0);
            default:
                return (renewal.Status, 0);
        }
    }

    /// <summary>What is left of a lease, if this member keeps the time of leases; else NotPrimary.</summary>
    public async Task<LeaseTimeToLive> TimeToLiveHereAsync(LeaseId lease, bool withKeys, CancellationToken cancellation)
    {
        await node.LinearizeAsync(cancellation).ConfigureAwait(false);
        LeaseTimeToLive known = leases.TimeToLive(lease, withKeys);
        // A member that has just ceased to lead knows which leases there are, but nobody asks it any more.
        return leases.IsPrimary ? known : known with { Status = LeaseStatus.NotPrimary };
    }

    private async Task<LeaseEnd> WaitForEndAsync(LeaseId lease, CancellationToken cancellation)
    {
        var ended = new TaskCompletionSource<LeaseEnd>(TaskCreationOptions.RunContinuationsAsynchronously);
        using IDisposable waiting = leases.NotifyEnd(lease, end => ended.TrySetResult(end));
        return await ended.Task.WaitAsync(cancellation).ConfigureAwait(false);
    }
}
