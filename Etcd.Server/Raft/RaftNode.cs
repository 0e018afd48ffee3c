using Etcd.Server.Primitives;
using Etcd.Server.Raft.Tracker;

namespace Etcd.Server.Raft;

/// <summary>
/// Raft as in Ongaro's thesis, with the decisions of etcd's: pre-vote, check-quorum, learners, one change of the membership at
/// a time, reads confirmed by a round of heartbeats, leader transfer. docs/raft.md is the contract in words.
/// </summary>
/// <remarks>
/// Allocates nothing in the steady state beyond the place of an entry in the log; see <see cref="EntryChunks"/> for why a
/// message's entries need no copy. The owner of a message never changes the bytes that it points to; the array of its
/// entries is free again when <see cref="Step"/> returns.
/// </remarks>
public sealed partial class RaftNode : IRaft
{
    private readonly RaftOptions _options;
    private readonly RaftLog _log;
    private readonly Members _members;
    private readonly ReadConfirmation _reads = new();
    private readonly Queue<LogIndex> _changesToApply = new();
    private readonly List<Message> _messages = [];
    private readonly List<Message> _messagesAfterAppend = [];
    private readonly List<ReadState> _readStates = [];
    private MemberId _vote;
    private HardState _takenHardState;
    private ConfState _appliedConfiguration;
    private int _electionElapsed;
    private int _heartbeatElapsed;
    private int _electionTimeout;
    private bool _campaignWhenApplied;

    /// <summary>Starts as a follower from what recovery found.</summary>
    /// <param name="options">Who and how.</param>
    /// <param name="recovered">The log.</param>
    public RaftNode(RaftOptions options, RecoveredLog recovered)
    {
        Invariant.Check(!options.Id.IsNone, "a member has an id");
        Invariant.Check(options.HeartbeatTicks > 0, "a heartbeat's interval is at least one tick");
        Invariant.Check(options.ElectionTicks >= options.HeartbeatTicks, "heartbeats come before elections");
        Invariant.Check(options.InflightMessagesMax > 0, "at least one append may be under way");
        Id = options.Id;
        _options = options;
        _log = new RaftLog(recovered);
        _members = new Members(options);
        _members.Restore(recovered.Configuration, _log.Last.Next);
        _appliedConfiguration = _members.Configuration;
        _takenHardState = recovered.HardState with { Commit = _log.Committed };
        Term = recovered.HardState.Term;
        _vote = recovered.HardState.Vote;
        if (_log.LastTerm > Term)
        {
            // The entries became durable and the state that was written with them did not: nothing was answered in this term.
            Term = _log.LastTerm;
            _vote = default;
        }

        BecomeFollower(Term, MemberId.None);
    }

    /// <inheritdoc/>
    public MemberId Id { get; }

    /// <inheritdoc/>
    public Term Term { get; private set; }

    /// <inheritdoc/>
    public MemberId Leader { get; private set; }

    /// <inheritdoc/>
    public RaftRole Role { get; private set; }

    /// <inheritdoc/>
    public LogIndex Committed => _log.Committed;

    /// <inheritdoc/>
    public LogIndex Applied => _log.Applied;

    /// <inheritdoc/>
    public LogIndex LastIndex => _log.Last;

    /// <inheritdoc/>
    public LogIndex? LocalReadIndex =>
        Role == RaftRole.Leader && _members.IsSoleVoter(Id) && HasCommittedInTerm ? _log.Committed : null;

    /// <inheritdoc/>
    public ConfState Configuration => _members.Configuration;

    /// <inheritdoc/>
    public LogIndex ForgottenIndex => _log.Forgotten;

    /// <inheritdoc/>
    public MemberId TransferTarget { get; private set; }

    /// <inheritdoc/>
    public bool TakesChanges => Role == RaftRole.Leader && !(_pendingChange > _log.Applied);

    /// <inheritdoc/>
    public bool HasReady =>
        _messages.Count > 0 || _messagesAfterAppend.Count > 0 || _readStates.Count > 0
        || _log.HasAppends || _log.HasCommitted || MustSyncState;

