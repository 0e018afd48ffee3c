using Etcd.Server.Primitives;
using Etcd.Server.Raft.Quorum;
using Etcd.Server.Raft.Tracker;

namespace Etcd.Server.Raft;

/// <content>Elections (raft thesis 3.4, 3.6, 9.6).</content>
public sealed partial class RaftNode
{
    /// <summary>Marks a vote that the leader wishes, which a lease does not hold up (raft thesis 4.2.3). Go members know it too.</summary>
    private static readonly ReadOnlyMemory<byte> CampaignTransfer = "CampaignTransfer"u8.ToArray();

    private enum CampaignKind
    {
        PreElection,
        Election,
        Transfer,
    }

    private bool IsPromotable => _members.IsVoter(Id) && !_log.IsInstalling;

    private void Hup()
    {
        if (_log.HasUnappliedConfChange())
        {
            // What is committed may have changed who votes; the election begins when it is applied.
            _campaignWhenApplied = true;
        }
        else if (IsPromotable)
        {
            Campaign(_options.PreVote ? CampaignKind.PreElection : CampaignKind.Election);
        }
    }

    private void Campaign(CampaignKind kind)
    {
        if (_members.Count == 1)
        {
            // Nobody has to be asked, and nobody can be misled: term, vote and the term's first entry become durable together,
            // and nothing is committed before.
            BecomeCandidate();
            BecomeLeader();
            return;
        }

        Term term;
        MessageType type;
        if (kind == CampaignKind.PreElection)
        {
            BecomePreCandidate();
            (term, type) = (Term.Next, MessageType.PreVote);
        }
        else
        {
            BecomeCandidate();
            (term, type) = (Term, MessageType.Vote);
        }

        for (int i = 0; i < _members.Count; i++)
        {
            Progress member = _members[i];
            if (member.IsLearner)
            {
                continue;
            }

            // The own vote counts when it is durable, like any other.
            Send(member.Id == Id
                ? new Message { Type = AnswerTo(type), To = Id, Term = term }
                : new Message
                {
                    Type = type,
                    To = member.Id,
                    Term = term,
                    Index = _log.Last,
                    LogTerm = _log.LastTerm,
                    Context = kind == CampaignKind.Transfer ? CampaignTransfer : default,
                });
        }
    }

    private static MessageType AnswerTo(MessageType vote) => vote == MessageType.Vote ? MessageType.VoteResp : MessageType.PreVoteResp;

    private StepResult AnswerVote(in Message message)
    {
        bool isPreVote = message.Type == MessageType.PreVote;
        bool isFree = _vote == message.From || (_vote.IsNone && Leader.IsNone) || (isPreVote && message.Term > Term);
        // A learner votes, too: it may have become a voter without having heard of it.
        bool isGranted = isFree && _log.IsUpToDate(message.Index, message.LogTerm);
        // A granted pre-vote has the term that was asked about, which is not this member's.
        Term term = isGranted ? message.Term : Term;
        Send(new Message { Type = AnswerTo(message.Type), To = message.From, Term = term, Reject = !isGranted });
        if (isGranted && !isPreVote)
        {
            _electionElapsed = 0;
            _vote = message.From;
        }

        return StepResult.Accepted;
    }

    private StepResult StepCandidate(in Message message)
    {
        if (message.Type.IsFromLeader())
        {
            BecomeFollower(message.Term, message.From);
            return StepFollower(message);
        }

        MessageType awaited = Role == RaftRole.PreCandidate ? MessageType.PreVoteResp : MessageType.VoteResp;
        bool isAnswer = message.Type == awaited
            && (Role == RaftRole.Candidate || message.Reject ? message.Term == Term : message.Term == Term.Next);
        if (!isAnswer || _members.Find(message.From) is not { } voter)
        {
            return StepResult.Ignored;
        }

        voter.Vote ??= !message.Reject;
        switch (_members.Tally())
        {
            case VoteResult.Won when Role == RaftRole.PreCandidate:
                Campaign(CampaignKind.Election);
                break;
            case VoteResult.Won:
                BecomeLeader();
                BroadcastAppend();
                break;
            case VoteResult.Lost:
                BecomeFollower(Term, MemberId.None);
                break;
        }

        return StepResult.Accepted;
    }

    private void BecomeFollower(Term term, MemberId leader)
    {
        Reset(term);
        Leader = leader;
        Role = RaftRole.Follower;
    }

    private void BecomePreCandidate()
    {
        Invariant.Check(Role != RaftRole.Leader, "a leader asks for no votes");
        // Neither term nor vote change: only the question is asked.
        _members.ClearVotes();
        Leader = MemberId.None;
        Role = RaftRole.PreCandidate;
    }

    private void BecomeCandidate()
    {
        Invariant.Check(Role != RaftRole.Leader, "a leader asks for no votes");
        Reset(Term.Next);
        _vote = Id;
        Role = RaftRole.Candidate;
    }

    private void BecomeLeader()
    {
        Invariant.Check(Role == RaftRole.Candidate, "who leads was elected");
        Reset(Term);
        Leader = Id;
        Role = RaftRole.Leader;
        Progress me = _members.Find(Id)!;
        me.Reset(_log.Durable, _log.Last.Next);
        me.BecomeReplicate();
        me.RecentActive = true;
        // There may be a change of the membership among the entries that are not committed; looking would cost more than
        // waiting for them.
        _pendingChange = _log.Last;
        _termBegan = _log.Last.Next;
        // Entries of earlier terms are committed only through one of this term (raft thesis 3.6.2).
        _log.Append(Term, EntryType.Normal, default);
    }

    private void Reset(Term term)
    {
        if (Term != term)
        {
            Invariant.Check(term > Term, "terms never fall");
            Term = term;
            _vote = MemberId.None;
        }

        Leader = MemberId.None;
        TransferTarget = MemberId.None;
        _electionElapsed = 0;
        _heartbeatElapsed = 0;
        _electionTimeout = _options.ElectionTicks + _options.Random(_options.ElectionTicks);
        _pendingChange = default;
        _uncommittedBytes = 0;
        _reads.Clear();
        _members.ClearVotes();
        for (int i = 0; i < _members.Count; i++)
        {
            _members[i].Reset(default, _log.Last.Next);
        }
    }
}
