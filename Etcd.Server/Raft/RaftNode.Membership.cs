using Etcd.Server.Primitives;
using Etcd.Server.Raft.Tracker;

namespace Etcd.Server.Raft;

/// <content>Changes of the membership, one at a time (raft thesis 4.1, 4.2).</content>
public sealed partial class RaftNode
{
    /// <inheritdoc/>
    public ConfState ApplyConfChange(ConfChange change)
    {
        Invariant.Check(
            _changesToApply.TryDequeue(out LogIndex index), "a configuration change is applied once, for an entry that was handed out");
        // A snapshot that came meanwhile has this change in it already, and perhaps its opposite.
        if (index > _log.Restored)
        {
            // A new member is probed with the newest entry, so that it is spoken to at once.
            _members.Apply(change, _log.Last);
            OnConfigurationChanged();
        }

        return _members.Configuration;
    }

    private void OnConfigurationChanged()
    {
        if (Role != RaftRole.Leader)
        {
            return;
        }

        if (!_members.IsVoter(Id))
        {
            // The change is committed, so the others can elect one among them (raft thesis 4.2.2).
            BecomeFollower(Term, MemberId.None);
            return;
        }

        if (!AdvanceCommit())
        {
            for (int i = 0; i < _members.Count; i++)
            {
                Progress member = _members[i];
                if (member.Id != Id)
                {
                    // A new member need not wait for the next proposal.
                    SendAppend(member, evenIfEmpty: false);
                }
            }
        }

        AnswerConfirmedReads();
        if (!_members.IsVoter(TransferTarget))
        {
            TransferTarget = MemberId.None;
        }
    }
}