    private HardState HardState => new(Term, _vote, _log.Committed);

    private bool MustSyncState => _takenHardState.Term != Term || _takenHardState.Vote != _vote;

    private bool HasCommittedInTerm => _log.TermOrZero(_log.Committed) == Term;

    /// <inheritdoc/>
    public void CopyProgress(List<MemberProgress> into)
    {
        into.Clear();
        for (int i = 0; Role == RaftRole.Leader && i < _members.Count; i++)
        {
            into.Add(_members[i].ToMemberProgress());
        }
    }

    /// <inheritdoc/>
    public void Ready(Ready into)
    {
        into.Clear();
        _log.TakeAppends(into);
        _log.TakeCommitted(into.CommittedEntries);
        bool changesMembers = false;
        foreach (Entry entry in into.CommittedEntries)
        {
            if (RaftLog.IsConfChange(entry.Type))
            {
                _changesToApply.Enqueue(entry.Index);
                changesMembers = true;
            }
        }

        bool append = into.Entries.Count > 0 || into.Snapshot is not null;
        into.MustSync = append || MustSyncState || (changesMembers && _takenHardState.Commit != _log.Committed);
        // A commit index that moved alone rides with the next entries: a restart finds it again without it. Not so one that changes
        // who votes: the last member that is left would ask for the vote of one that was removed and is gone.
        if (into.MustSync && _takenHardState != HardState)
        {
            into.HardState = HardState;
            _takenHardState = HardState;
        }

        Move(_messages, into.Messages);
        Move(_messagesAfterAppend, into.MessagesAfterAppend);
        Move(_readStates, into.ReadStates);
    }

    /// <inheritdoc/>
    public void OnAppended(LogIndex index, Term term)
    {
        if (_log.OnAppended(index, term) && Role == RaftRole.Leader && _members.Find(Id) is { } me)
        {
            // The leader's own log counts like everyone's: when it is durable.
            me.MaybeUpdate(_log.Durable);
            AdvanceCommit();
        }
    }

    /// <inheritdoc/>
    public void OnApplied(LogIndex index)
    {
        bool keepsForOthers = _members.Count > 1;
        _log.OnApplied(index, keepsForOthers ? _options.CatchUpEntries : 0);
        _appliedConfiguration = _members.Configuration;
        while (_changesToApply.TryPeek(out LogIndex change) && change <= index)
        {
            _changesToApply.Dequeue();
        }

        if (_campaignWhenApplied && !_log.HasUnappliedConfChange())
        {
            _campaignWhenApplied = false;
            if (Role == RaftRole.Follower && Leader.IsNone)
            {
                Hup();
            }
        }
    }

    /// <inheritdoc/>
    public void Tick()
    {
        _electionElapsed++;
        if (Role == RaftRole.Leader)
        {
            TickLeader();
        }
        else if (_electionElapsed >= _electionTimeout && IsPromotable)
        {
            _electionElapsed = 0;
            if (!_log.HasUnappliedConfChange())
            {
                Campaign(_options.PreVote ? CampaignKind.PreElection : CampaignKind.Election);
            }
        }
    }

    /// <inheritdoc/>
    public StepResult Step(in Message message)
    {
        if ((!message.To.IsNone && message.To != Id) || MessageRules.IsAbsurd(message, Id, Term))
        {
            return StepResult.Ignored;
        }

        if (message.Type.HasNoTerm())
        {
            return StepWithoutTerm(message);
        }

        if (IsOfUnknown(message) || (message.Type == MessageType.Heartbeat && message.Commit > _log.Last))
        {
            // A leader never tells a member of more than that member has answered for.
            return StepResult.Ignored;
        }

        if (message.Term > Term)
        {
            if (!EnterTermOf(message))
            {
                return StepResult.Ignored;
            }
        }
        else if (message.Term < Term && message.Term != default)
        {
            return StepOlder(message);
        }

        return message.Type is MessageType.Vote or MessageType.PreVote
            ? AnswerVote(message)
            : Role switch
            {
                RaftRole.Leader => StepLeader(message),
                RaftRole.Follower => StepFollower(message),
                _ => StepCandidate(message),
            };
    }

