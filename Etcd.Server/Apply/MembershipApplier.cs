using Etcd.Protocol.Errors;
using Etcd.Server.Membership;
using Etcd.Server.Raft;

namespace Etcd.Server.Apply;

/// <summary>
/// Changes of the membership: checked against the members as of this entry, because what the proposer checked may have changed
/// since, and refused by every member alike. Apply thread only.
/// </summary>
/// <param name="cluster">The members.</param>
/// <param name="learnersMax">Most learners at a time; the same on all members (--max-learners).</param>
internal sealed class MembershipApplier(ClusterState cluster, int learnersMax)
{
    /// <summary>Applies a change.</summary>
    /// <returns>Why it was refused and changed nothing; null if it was not.</returns>
    public EtcdError? Apply(ConfChangeCommand change)
    {
        if (Refuse(change) is { } refusal)
        {
            return refusal;
        }

        Member? known = cluster.Current.Find(change.Id);
        switch (change.Kind)
        {
            case ConfChangeKind.AddVoter when change.IsPromotion:
                cluster.Put(known! with { IsLearner = false });
                break;
            case ConfChangeKind.AddVoter or ConfChangeKind.AddLearner:
                cluster.Put(change.Member!);
                break;
            case ConfChangeKind.Update:
                // What it published of itself stays.
                cluster.Put(known! with { PeerUrls = change.Member!.PeerUrls });
                break;
            default:
                cluster.Remove(change.Id);
                break;
        }

        return null;
    }

    private EtcdError? Refuse(ConfChangeCommand change)
    {
        ClusterState.Snapshot now = cluster.Current;
        if (now.Removed.Contains(change.Id))
        {
            return EtcdErrors.MemberIdRemoved;
        }

        Member? known = now.Find(change.Id);
        return change.Kind switch
        {
            ConfChangeKind.AddVoter when change.IsPromotion =>
                known is null ? EtcdErrors.MemberNotFound : known.IsLearner ? null : EtcdErrors.MemberNotLearner,
            ConfChangeKind.AddVoter or ConfChangeKind.AddLearner => RefuseNew(change, now, known),
            ConfChangeKind.Update => known is null ? EtcdErrors.MemberNotFound : RefuseUrls(change.Member!, now),
            _ => known is null ? EtcdErrors.MemberNotFound : null,
        };
    }

    private EtcdError? RefuseNew(ConfChangeCommand change, ClusterState.Snapshot now, Member? known)
    {
        if (known is not null)
        {
            return EtcdErrors.MemberExists;
        }

        if (RefuseUrls(change.Member!, now) is { } refusal)
        {
            return refusal;
        }

        bool isLearner = change.Kind == ConfChangeKind.AddLearner && change.Member!.IsLearner;
        return isLearner && now.Members.Count(m => m.IsLearner) >= learnersMax ? EtcdErrors.TooManyLearners : null;
    }

    private static EtcdError? RefuseUrls(Member member, ClusterState.Snapshot now)
    {
        IEnumerable<string> taken = now.Members.Where(m => m.Id != member.Id).SelectMany(m => m.PeerUrls);
        return taken.Intersect(member.PeerUrls, StringComparer.Ordinal).Any() ? EtcdErrors.PeerUrlExists : null;
    }
}
