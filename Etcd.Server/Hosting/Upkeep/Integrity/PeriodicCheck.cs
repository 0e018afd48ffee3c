using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Upkeep.Integrity;

/// <summary>
/// The leader's comparison of everything with everybody (--corrupt-check-time). As in etcd: its own hash must not change by itself; no
/// other member may be ahead of it, or have compacted further; and who has compacted to the same revision must have the same hash.
/// <para>Unlike etcd, what is found is looked for once more before it counts: the hash that a compaction leaves can differ from that of
/// the same revision before it (a store whose last key was just deleted), and an alarm stops the cluster.</para>
/// </summary>
/// <param name="hashes">Whose data.</param>
/// <param name="log">Where differences are told.</param>
internal sealed class PeriodicCheck(IHashSource hashes, ILogger log)
{
    /// <summary>Checks, and raises an alarm about the first member whose data are wrong. Faults as a linearizable read does.</summary>
    /// <param name="cancellation">The member stops.</param>
    public async Task RunAsync(CancellationToken cancellation)
    {
        IReadOnlyList<MemberId> suspects = await FindAsync(cancellation).ConfigureAwait(false);
        if (suspects.Count == 0)
        {
            return;
        }

        IReadOnlyList<MemberId> again = await FindAsync(cancellation).ConfigureAwait(false);
        foreach (MemberId suspect in suspects.Where(again.Contains).Take(1))
        {
            hashes.RaiseCorrupt(suspect);
        }
    }

    private async Task<IReadOnlyList<MemberId>> FindAsync(CancellationToken cancellation)
    {
        (HistoryHash before, _) = await hashes.HashAsync(cancellation).ConfigureAwait(false);
        IReadOnlyList<PeerHashAnswer> peers = await hashes.AskPeersAsync(before.Revision, cancellation).ConfigureAwait(false);
        await hashes.LinearizeAsync(cancellation).ConfigureAwait(false);
        (HistoryHash after, long revision) = await hashes.HashAsync(cancellation).ConfigureAwait(false);

        var suspects = new List<MemberId>();
        if (after.Hash != before.Hash && after.Revision == before.Revision && after.CompactRevision == before.CompactRevision)
        {
            UpkeepLog.OwnHashChanged(log, before.Revision, before.CompactRevision, before.Hash, after.Hash);
            suspects.Add(hashes.Self);
        }

        foreach (PeerHashAnswer peer in peers)
        {
            if (peer.Hash is { } theirs && IsWrong(peer.Member, theirs, before, after, revision))
            {
                suspects.Add(peer.Member);
            }
        }

        UpkeepLog.PeriodicCheckFinished(log, peers.Count(p => p.Hash is not null));
        return suspects;
    }

    private bool IsWrong(MemberId member, PeerHash theirs, HistoryHash before, HistoryHash after, long revision)
    {
        string id = member.ToString();
        bool isAhead = theirs.CurrentRevision > revision;
        if (isAhead)
        {
            UpkeepLog.RevisionAhead(log, revision, theirs.CurrentRevision, id);
        }

        bool hasCompactedMore = theirs.CompactRevision > after.CompactRevision;
        if (hasCompactedMore)
        {
            UpkeepLog.CompactionAhead(log, after.CompactRevision, theirs.CompactRevision, id);
        }

        bool differs = theirs.CompactRevision == before.CompactRevision && theirs.Hash != before.Hash;
        if (differs)
        {
            UpkeepLog.HashDiffers(log, before.CompactRevision, before.Hash, theirs.CompactRevision, theirs.Hash, id);
        }

        return isAhead || hasCompactedMore || differs;
    }
}
