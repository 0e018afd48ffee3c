using Etcd.Server.Primitives;

namespace Etcd.Server.Raft;

/// <content>What a follower does: entries, heartbeats and snapshots in, proposals passed on (raft thesis 3.5, 5).</content>
public sealed partial class RaftNode
{
    private StepResult StepFollower(in Message message)
    {
        if (message.Type.IsFromLeader())
        {
            _electionElapsed = 0;
            Leader = message.From;
        }

        switch (message.Type)
        {
            case MessageType.App:
                return AppendEntries(message);
            case MessageType.Heartbeat:
                _log.CommitTo(message.Commit);
                Send(new Message { Type = MessageType.HeartbeatResp, To = message.From, Context = message.Context });
                return StepResult.Accepted;
            case MessageType.Snap:
                return TakeSnapshot(message.From, message.Snapshot!);
            case MessageType.TransferLeader when Leader != MemberId.None && Leader != message.From:
                _messages.Add(message with { To = Leader, Term = Term });
                return StepResult.Accepted;
            case MessageType.TimeoutNow when Leader.IsNone || Leader == message.From:
                return OnTimeoutNow();
            case MessageType.ReadIndexResp:
                _readStates.Add(new ReadState(message.Index, message.Context));
                return StepResult.Accepted;
            default:
                return StepResult.Ignored;
        }
    }

    /// <summary>A proposal for whoever leads. Passed on once: from a member that takes this one for the leader it goes no further.</summary>
    private StepResult Forward(in Message message, bool mine)
    {
        if (Role != RaftRole.Follower || Leader.IsNone || Leader == message.From)
        {
            return StepResult.Dropped;
        }

        _messages.Add(message with
        {
            From = mine ? Id : message.From,
            To = Leader,
            Term = default,
            Entries = message.Entries.ToArray(),
        });
        return StepResult.Accepted;
    }

    private StepResult AppendEntries(in Message message)
    {
        if (message.Index < _log.Committed)
        {
            Send(new Message { Type = MessageType.AppResp, To = message.From, Index = _log.Committed });
            return StepResult.Accepted;
        }

        if (_log.TryAppend(message.Index, message.LogTerm, message.Entries.Span))
        {
            LogIndex last = message.Index + (ulong)message.Entries.Length;
            // Behind the message's last entry this log may still differ from the leader's.
            _log.CommitTo(message.Commit < last ? message.Commit : last);
            Send(new Message { Type = MessageType.AppResp, To = message.From, Index = last });
            return StepResult.Accepted;
        }

        LogIndex end = message.Index < _log.Last ? message.Index : _log.Last;
        (LogIndex hint, Term hintTerm) = _log.FindConflict(end, message.LogTerm);
        Send(new Message
        {
            Type = MessageType.AppResp,
            To = message.From,
            Index = message.Index,
            Reject = true,
            RejectHint = hint,
            LogTerm = hintTerm,
        });
        return StepResult.Accepted;
    }

    private StepResult TakeSnapshot(MemberId from, Snapshot snapshot)
    {
        ConfState configuration = snapshot.Configuration;
        bool isMember = configuration.Voters.Contains(Id) || configuration.Learners.Contains(Id);
        if (snapshot.Index > _log.Committed && isMember)
        {
            if (_log.Matches(snapshot.Index, snapshot.Term))
            {
                // The log has it all: nothing to install, only to commit.
                _log.CommitTo(snapshot.Index);
            }
            else
            {
                _log.Restore(snapshot);
                _members.Restore(configuration, _log.Last.Next);
            }
        }

        Send(new Message { Type = MessageType.AppResp, To = from, Index = _log.Committed });
        return StepResult.Accepted;
    }

    private StepResult OnTimeoutNow()
    {
        if (!IsPromotable || _log.HasUnappliedConfChange())
        {
            return StepResult.Ignored;
        }

        // The leader wishes it: there is no need to ask first.
        Campaign(CampaignKind.Transfer);
        return StepResult.Accepted;
    }
}
