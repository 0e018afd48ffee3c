using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Etcd.Protocol.Errors;
using Etcd.Server.Apply;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Node;

/// <summary>
/// The owner of one member's log: proposals in, entries to the log store, committed entries to the state machine. A step
/// machine without threads of its own:
/// <list type="bullet">
/// <item><see cref="ProposeAsync"/>, <see cref="LinearizeAsync"/> and the status properties: any thread, never blocking;</item>
/// <item><see cref="RunLogOnce"/>: one thread at a time, the log thread, which blocks in the log store's sync; what
/// arrives meanwhile is the next batch (group commit);</item>
/// <item><see cref="RunApplyOnce"/>: any thread, one at a time; a second one returns at once;</item>
/// <item><see cref="Tick"/>: any thread.</item>
/// </list>
/// <see cref="LogWork"/> and <see cref="ApplyWork"/> are called when there is something to do for those steps.
/// A failure of the log store is final: see <see cref="Failed"/>.
/// </summary>
public sealed class MemberNode : IProposals
{
    private readonly IRaft _raft;
    private readonly ILogStore _log;
    private readonly ApplyLoop _apply;
    private readonly PendingRequests _pending = new();
    private readonly AppliedWaiters _waiters = new();
    private readonly ICompletions _completions;
    private readonly TimeProvider _clock;
    private readonly NodeOptions _options;
    private readonly ConcurrentQueue<RaftCommand> _inbox = new();
    private readonly Ready _ready = new();
    private readonly TaskCompletionSource _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Entry[] _proposals = new Entry[256];
    private int _waitingProposals;
    private long _waitingBytes;
    private int _ticks;
    private uint _ticksEver;
    private long _term;
    private long _leader;
    private long _committed;
    private bool _readsAreLocal;
    private EtcdError? _stopped;

    /// <summary>Puts the parts together; nothing runs until the steps are called.</summary>
    /// <param name="raft">The consensus core, recovered.</param>
    /// <param name="log">Where its entries become durable.</param>
    /// <param name="machine">Where committed entries go.</param>
    /// <param name="completions">Where answers are given.</param>
    /// <param name="ids">Request ids of this member.</param>
    /// <param name="clock">For timeouts of requests.</param>
    /// <param name="options">Limits.</param>
    public MemberNode(
        IRaft raft, ILogStore log, IStateMachine machine, ICompletions completions, RequestIds ids, TimeProvider clock, NodeOptions options)
    {
        _raft = raft;
        _log = log;
        _completions = completions;
        Ids = ids;
        _clock = clock;
        _options = options;
        _apply = new ApplyLoop(machine, _pending, _waiters, completions, raft.Applied);
        PublishStatus();
    }

    /// <summary>Called, from any thread, when <see cref="RunLogOnce"/> has something to do.</summary>
    public Action LogWork { get; set; } = static () => { };

    /// <summary>Called, from the log thread, when <see cref="RunApplyOnce"/> has something to do.</summary>
    public Action ApplyWork { get; set; } = static () => { };

    /// <summary>The ids of requests and leases.</summary>
    public RequestIds Ids { get; }

    /// <summary>The current term.</summary>
    public Term Term => new((ulong)Volatile.Read(ref _term));

    /// <summary>The leader, if known.</summary>
    public MemberId Leader => new((ulong)Volatile.Read(ref _leader));

    /// <summary>The highest committed index.</summary>
    public LogIndex Committed => new((ulong)Volatile.Read(ref _committed));

    /// <summary>The highest applied and visible index.</summary>
    public LogIndex Applied => _apply.Applied;

    /// <summary>Faults when the member can no longer trust its log or its state; the process must end. Never completes otherwise.</summary>
    public Task Failed => _failed.Task;

    /// <inheritdoc/>
    public Task<ApplyOutcome> ProposeAsync(RaftCommand command)
    {
        command.Seal(Ids.Next());
        if (Refuse(command) is { } refusal)
        {
            return Task.FromException<ApplyOutcome>(refusal.ToException());
        }

        var proposal = new Proposal(command, _clock.GetTimestamp() + _options.RequestTimeoutTimestamps(_clock));
        _pending.Add(proposal);
        Interlocked.Increment(ref _waitingProposals);
        Interlocked.Add(ref _waitingBytes, command.Data.Length);
        _inbox.Enqueue(command);
        if (Volatile.Read(ref _stopped) is { } stopped)
        {
            // The stop may have looked through the waiting requests before this one was among them.
            FailAll(stopped);
        }

        LogWork();
        return proposal.Task;
    }

