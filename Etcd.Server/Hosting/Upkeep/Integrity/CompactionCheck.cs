using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Upkeep.Integrity;

/// <summary>
/// The leader's comparison of the hashes that compactions have left on all members (etcd's CompactHashCheck), which costs nobody more than
/// a look into a table. Who is not with the majority gets an alarm; without a majority the alarm names nobody. A hash that not all
/// members could be asked for is asked for again, until a later one was equal everywhere.
/// </summary>
/// <param name="hashes">Whose data.</param>
/// <param name="timeout">How long a member may take to answer; for the log.</param>
/// <param name="log">Where differences are told.</param>
internal sealed class CompactionCheck(IHashSource hashes, TimeSpan timeout, ILogger log)
{
    private long _checkedRevision;

    /// <summary>Checks the newest hash that was not found equal everywhere yet, or the next older one if somebody lacks it.</summary>
    /// <param name="cancellation">The member stops.</param>
    public async Task RunAsync(CancellationToken cancellation)
    {
        HistoryHash[] open = [.. hashes.CompactionHashes.Where(h => h.Revision > _checkedRevision).OrderByDescending(h => h.Revision)];
        if (open.Length == 0)
        {
            return;
        }

        UpkeepLog.CompactionCheckStarting(log, hashes.Self.ToString(), timeout.ToString());
        int looked = 0;
        foreach (HistoryHash hash in open)
        {
            looked++;
            IReadOnlyList<PeerHashAnswer> peers = await hashes.AskPeersAsync(hash.Revision, cancellation).ConfigureAwait(false);
            if (peers.Any(peer => peer.Hash is { } theirs && theirs.CompactRevision == hash.CompactRevision && theirs.Hash != hash.Hash))
            {
                // A member that is a moment behind, and has not compacted yet, may count a deletion otherwise: it is asked again before it is accused.
                await hashes.LinearizeAsync(cancellation).ConfigureAwait(false);
                peers = await hashes.AskPeersAsync(hash.Revision, cancellation).ConfigureAwait(false);
            }

            if (peers.Count > 0 && Settles(hash, peers, isNewest: looked == 1))
            {
                break;
            }
        }

        UpkeepLog.CompactionCheckFinished(log, looked);
    }

    /// <summary>Whether older hashes need not be looked at: all members agree, or some are wrong for certain.</summary>
    private bool Settles(HistoryHash own, IReadOnlyList<PeerHashAnswer> peers, bool isNewest)
    {
        Dictionary<uint, List<MemberId>> groups = Group(own, peers);
        int answered = groups.Sum(g => g.Value.Count) - 1;
        if (groups.Count > 1)
        {
            Accuse(own, groups, members: peers.Count + 1);
            return true;
        }

        if (answered < peers.Count)
        {
            // Of the older ones it goes without saying: whoever is down lacks all of them.
            if (isNewest)
            {
                UpkeepLog.CompactionSkipped(log, answered, peers.Count, own.Revision, own.CompactRevision);
            }

            return false;
        }

        UpkeepLog.CompactionChecked(log, answered, own.Revision, own.CompactRevision);
        _checkedRevision = Math.Max(_checkedRevision, own.Revision);
        return true;
    }

    private Dictionary<uint, List<MemberId>> Group(HistoryHash own, IReadOnlyList<PeerHashAnswer> peers)
    {
        var groups = new Dictionary<uint, List<MemberId>> { [own.Hash] = [hashes.Self] };
        foreach (PeerHashAnswer peer in peers)
        {
            if (peer.Hash is { } theirs && theirs.CompactRevision == own.CompactRevision)
            {
                if (!groups.TryGetValue(theirs.Hash, out List<MemberId>? group))
                {
                    groups.Add(theirs.Hash, group = []);
                }

                group.Add(peer.Member);
                continue;
            }

            string reason = peer.Hash is { } other
                ? $"the peer's CompactRevision {other.CompactRevision} doesn't match leader's CompactRevision {own.CompactRevision}"
                : "no response";
            UpkeepLog.PeerSkipped(log, peers.Count, hashes.Self.ToString(), peer.Member.ToString(), reason);
        }

        return groups;
    }

    private void Accuse(HistoryHash own, Dictionary<uint, List<MemberId>> groups, int members)
    {
        string self = hashes.Self.ToString();
        int quorum = (members / 2) + 1;
        uint? majority = groups.Where(g => g.Value.Count >= quorum).Select(g => (uint?)g.Key).FirstOrDefault();
        if (majority is null)
        {
            UpkeepLog.NoMajority(log, self, own.Revision, own.CompactRevision, own.Hash);
            hashes.RaiseCorrupt(MemberId.None);
        }

        foreach ((uint hash, List<MemberId> group) in groups.Where(g => g.Key != majority))
        {
            UpkeepLog.CompactionDiffers(
                log, self, own.Revision, own.CompactRevision, own.Hash, hash, group.Select(m => m.ToString()), majority is not null);
            if (majority is not null)
            {
                group.ForEach(hashes.RaiseCorrupt);
            }
        }
    }
}
