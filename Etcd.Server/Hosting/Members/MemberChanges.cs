using Etcd.Protocol.Errors;
using Etcd.Server.Apply;
using Etcd.Server.Hosting.Flags;
using Etcd.Server.Membership;
using Etcd.Server.Node;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Members;

/// <summary>Changes of the membership with etcd's checks, in its order. Any thread.</summary>
/// <param name="node">The node.</param>
/// <param name="cluster">The members.</param>
/// <param name="self">This member.</param>
/// <param name="peers">Who is reached.</param>
/// <param name="calls">The way to the leader.</param>
/// <param name="leader">Who leads.</param>
/// <param name="isStrict">--strict-reconfig-check.</param>
/// <param name="clock">The time.</param>
/// <param name="log">Where refusals and changes are told.</param>
internal sealed class MemberChanges(
    MemberNode node,
    ClusterState cluster,
    MemberId self,
    IPeerTransport peers,
    IPeerCalls calls,
    LeaderCalls leader,
    bool isStrict,
    TimeProvider clock,
    ILogger log) : IMemberChanges
{
    // How far a learner's log must be to be counted on (etcd: readyPercentThreshold).
    private const double ReadyShare = 0.9;

    // What etcd gives the apply loop to catch up (applyTimeout).
    private static readonly TimeSpan ApplyTimeout = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    public void CheckUrls(IReadOnlyList<string> peerUrls) => Parse(peerUrls);

    /// <inheritdoc/>
    public async Task<(Member Added, IReadOnlyList<Member> Members)> AddAsync(
        IReadOnlyList<string> peerUrls, bool isLearner, CancellationToken cancellation)
    {
        string[] urls = Parse(peerUrls);
        // The time makes the id new, so that a URL can be used again by another member.
        var member = new Member(ClusterIds.ForMember(urls, clusterToken: "", clock.GetUtcNow()), urls, isLearner, Name: "", ClientUrls: []);
        if (isStrict && Strict().CheckAdd(isLearner) is { } refusal)
        {
            HostingLog.AddRefused(log, self.ToString(), urls, refusal.Text);
            throw refusal.ToException();
        }

        return (member, await ChangeAsync(ConfChangeCommand.Add(member), cancellation).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<Member>> RemoveAsync(MemberId id, CancellationToken cancellation)
    {
        EtcdError? refusal = isStrict ? Strict().CheckRemove(id, peers.ActiveSince(id) is not null) : null;
        if (refusal is not null)
        {
            HostingLog.RemoveRefused(log, self.ToString(), id.ToString(), refusal.Text);
            return Task.FromException<IReadOnlyList<Member>>(refusal.ToException());
        }

        return ChangeAsync(ConfChangeCommand.Remove(id), cancellation);
    }

    /// <summary>
    /// <inheritdoc/> etcd takes any text for a URL here, and its members then stop because they cannot connect there; this server
    /// refuses it.
    /// </summary>
    public async Task<IReadOnlyList<Member>> UpdateAsync(MemberId id, IReadOnlyList<string> peerUrls, CancellationToken cancellation)
    {
        var member = new Member(id, Parse(peerUrls), IsLearner: false, Name: "", ClientUrls: []);
        return await ChangeAsync(ConfChangeCommand.Update(member), cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<Member>> PromoteAsync(MemberId id, string? token, CancellationToken cancellation) => leader.AskAsync(
        async stop =>
        {
            try
            {
                return (true, await PromoteHereAsync(id, stop).ConfigureAwait(false));
            }
            catch (EtcdErrorException e) when (e.Error == EtcdErrors.NotLeader)
            {
                return (false, []);
            }
        },
        (urls, stop) => calls.PromoteAsync(urls, id, token, stop),
        error => error == EtcdErrors.MemberNotFound || error == EtcdErrors.MemberNotLearner || error == EtcdErrors.LearnerNotReady
            || error == EtcdErrors.MemberNotEnoughStarted || error == EtcdErrors.TimeoutWaitAppliedIndex,
        cancellation);

    /// <summary>Makes a learner a voter, if this member leads; else NotLeader.</summary>
    public async Task<IReadOnlyList<Member>> PromoteHereAsync(MemberId id, CancellationToken cancellation)
    {
        try
        {
            IReadOnlyList<Member> members = await PromoteOwnAsync(id, cancellation).ConfigureAwait(false);
            node.Figures.CountPromotion(refusal: null);
            return members;
        }
        catch (EtcdErrorException e) when (e.Error != EtcdErrors.NotLeader)
        {
            node.Figures.CountPromotion(e.Error.Text);
            throw;
        }
    }

    private async Task<IReadOnlyList<Member>> PromoteOwnAsync(MemberId id, CancellationToken cancellation)
    {
        try
        {
            await node.WhenApplied(node.Committed).WaitAsync(ApplyTimeout, clock, cancellation).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw EtcdErrors.TimeoutWaitAppliedIndex.ToException();
        }

        CheckReady(await node.ProgressAsync().ConfigureAwait(false), id);
        if (isStrict && Strict().CheckPromote() is { } refusal)
        {
            HostingLog.PromoteRefused(log, self.ToString(), id.ToString(), refusal.Text);
            throw refusal.ToException();
        }

        // Its learner's data: a member that is none (any more) is refused where the change is applied.
        Member member = cluster.Current.Find(id) ?? new Member(id, [], IsLearner: true, Name: "", ClientUrls: []);
        return await ChangeAsync(ConfChangeCommand.Promote(member), cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task MoveLeaderAsync(MemberId target, TimeSpan timeout, CancellationToken cancellation)
    {
        if (node.Leader != self)
        {
            throw EtcdErrors.NotLeader.ToException();
        }

        if (cluster.Current.Find(target) is not { IsLearner: false })
        {
            throw EtcdErrors.BadLeaderTransferee.ToException();
        }

        HostingLog.TransferStarting(log, self.ToString(), self.ToString(), target.ToString());
        try
        {
            await node.TransferLeadershipAsync(target, timeout).WaitAsync(timeout, clock, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            throw EtcdErrors.TimeoutLeaderTransfer.ToException();
        }

        HostingLog.TransferFinished(log, self.ToString(), self.ToString(), target.ToString());
    }

    private static string[] Parse(IReadOnlyList<string> urls)
    {
        try
        {
            return urls.Count > 0
                ? [.. urls.Select(url => EtcdUrl.Parse(url).Text).Order(StringComparer.Ordinal)]
                : throw EtcdErrors.MemberBadUrls.ToException();
        }
        catch (FormatException)
        {
            throw EtcdErrors.MemberBadUrls.ToException();
        }
    }

    private void CheckReady(IReadOnlyList<MemberProgress> progress, MemberId id)
    {
        if (progress.Count == 0)
        {
            throw EtcdErrors.NotLeader.ToException();
        }

        MemberProgress? learner = progress.Where(p => p.Member == id).Cast<MemberProgress?>().FirstOrDefault();
        if (learner is null)
        {
            throw EtcdErrors.MemberNotFound.ToException();
        }

        ulong own = progress.Where(p => p.Member == self).Select(p => p.Match.Value).FirstOrDefault();
        double share = (double)learner.Value.Match.Value / own;
        if (share < ReadyShare)
        {
            HostingLog.LearnerNotReady(log, share, ReadyShare);
            throw EtcdErrors.LearnerNotReady.ToException();
        }
    }

    private async Task<IReadOnlyList<Member>> ChangeAsync(ConfChangeCommand change, CancellationToken cancellation)
    {
        try
        {
            await node.ProposeConfChangeAsync(change).WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch (EtcdErrorException e) when (e.Error == EtcdErrors.MemberIdRemoved)
        {
            // What members say among themselves; clients hear of no such member.
            throw EtcdErrors.MemberNotFound.ToException();
        }

        HostingLog.Changed(log, self.ToString(), change.Kind.ToString(), change.Id.ToString());
        return cluster.Current.Members;
    }

    private StrictReconfiguration Strict()
    {
        DateTimeOffset since = clock.GetUtcNow() - StrictReconfiguration.HealthInterval;
        return new StrictReconfiguration(self, cluster.Current.Members, id => peers.ActiveSince(id) < since);
    }
}