    /// <inheritdoc cref="IReads.LinearizeAsync"/>
    public ValueTask LinearizeAsync(CancellationToken cancellation)
    {
        if (Volatile.Read(ref _stopped) is { } stopped)
        {
            return ValueTask.FromException(stopped.ToException());
        }

        if (!Volatile.Read(ref _readsAreLocal))
        {
            return ValueTask.FromException(EtcdErrors.NoLeader.ToException());
        }

        LogIndex index = Committed;
        return Applied >= index ? ValueTask.CompletedTask : WaitAppliedAsync(index, cancellation);
    }

    /// <summary>Waits until an index is applied and visible.</summary>
    /// <param name="index">The index.</param>
    /// <param name="cancellation">The caller no longer waits.</param>
    /// <returns>Faults with "request timed out, waiting for the applied index took too long" or "server stopped".</returns>
    public async ValueTask WaitAppliedAsync(LogIndex index, CancellationToken cancellation)
    {
        try
        {
            await WhenApplied(index).WaitAsync(_options.RequestTimeout, _clock, cancellation).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw EtcdErrors.TimeoutWaitAppliedIndex.ToException();
        }
    }

    /// <summary>Completes when an index is applied and visible, however long that takes; faults when the member stops.</summary>
    /// <param name="index">The index.</param>
    public Task WhenApplied(LogIndex index)
    {
        Task task = _waiters.WaitFor(index);
        if (Applied >= index)
        {
            _waiters.Release(Applied);
        }

        if (Volatile.Read(ref _stopped) is { } stopped)
        {
            _waiters.Fail(stopped.ToException());
        }

        return task;
    }

    /// <summary>One heartbeat interval has passed. Answers the requests that timed out.</summary>
    public void Tick()
    {
        Interlocked.Increment(ref _ticks);
        // Not on the log thread: a sync that does not return is just when clients must be told.
        if (Interlocked.Increment(ref _ticksEver) % _options.SweepTicks == 0)
        {
            Sweep();
        }

        LogWork();
    }

    /// <summary>Begins an election now: a sole voter need not wait for the timeout.</summary>
    public void Campaign()
    {
        _raft.Step(new Message { Type = MessageType.Hup, From = _raft.Id, To = _raft.Id });
        LogWork();
    }

    /// <summary>
    /// The log thread's step: takes what has arrived, writes and syncs one batch, hands committed entries on.
    /// </summary>
    /// <returns>Whether there was anything to do.</returns>
    public bool RunLogOnce()
    {
        if (Volatile.Read(ref _stopped) is not null)
        {
            return false;
        }

        try
        {
            return StepLog() || _log.PrepareAhead();
        }
        catch (Exception e)
        {
            // Whatever it was, it is not known what is on disk: nothing may be acknowledged any more.
            Fail(e);
            return false;
        }
    }

    /// <summary>The apply step: applies committed entries and completes their requests, or tidies up if there are none.</summary>
    /// <returns>When to call again unless woken before: zero if there is more to do.</returns>
    public TimeSpan RunApplyOnce()
    {
        try
        {
            bool any = _apply.RunOnce();
            if (any && !Volatile.Read(ref _readsAreLocal))
            {
                // An election may wait until a change of the membership is applied.
                LogWork();
            }

            return any ? TimeSpan.Zero : _apply.Maintain();
        }
        catch (Exception e)
        {
            Fail(e);
            return Timeout.InfiniteTimeSpan;
        }
    }

    /// <summary>Ends it: what waits is told so, and nothing is taken any more. What is in the log store stays.</summary>
    public void Stop() => Stop(EtcdErrors.Stopped);

    /// <summary>A part of the member found its state to be wrong: as <see cref="Stop()"/>, and <see cref="Failed"/> says why.</summary>
    /// <param name="why">What happened.</param>
    public void Fail(Exception why)
    {
        // The cause comes first, so that nobody who is told of the stop misses it.
        _failed.TrySetException(why);
        Stop(EtcdErrors.Stopped);
    }

    private void Stop(EtcdError why)
    {
        if (Interlocked.CompareExchange(ref _stopped, why, null) is null)
        {
            FailAll(why);
        }
    }

