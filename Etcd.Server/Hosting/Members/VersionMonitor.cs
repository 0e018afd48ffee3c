using Etcd.Protocol.Errors;
using Etcd.Protocol.Membershippb;
using Etcd.Server.Membership;
using Etcd.Server.Node;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Google.Protobuf;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Members;

/// <summary>
/// The leader's part in the agreement on a cluster version: every few seconds, as soon as it leads, and when another member has
/// come, it asks all members for theirs and proposes the lowest, if that is higher than the agreed one. While a downgrade is under way it
/// proposes that one's version, and ends it when all members have that version.
/// </summary>
/// <param name="node">The node.</param>
/// <param name="cluster">The members.</param>
/// <param name="self">This member.</param>
/// <param name="own">Its version.</param>
/// <param name="downgrades">What ends a downgrade.</param>
/// <param name="downgradeCheck">How often it is looked whether one is done (--downgrade-check-time); zero for never.</param>
/// <param name="calls">The way to the others.</param>
/// <param name="clock">The time.</param>
/// <param name="log">Where changes are told.</param>
internal sealed class VersionMonitor(
    MemberNode node,
    ClusterState cluster,
    MemberId self,
    ClaimedVersion own,
    Downgrades downgrades,
    TimeSpan downgradeCheck,
    IPeerCalls calls,
    TimeProvider clock,
    ILogger log) : IDisposable
{
    private static readonly Version Oldest = ClaimedVersion.Number(ClaimedVersion.V35.Cluster)!;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _leads = new(0, 1);
    private readonly SemaphoreSlim _agreeing = new(1, 1);

    /// <summary>
    /// This member has begun to lead, and has applied what earlier leaders left; or it has reached one that it did not reach
    /// before. Any thread.
    /// </summary>
    public void Wake()
    {
        try
        {
            _leads.Release();
        }
        catch (Exception e) when (e is SemaphoreFullException or ObjectDisposedException)
        {
            // It will look anyway, or never again.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _leads.Dispose();
        _agreeing.Dispose();
    }

    /// <summary>The version to propose; null if the agreed one stays.</summary>
    /// <param name="agreed">The agreed version; null before there is one.</param>
    /// <param name="lowest">The lowest version of all members; null if one of them is not known.</param>
    /// <param name="target">Where a downgrade leads; null if none is under way.</param>
    public static string? Decide(string? agreed, Version? lowest, Version? target = null)
    {
        if (agreed is null)
        {
            // Better a version that everybody can work with than none.
            return lowest is null ? ClaimedVersion.MinCluster : DowngradeRules.Text(lowest);
        }

        if (ClaimedVersion.Number(agreed) is not { } now || lowest is null)
        {
            return null;
        }

        if (target is not null)
        {
            // Members of the version above work in a cluster of this one; all must be such. What no member of this server can be is
            // left to etcd 3.4's own members: 3.5 lowers the version when the first of them has come.
            return target >= Oldest && DowngradeRules.IsValid(now, target) && DowngradeRules.IsValid(lowest, target)
                ? DowngradeRules.Text(target)
                : null;
        }

        return now.Major == lowest.Major && now < lowest ? DowngradeRules.Text(lowest) : null;
    }

    /// <summary>Runs until cancelled.</summary>
    public Task RunAsync(CancellationToken stop) => Task.WhenAll(AgreeAgainAndAgainAsync(stop), EndDowngradesAsync(stop));

    private async Task AgreeAgainAndAgainAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await _leads.WaitAsync(Interval, stop).ConfigureAwait(false);
                if (node.LeadsIn != default)
                {
                    await AgreeAsync(stop).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (EtcdErrorException e)
            {
                HostingLog.ClusterVersionFailed(log, e.Error.Text);
            }
        }
    }

    /// <summary>Asks all members and proposes what follows. Faults as a proposal does; it is tried again at the next interval.</summary>
    /// <param name="stop">The member stops.</param>
    public async Task AgreeAsync(CancellationToken stop)
    {
        // One at a time: a member that is alone asks for it at its start, too, and the second would propose the same again.
        await _agreeing.WaitAsync(stop).ConfigureAwait(false);
        try
        {
            await AgreeInTurnAsync(stop).ConfigureAwait(false);
        }
        finally
        {
            _agreeing.Release();
        }
    }

    private async Task AgreeInTurnAsync(CancellationToken stop)
    {
        ClusterState.Snapshot now = cluster.Current;
        Version? target = TargetOf(now);
        // A cluster that is where it is to be need not be asked.
        if (now.Version is { } agreed
            && (target is null ? ClaimedVersion.Number(agreed) >= ClaimedVersion.Number(own.Cluster) : ClaimedVersion.Number(agreed) == target))
        {
            return;
        }

        Version?[] versions = await VersionsAsync(now, stop).ConfigureAwait(false);
        Version? lowest = versions.Contains(null) ? null : versions.Min();
        if (Decide(now.Version, lowest, target) is not { } next)
        {
            return;
        }

        if (target is not null)
        {
            HostingLog.VersionLowered(log, now.Version!, next);
        }

        var request = new ClusterVersionSetRequest { Ver = next };
        await node.ProposeAsync(RaftCommand.Create(RaftCommandKind.ClusterVersionSet, request.ToByteArray())).WaitAsync(stop).ConfigureAwait(false);
    }

    private async Task EndDowngradesAsync(CancellationToken stop)
    {
        while (downgradeCheck > TimeSpan.Zero && !stop.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(downgradeCheck, clock, stop).ConfigureAwait(false);
                if (node.LeadsIn != default)
                {
                    await EndDowngradeIfDoneAsync(stop).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (EtcdErrorException e)
            {
                HostingLog.DowngradeCancelRefused(log, e.Error.Text);
            }
        }
    }

    private async Task EndDowngradeIfDoneAsync(CancellationToken stop)
    {
        ClusterState.Snapshot now = cluster.Current;
        if (TargetOf(now) is not { } target)
        {
            return;
        }

        Version?[] versions = await VersionsAsync(now, stop).ConfigureAwait(false);
        if (versions.All(v => v == target))
        {
            HostingLog.Downgraded(log, DowngradeRules.Text(target));
            await downgrades.SetAsync(Downgrade.None, stop).ConfigureAwait(false);
        }
    }

    private static Version? TargetOf(ClusterState.Snapshot now) =>
        now.Downgrade is { IsEnabled: true } downgrade ? DowngradeRules.ParseTarget(downgrade.Target) : null;

    private Task<Version?[]> VersionsAsync(ClusterState.Snapshot now, CancellationToken stop) =>
        Task.WhenAll(now.Members.Select(m => VersionOfAsync(m, stop)));

    private async Task<Version?> VersionOfAsync(Membership.Member member, CancellationToken stop)
    {
        if (member.Id == self)
        {
            return ClaimedVersion.Number(own.Server);
        }

        try
        {
            using var timeout = new CancellationTokenSource(AnswerTimeout, clock);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, timeout.Token);
            PeerVersions versions = await calls.VersionAsync(member.PeerUrls, either.Token).ConfigureAwait(false);
            return ClaimedVersion.Number(versions.Server);
        }
        catch (Exception e) when (e is PeerCallException or EtcdErrorException || (e is OperationCanceledException && !stop.IsCancellationRequested))
        {
            HostingLog.VersionUnknown(log, member.Id.ToString(), e.Message);
            return null;
        }
    }
}
