using Etcd.Server.Apply;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Server.Wal;

namespace Etcd.Server.Node;

/// <summary>
/// A member's log made the log of a cluster in which it is alone (--force-new-cluster): for when the others are lost for good and
/// no quorum is left. All that the log holds counts as committed, and then it removes all other members, learners too, as if that
/// had been agreed on.
/// <para>etcd drops entries behind the last one that it has applied to its database. Here the log alone is durable, and the commit
/// index in it is that of the write before (nobody waits for it): to drop what is behind it would lose acknowledged writes. What was
/// not acknowledged may appear, as after any lost answer.</para>
/// </summary>
/// <param name="Unconfirmed">How many entries the log did not say to be committed.</param>
/// <param name="Removed">The members that were removed.</param>
public sealed record ForcedCluster(int Unconfirmed, IReadOnlyList<MemberId> Removed)
{
    /// <summary>Rewrites the end of the log; it is durable when this returns. A crash on the way is mended by doing it again.</summary>
    /// <param name="log">The log, open for appending.</param>
    /// <param name="self">The member that stays.</param>
    /// <param name="found">What the log and the snapshot before it say.</param>
    /// <returns>What they say now, and what was done.</returns>
    /// <exception cref="NotSupportedException">The member is in no cluster.</exception>
    public static (RecoveredLog Log, ForcedCluster What) Rewrite(WriteAheadLog log, MemberId self, RecoveredLog found)
    {
        LogIndex confirmed = found.HardState.Commit > found.Applied ? found.HardState.Commit : found.Applied;
        // Unless it was agreed on, the one that stays was not removed.
        Entry[] kept = [.. found.Entries.TakeWhile(e => e.Index <= confirmed || !Removes(e, self))];
        LogIndex last = kept.Length > 0 ? kept[^1].Index : confirmed;
        Dictionary<MemberId, bool> learners = MembersIn(found.Snapshot?.Configuration ?? ConfState.Empty, kept);
        if (!learners.TryGetValue(self, out bool isLearner))
        {
            throw new NotSupportedException(
                $"a new cluster cannot be forced: member {self} was removed from its cluster, or has never received anything from it");
        }

        var changes = new List<ConfChangeCommand>();
        if (isLearner)
        {
            // Before the others go: there must be a voter at any time.
            changes.Add(ConfChangeCommand.Promote(new Membership.Member(self, [], IsLearner: true, Name: "", ClientUrls: [])));
        }

        MemberId[] others = [.. learners.Keys.Where(id => id != self).OrderBy(id => id.Value)];
        changes.AddRange(others.Select(ConfChangeCommand.Remove));
        Entry[] added = [.. changes.Select((change, i) => new Entry(
            found.HardState.Term, new LogIndex(last.Value + 1 + (ulong)i), EntryType.ConfChange, change.Encode()))];
        HardState state = found.HardState with { Commit = new LogIndex(last.Value + (ulong)added.Length) };
        log.Append(state, added);
        log.Sync();
        return (
            found with { HardState = state, Entries = [.. kept, .. added] },
            new ForcedCluster(kept.Count(e => e.Index > confirmed), others));
    }

    private static bool Removes(in Entry entry, MemberId member) =>
        entry.Type == EntryType.ConfChange
        && ConfChangeCommand.Decode(entry.Data.Span) is { Kind: ConfChangeKind.Remove } change && change.Id == member;

    /// <summary>Who is a member by the log's end, and whether as a learner. A change that was refused may count here; its removal is refused as well.</summary>
    private static Dictionary<MemberId, bool> MembersIn(ConfState configuration, IEnumerable<Entry> entries)
    {
        var learners = new Dictionary<MemberId, bool>();
        foreach (MemberId voter in configuration.Voters)
        {
            learners[voter] = false;
        }

        foreach (MemberId learner in configuration.Learners)
        {
            learners[learner] = true;
        }

        foreach (Entry entry in entries.Where(e => e.Type == EntryType.ConfChange))
        {
            ConfChangeCommand change = ConfChangeCommand.Decode(entry.Data.Span);
            switch (change.Kind)
            {
                case ConfChangeKind.AddVoter:
                    learners[change.Id] = false;
                    break;
                case ConfChangeKind.AddLearner:
                    learners[change.Id] = true;
                    break;
                case ConfChangeKind.Remove:
                    learners.Remove(change.Id);
                    break;
                default:
                    // New URLs make nobody a member.
                    break;
            }
        }

        return learners;
    }
}