    private EtcdError? Refuse(RaftCommand command)
    {
        if (Volatile.Read(ref _stopped) is { } stopped)
        {
            return stopped;
        }

        if (Committed > Applied + Limits.CommittedApplyGapMax
            || Volatile.Read(ref _waitingProposals) >= Limits.ProposalQueueMax
            || Volatile.Read(ref _waitingBytes) >= Limits.ProposalQueueBytesMax)
        {
            return EtcdErrors.TooManyRequests;
        }

        return command.Data.Length > _options.RequestBytesMax ? EtcdErrors.RequestTooLarge : null;
    }

    private bool StepLog()
    {
        bool any = TakeTicks();
        LogIndex applied = _apply.Applied;
        if (applied > _raft.Applied)
        {
            _raft.OnApplied(applied);
        }

        any |= TakeProposals();
        while (_raft.HasReady)
        {
            any = true;
            HandleReady();
        }

        return any;
    }

    private void HandleReady()
    {
        _raft.Ready(_ready);
        if (_ready.HasAppend)
        {
            _log.Append(_ready.HardState, CollectionsMarshal.AsSpan(_ready.Entries));
            if (_ready.MustSync)
            {
                _log.Sync();
            }

            if (_ready.Entries.Count > 0)
            {
                Entry last = _ready.Entries[^1];
                _raft.OnAppended(last.Index, last.Term);
            }
        }

        PublishStatus();
        if (_ready.CommittedEntries.Count > 0)
        {
            HandOver(_ready.CommittedEntries);
        }

        // Or the entries' bytes would stay until the next batch, whenever that comes.
        _ready.Clear();
    }

    /// <summary>
    /// With nothing else to write, this thread applies at once: one wake-up less for a lone request. With more waiting, the
    /// apply thread does it while this one is in its next sync.
    /// </summary>
    private void HandOver(List<Entry> committed)
    {
        bool inline = _inbox.IsEmpty && _apply.IsIdle && committed.Count <= CompletionBatch.Size;
        _apply.Enqueue(committed);
        if (inline)
        {
            _apply.RunOnce();
        }

        if (!inline || _apply.CanMaintain)
        {
            ApplyWork();
        }
    }

    private bool TakeTicks()
    {
        int ticks = Interlocked.Exchange(ref _ticks, 0);
        for (int i = 0; i < ticks; i++)
        {
            _raft.Tick();
        }

        return ticks > 0;
    }

    private void Sweep()
    {
        var expired = new List<Proposal>();
        _pending.TakeExpired(_clock.GetTimestamp(), expired);
        Answer(expired, EtcdErrors.Timeout);
    }

    private bool TakeProposals()
    {
        // Without a leader proposals wait here until there is one, or until they time out.
        if (_raft.Role != RaftRole.Leader)
        {
            return false;
        }

        int count = 0;
        long bytes = 0;
        while (count < Limits.ProposalBatchMax && bytes < Limits.ProposalBatchBytesMax && _inbox.TryDequeue(out RaftCommand? command))
        {
            if (count == _proposals.Length)
            {
                Array.Resize(ref _proposals, _proposals.Length * 2);
            }

            _proposals[count++] = new Entry(default, default, EntryType.Normal, command.Data);
            bytes += command.Data.Length;
        }

        if (count == 0)
        {
            return false;
        }

        Interlocked.Add(ref _waitingProposals, -count);
        Interlocked.Add(ref _waitingBytes, -bytes);
        StepResult result = _raft.Step(new Message
        {
            Type = MessageType.Prop,
            From = _raft.Id,
            To = _raft.Id,
            Entries = _proposals.AsMemory(0, count),
        });
        Invariant.Check(result == StepResult.Accepted, "a leader takes proposals");
        _proposals.AsSpan(0, count).Clear();
        return true;
    }

    private void PublishStatus()
    {
        Volatile.Write(ref _term, (long)_raft.Term.Value);
        Volatile.Write(ref _leader, (long)_raft.Leader.Value);
        Volatile.Write(ref _committed, (long)_raft.Committed.Value);
        Volatile.Write(ref _readsAreLocal, _raft.LocalReadIndex is not null);
    }

    private void FailAll(EtcdError why)
    {
        var all = new List<Proposal>();
        _pending.TakeExpired(long.MaxValue, all);
        Answer(all, why);
        _waiters.Fail(why.ToException());
    }

    private void Answer(List<Proposal> proposals, EtcdError error)
    {
        foreach (Proposal proposal in proposals)
        {
            proposal.Outcome = new ApplyOutcome(error, 0);
            var batch = new CompletionBatch();
            batch.Add(proposal);
            _completions.Post(batch);
        }
    }
}
