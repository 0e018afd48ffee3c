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
/// come, it asks all members for theirs and proposes the lowest, if that is higher than the agreed one.
/// </summary>
internal sealed class VersionMonitor(
    MemberNode node, ClusterState cluster, MemberId self, ClaimedVersion own, IPeerCalls calls, TimeProvider clock, ILogger log) : IDisposable
{
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
    public static string? Decide(string? agreed, Version? lowest)
    {
        if (agreed is null)
        {
            // Better a version that everybody can work with than none.
            return lowest is null ? ClaimedVersion.MinCluster : lowest.ToString(2) + ".0";
        }

        Version? now = ClaimedVersion.Number(agreed);
        return lowest is not null && now is not null && now.Major == lowest.Major && now < lowest ? lowest.ToString(2) + ".0" : null;
    }

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken stop)
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
        // A cluster that is up to date need not be asked.
        if (now.Version is { } agreed && ClaimedVersion.Number(agreed) >= ClaimedVersion.Number(own.Cluster))
        {
            return;
        }

        Version?[] versions = await Task.WhenAll(now.Members.Select(m => VersionOfAsync(m, stop))).ConfigureAwait(false);
        Version? lowest = versions.Contains(null) ? null : versions.Min();
        if (Decide(now.Version, lowest) is not { } next)
        {
            return;
        }

        var request = new ClusterVersionSetRequest { Ver = next };
        await node.ProposeAsync(RaftCommand.Create(RaftCommandKind.ClusterVersionSet, request.ToByteArray())).WaitAsync(stop).ConfigureAwait(false);
    }

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
