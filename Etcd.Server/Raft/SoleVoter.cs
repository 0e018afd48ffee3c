using Etcd.Server.Primitives;

namespace Etcd.Server.Raft;

/// <summary>
/// Raft for a cluster whose only voter is this member: the quorum is this member's own durable log. An entry is committed
/// once it is durable and of the current term (raft thesis 3.6.2; with one voter the leader's own log is the majority),
/// and entries of earlier terms are committed with the first entry of this one.
/// </summary>
/// <remarks>
/// Elections need nobody's answer, but the vote and the term are written before anything that depends on them is
/// acknowledged: they leave in the same <see cref="Ready"/> as the term's first entry, and nothing is committed before
/// <see cref="OnAppended"/> says that this write is durable. A tick without a leader begins an election, so the owner may
/// also send <see cref="MessageType.Hup"/> at once, as etcd does for a sole voter.
/// </remarks>
public sealed class SoleVoter : IRaft
{
    private readonly EntryQueue _log;
    private readonly int _electionTicks;
    private HardState _hardState;
    private HardState _takenHardState;
    private LogIndex _durable;
    private LogIndex _toAppend;
    private LogIndex _toApply;
    private int _ticksWithoutLeader;

    /// <summary>Starts from what recovery found.</summary>
    /// <param name="id">This member.</param>
    /// <param name="hardState">The saved state; default for a new log.</param>
    /// <param name="entries">The durable log after <paramref name="applied"/>, in order.</param>
    /// <param name="applied">The index that the state machine already holds.</param>
    /// <param name="appliedTerm">The term of the entry at <paramref name="applied"/>.</param>
    /// <param name="electionTicks">Ticks without a leader after which an election begins.</param>
    public SoleVoter(
        MemberId id, HardState hardState, IReadOnlyList<Entry> entries, LogIndex applied, Term appliedTerm, int electionTicks)
    {
        Invariant.Check(!id.IsNone, "a voter has an id");
        Invariant.Check(electionTicks > 0, "an election timeout is at least one tick");
        Id = id;
        _electionTicks = electionTicks;
        _log = new EntryQueue(applied, appliedTerm);
        foreach (Entry entry in entries)
        {
            _log.Append(entry);
        }

        LogIndex commit = hardState.Commit > applied ? hardState.Commit : applied;
        Invariant.Check(commit <= _log.LastIndex, "the commit index is not beyond the durable log");
        _hardState = hardState with { Commit = commit };
        _takenHardState = _hardState;
        _durable = _log.LastIndex;
        _toAppend = _log.LastIndex.Next;
        _toApply = applied.Next;
        Applied = applied;
    }

    /// <inheritdoc/>
    public MemberId Id { get; }

    /// <inheritdoc/>
    public Term Term => _hardState.Term;

    /// <inheritdoc/>
    public MemberId Leader => Role == RaftRole.Leader ? Id : MemberId.None;

    /// <inheritdoc/>
    public RaftRole Role { get; private set; }

    /// <inheritdoc/>
    public LogIndex Committed => _hardState.Commit;

    /// <inheritdoc/>
    public LogIndex Applied { get; private set; }

    /// <inheritdoc/>
    public LogIndex LastIndex => _log.LastIndex;

    /// <inheritdoc/>
    public ConfState Configuration => new([Id], []);

    /// <inheritdoc/>
    public LogIndex ForgottenIndex => Applied;

    /// <inheritdoc/>
    public MemberId TransferTarget => MemberId.None;

    /// <inheritdoc/>
    public void CopyProgress(List<MemberProgress> into) => into.Clear();

    /// <inheritdoc/>
    public ConfState ApplyConfChange(ConfChange change) => Configuration;

    /// <inheritdoc/>
    public LogIndex? LocalReadIndex =>
        Role == RaftRole.Leader && _log.TermAt(Committed) == Term ? Committed : null;

    /// <inheritdoc/>
    public bool HasReady =>
        _toAppend <= _log.LastIndex || _toApply <= Committed || NeedsSync(_takenHardState, _hardState);

    /// <inheritdoc/>
    public StepResult Step(in Message message) => message.Type switch
    {
        MessageType.Hup => Campaign(),
        MessageType.Prop => Propose(message.Entries.Span),
        _ => StepResult.Ignored,
    };

    /// <inheritdoc/>
    public void Tick()
    {
        if (Role != RaftRole.Leader && ++_ticksWithoutLeader >= _electionTicks)
        {
            Campaign();
        }
    }

    /// <inheritdoc/>
    public void Ready(Ready into)
    {
        into.Clear();
        for (; _toAppend <= _log.LastIndex; _toAppend = _toAppend.Next)
        {
            into.Entries.Add(_log[_toAppend]);
        }

        // A commit index that moved alone rides with the next entries: a restart finds it again without it.
        bool mustSync = NeedsSync(_takenHardState, _hardState);
        if (mustSync || (into.Entries.Count > 0 && _takenHardState != _hardState))
        {
            into.HardState = _hardState;
            _takenHardState = _hardState;
        }

        into.MustSync = mustSync || into.Entries.Count > 0;
        for (; _toApply <= Committed; _toApply = _toApply.Next)
        {
            into.CommittedEntries.Add(_log[_toApply]);
        }
    }

    /// <inheritdoc/>
    public void OnAppended(LogIndex index, Term term)
    {
        Invariant.Check(index < _toAppend, "only what was taken can have become durable");
        if (index <= _durable || _log.TermAt(index) != term)
        {
            return;
        }

        _durable = index;
        if (Role == RaftRole.Leader && term == Term)
        {
            _hardState = _hardState with { Commit = index };
        }
    }

    /// <inheritdoc/>
    public void OnApplied(LogIndex index)
    {
        Invariant.Check(index < _toApply && index >= Applied, "only what was taken can have been applied, once");
        Applied = index;
        _log.ForgetThrough(index);
    }

    private static bool NeedsSync(in HardState before, in HardState now) => before.Term != now.Term || before.Vote != now.Vote;

    private StepResult Campaign()
    {
        if (Role == RaftRole.Leader)
        {
            return StepResult.Ignored;
        }

        Role = RaftRole.Leader;
        _ticksWithoutLeader = 0;
        _hardState = _hardState with { Term = Term.Next, Vote = Id };
        // Entries of earlier terms are committed only through one of this term (raft thesis 3.6.2).
        _log.Append(new Entry(Term, _log.LastIndex.Next, EntryType.Normal, default));
        return StepResult.Accepted;
    }

    private StepResult Propose(ReadOnlySpan<Entry> entries)
    {
        if (Role != RaftRole.Leader)
        {
            return StepResult.Dropped;
        }

        foreach (Entry entry in entries)
        {
            _log.Append(entry with { Term = Term, Index = _log.LastIndex.Next });
        }

        return StepResult.Accepted;
    }
}
