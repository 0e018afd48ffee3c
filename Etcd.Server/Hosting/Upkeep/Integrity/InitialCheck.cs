using Etcd.Protocol.Errors;
using Etcd.Server.Peer;
using Etcd.Server.Storage;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Upkeep.Integrity;

/// <summary>
/// Compares this member's data with the others' before it serves clients, as etcd does it: who has compacted to the same revision
/// must have the same hash at the revision that this member is at. Others that do not answer, or are elsewhere, prove nothing.
/// </summary>
internal static class InitialCheck
{
    /// <summary>Checks.</summary>
    /// <param name="hashes">Whose data.</param>
    /// <param name="log">Where differences are told.</param>
    /// <param name="cancellation">The member stops.</param>
    /// <returns>Whether nobody's data contradict this member's.</returns>
    public static async Task<bool> PassesAsync(IHashSource hashes, ILogger log, CancellationToken cancellation)
    {
        (HistoryHash own, _) = await hashes.HashAsync(cancellation).ConfigureAwait(false);
        bool passes = true;
        foreach (PeerHashAnswer peer in await hashes.AskPeersAsync(own.Revision, cancellation).ConfigureAwait(false))
        {
            if (peer.Hash is not { } theirs)
            {
                TellRefusal(hashes, own, peer, log);
            }
            else if (theirs.Hash != own.Hash)
            {
                passes &= theirs.CompactRevision != own.CompactRevision;
                TellDifference(hashes, own, peer, theirs, log);
            }
        }

        return passes;
    }

    private static void TellDifference(IHashSource hashes, HistoryHash own, PeerHashAnswer peer, PeerHash theirs, ILogger log)
    {
        string self = hashes.Self.ToString();
        string other = peer.Member.ToString();
        if (theirs.CompactRevision == own.CompactRevision)
        {
            UpkeepLog.DifferentHash(
                log, self, own.Revision, own.CompactRevision, own.Hash, other, peer.Urls, theirs.CurrentRevision, theirs.CompactRevision, theirs.Hash);
        }
        else
        {
            UpkeepLog.DifferentCompaction(
                log, self, own.Revision, own.CompactRevision, own.Hash, other, peer.Urls, theirs.CurrentRevision, theirs.CompactRevision, theirs.Hash);
        }
    }

    private static void TellRefusal(IHashSource hashes, HistoryHash own, PeerHashAnswer peer, ILogger log)
    {
        string self = hashes.Self.ToString();
        string other = peer.Member.ToString();
        if (peer.Refusal == EtcdErrors.FutureRevision)
        {
            UpkeepLog.PeerIsBehind(log, self, own.Revision, other, peer.Refusal.Text);
        }
        else if (peer.Refusal == EtcdErrors.Compacted)
        {
            UpkeepLog.MemberIsBehind(log, self, own.Revision, other, peer.Refusal.Text);
        }
        else if (peer.Refusal == EtcdErrors.ClusterIdMismatch)
        {
            UpkeepLog.OtherCluster(log, self, own.Revision, other, peer.Refusal.Text);
        }
    }
}