    private static void Move<T>(List<T> from, List<T> into)
    {
        into.AddRange(from);
        from.Clear();
    }

    /// <summary>Only members of the configuration are asked anything, so only they answer: nobody else's term or answer counts.</summary>
    private bool IsOfUnknown(in Message message) =>
        message.Type.IsAnswer() && message.From != Id && _members.Find(message.From) is null;

    private StepResult StepWithoutTerm(in Message message)
    {
        bool mine = message.From.IsNone || message.From == Id;
        switch (message.Type)
        {
            case MessageType.Prop:
                return Propose(message, mine);
            case MessageType.ReadIndex:
                return ReadIndex(message, mine);
            case MessageType.Unreachable:
                return OnUnreachable(message.From);
            case MessageType.SnapStatus:
                return OnSnapshotStatus(message.From, message.Reject);
            case MessageType.Hup when mine && Role != RaftRole.Leader:
                Hup();
                return StepResult.Accepted;
            case MessageType.Beat when mine && Role == RaftRole.Leader:
                BroadcastHeartbeat();
                return StepResult.Accepted;
            case MessageType.CheckQuorum when mine && Role == RaftRole.Leader:
                CheckQuorum();
                return StepResult.Accepted;
            default:
                return StepResult.Ignored;
        }
    }

    /// <summary>A message of a later term: this member's term is over, but for the cases in which that cannot be believed.</summary>
    /// <returns>False if the message is not to be looked at.</returns>
    private bool EnterTermOf(in Message message)
    {
        bool campaign = message.Type is MessageType.Vote or MessageType.PreVote;
        bool inLease = _options.CheckQuorum && !Leader.IsNone && _electionElapsed < _options.ElectionTicks;
        if (campaign && inLease && !message.Context.Span.SequenceEqual(CampaignTransfer.Span))
        {
            // Whoever was taken out, or was cut off, cannot depose a leader that others hear (raft thesis 4.2.3).
            return false;
        }

        // The term of a pre-vote has not begun, and if it is granted it begins with the election only (raft thesis 9.6).
        bool notBegun = message.Type == MessageType.PreVote || (message.Type == MessageType.PreVoteResp && !message.Reject);
        if (!notBegun)
        {
            BecomeFollower(message.Term, message.Type.IsFromLeader() ? message.From : MemberId.None);
        }

        return true;
    }

    /// <summary>A message of an earlier term: whoever sent it is told, where nothing else would tell it.</summary>
    private StepResult StepOlder(in Message message)
    {
        if (message.Type is MessageType.Heartbeat or MessageType.App && (_options.CheckQuorum || _options.PreVote))
        {
            // With a lease this member cannot get its term across by asking for votes: the answer's term does it, and frees a
            // member that was cut off and is ahead.
            Send(new Message { Type = MessageType.AppResp, To = message.From });
        }
        else if (message.Type == MessageType.PreVote)
        {
            Send(new Message { Type = MessageType.PreVoteResp, To = message.From, Term = Term, Reject = true });
        }

        return StepResult.Ignored;
    }

    /// <summary>
    /// The one place that decides when a message may leave. Answers to votes and appends claim that something is durable here,
    /// so they wait for it (raft thesis 3.8); all else may leave at once, a leader's appends above all (10.2.1).
    /// </summary>
    private void Send(in Message message)
    {
        Term term = message.Term == default ? Term : message.Term;
        Message whole = message with { From = Id, Term = term };
        // A candidate asks for votes when its own term and vote are durable: the others' votes may be enough, and one that led
        // and forgot it in a crash could be elected in the same term again and fill the same places with other entries.
        if (message.Type is MessageType.AppResp or MessageType.Vote or MessageType.VoteResp or MessageType.PreVoteResp)
        {
            _messagesAfterAppend.Add(whole);
        }
        else
        {
            Invariant.Check(message.To != Id, "only votes are sent to this member itself");
            _messages.Add(whole);
        }
    }
}
