using Etcd.Protocol.Errors;
using Etcd.Server.Apply.Alarms;
using Etcd.Server.Membership;
using Etcd.Server.Node;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Upkeep.Integrity;

/// <summary>The hashes of a running member and of those that it is connected to.</summary>
/// <param name="node">The node.</param>
/// <param name="self">This member.</param>
/// <param name="cluster">The members.</param>
/// <param name="store">The keys.</param>
/// <param name="alarms">The alarms.</param>
/// <param name="peers">Who of the others is reached: who is not, is not waited for.</param>
/// <param name="calls">The way to them.</param>
/// <param name="timeout">How long one of them may take to answer.</param>
/// <param name="clock">The time.</param>
/// <param name="log">Where it is told who is reached and does not answer.</param>
internal sealed class MemberHashes(
    MemberNode node,
    MemberId self,
    ClusterState cluster,
    MvccStore store,
    AlarmBoard alarms,
    IPeerTransport peers,
    IPeerCalls calls,
    TimeSpan timeout,
    TimeProvider clock,
    ILogger log) : IHashSource
{
    /// <inheritdoc/>
    public MemberId Self => self;

    /// <inheritdoc/>
    public IReadOnlyList<HistoryHash> CompactionHashes => store.CompactionHashes;

    /// <inheritdoc/>
    public async Task<(HistoryHash Hash, long Revision)> HashAsync(CancellationToken cancellation)
    {
        HistoryHash hash = default;
        long revision = 0;
        // It goes through the whole history: not on a thread that has connections to serve.
        ReadStatus status = await Task.Run(() => store.HashKv(0, cancellation, out hash, out revision), cancellation).ConfigureAwait(false);
        Invariant.Check(status == ReadStatus.Ok, "the current revision can always be read");
        return (hash, revision);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<PeerHashAnswer>> AskPeersAsync(long revision, CancellationToken cancellation) =>
        await Task.WhenAll(cluster.Current.Members
            .Where(m => m.Id != self && m.PeerUrls.Count > 0)
            .Select(m => AskAsync(m, revision, cancellation))).ConfigureAwait(false);

    /// <inheritdoc/>
    public async Task LinearizeAsync(CancellationToken cancellation) => await node.LinearizeAsync(cancellation).ConfigureAwait(false);

    /// <inheritdoc/>
    public void RaiseCorrupt(MemberId member)
    {
        var alarm = new RaisedAlarm(member, AlarmKind.Corrupt);
        if (!alarms.Contains(alarm))
        {
            _ = RaiseAsync(alarm);
        }
    }

    private async Task<PeerHashAnswer> AskAsync(Member member, long revision, CancellationToken cancellation)
    {
        if (peers.ActiveSince(member.Id) is null)
        {
            return new PeerHashAnswer(member.Id, member.PeerUrls, null);
        }

        using var limit = new CancellationTokenSource(timeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        try
        {
            PeerHash hash = await calls.HashKvAsync(member.PeerUrls, revision, either.Token).ConfigureAwait(false);
            return new PeerHashAnswer(member.Id, member.PeerUrls, hash);
        }
        catch (EtcdErrorException e)
        {
            return new PeerHashAnswer(member.Id, member.PeerUrls, null, e.Error);
        }
        catch (Exception e) when (e is PeerCallException or OperationCanceledException && !cancellation.IsCancellationRequested)
        {
            UpkeepLog.HashUnavailable(log, self.ToString(), revision, member.Id.ToString(), e.Message);
            return new PeerHashAnswer(member.Id, member.PeerUrls, null);
        }
    }

    private async Task RaiseAsync(RaisedAlarm alarm)
    {
        try
        {
            await node.ProposeAsync(RaftCommand.Create(RaftCommandKind.Alarm, AlarmCommands.Raise(alarm))).ConfigureAwait(false);
        }
        catch (EtcdErrorException e)
        {
            UpkeepLog.RaiseFailed(log, alarm.Member.ToString(), e.Error.Text);
        }
    }
}
