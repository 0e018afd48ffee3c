using Etcd.Protocol.Errors;
using Etcd.Server.Apply;
using Etcd.Server.Apply.Alarms;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Node;

/// <summary>
/// The owner of one member's raft and log: proposals, reads and peers' messages in; entries to the log store, messages to the
/// peers, committed entries to the state machine. Three step machines without threads of their own:
/// <list type="bullet">
/// <item>the owner, <see cref="RunOnce"/>: never blocks; any thread, one at a time. A second one finds the first inside and goes
/// away, and the first looks again before it leaves. Whoever brings something (a peer's reader, a client's thread, a timer, the
/// log thread after its sync) runs it at once, which saves a hand-over;</item>
/// <item>the log, <see cref="RunLogOnce"/>: one thread, which blocks in the log store's sync. What the owner hands over meanwhile is
/// the next group (group commit). It runs the owner too, before and after;</item>
/// <item>the application, <see cref="RunApplyOnce"/>: any thread, one at a time.</item>
/// </list>
/// <see cref="LogWork"/> and <see cref="ApplyWork"/> are called when there is something to do for the last two.
/// <para>Order: messages that claim nothing leave before the write that belongs to them begins; votes and answers to appends leave
/// when it is durable; an entry is applied when it is committed and durable here; a received snapshot is durable and recorded in
/// the log before it is answered, and answered before it is installed; a request is answered when its entry is applied and visible.
/// Proposals wait while a write of this member is under way, which makes batches of them.</para>
/// A failure of the log store or the state machine is final: see <see cref="Failed"/>.
/// </summary>
public sealed partial class MemberNode : IProposals, IPeerInbox
{
    private readonly MemberParts _parts;
    private readonly IRaft _raft;
    private readonly TimeProvider _clock;
    private readonly NodeOptions _options;
    private readonly PendingRequests _pending;
    private readonly AppliedWaiters _waiters;
    private readonly ApplyLoop _apply;
    private readonly ReadRounds _reads;
    private readonly LeaseKeeper _keeper;
    private readonly NoSpaceAlarm _noSpace;
    private readonly ProposalQueue _proposals = new();
    private readonly TaskCompletionSource _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _removed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private EtcdError? _stopped;

    /// <summary>Puts the parts together; nothing runs until <see cref="Start"/> and the steps are called.</summary>
    /// <param name="parts">The parts.</param>
    public MemberNode(MemberParts parts)
    {
        _parts = parts;
        _raft = parts.Raft;
        _clock = parts.Clock;
        _options = parts.Options;
        _pending = new PendingRequests(_options.PendingRequestSlots);
        _waiters = new AppliedWaiters(parts.Completions);
        _noSpace = new NoSpaceAlarm(this, new RaisedAlarm(_raft.Id, AlarmKind.NoSpace), parts.Completions);
        _apply = new ApplyLoop(parts, _pending, _waiters, _noSpace, Figures);
        _reads = new ReadRounds(parts.Ids, _apply, _waiters, parts.Completions, _options.ReadRetryTicks, Figures);
        _keeper = new LeaseKeeper(this, parts.Leases, parts.Auth, parts.Clock);
        _recoveredThrough = _raft.Committed;
        NoteCommitted(_raft.Applied, parts.AppliedTerm);
        PublishStatus();
        AwaitApplied();
    }

    /// <summary>Called, from any thread, when <see cref="RunLogOnce"/> has something to do.</summary>
    public Action LogWork { get; set; } = static () => { };

    /// <summary>Called, from any thread, when <see cref="RunApplyOnce"/> has something to do.</summary>
    public Action ApplyWork { get; set; } = static () => { };

    /// <summary>Called, from any thread, when the revoke of an expired lease failed; it is tried again.</summary>
    public Action<LeaseId, EtcdError> LeaseRevokeFailed
    {
        get => _keeper.RevokeFailed;
        set => _keeper.RevokeFailed = value;
    }

    /// <summary>Called, from any thread, when this member has found that its quota is used up and is about to raise its alarm.</summary>
    public Action QuotaExceeded
    {
        get => _noSpace.Raises;
        set => _noSpace.Raises = value;
    }

    /// <summary>Called, by the log thread, when a snapshot that has arrived waits because the disk is full.</summary>
    public Action DiskFull { get; set; } = static () => { };

    /// <summary>Figures for metrics.</summary>
    public NodeFigures Figures { get; } = new();

    /// <summary>Requests that wait to be applied (etcd_server_proposals_pending). Looks at each of them: for metrics only.</summary>
    public int PendingProposals => _pending.Count;

    /// <summary>The ids of requests and leases.</summary>
    public RequestIds Ids => _parts.Ids;

    /// <summary>Faults when the member can no longer trust its log or its state; the process must end. Never completes otherwise.</summary>
    public Task Failed => _failed.Task;

    /// <summary>Completes when this member has applied its own removal from the cluster; it should stop, for good.</summary>
    public Task Removed => _removed.Task;

    /// <summary>Begins: the peers are connected to, and what was recovered as committed is applied.</summary>
    public void Start() => RunOnce();

    /// <summary>One heartbeat interval has passed. Answers the requests that timed out, and looks for leases that have ended.</summary>
    public void Tick()
    {
        Interlocked.Increment(ref _ticks);
        RunOnce();
        _keeper.Tick();
    }

    /// <summary>The owner's step: takes everything that has come and hands on what follows from it. Never blocks.</summary>
    /// <returns>Whether there was anything to do, and this thread did it.</returns>
    public bool RunOnce()
    {
        if (Interlocked.Increment(ref _calls) != 1)
        {
            return false;
        }

        bool any = false;
        int seen;
        try
        {
            do
            {
                seen = Volatile.Read(ref _calls);
                if (Volatile.Read(ref _stopped) is { } why)
                {
                    // The door stays shut.
                    EndOwner(why);
                    return false;
                }

                any |= StepOwner();
            }
            while (Interlocked.CompareExchange(ref _calls, 0, seen) != seen);
        }
        catch (Exception e)
        {
            // Whatever it was, raft's state is not known to be right any more.
            Fail(e);
            EndOwner(EtcdErrors.Stopped);
            return false;
        }

        return HandOver() | any;
    }

    /// <summary>The apply step: applies what is committed and completes its requests, or tidies up if there is nothing.</summary>
    /// <returns>When to call again unless woken before: zero if there is more to do.</returns>
    public TimeSpan RunApplyOnce()
    {
        if (Volatile.Read(ref _stopped) is not null)
        {
            return Timeout.InfiniteTimeSpan;
        }

        try
        {
            return ApplyHere() ? TimeSpan.Zero : _apply.Maintain();
        }
        catch (Exception e)
        {
            Fail(e);
            return Timeout.InfiniteTimeSpan;
        }
    }

    /// <summary>The state machine was asked for work that <see cref="IStateMachine.Maintain"/> does. Any thread.</summary>
    public void ExpectMaintenance()
    {
        _apply.ExpectMaintenance();
        ApplyWork();
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
            RunOnce();
        }
    }

    private void FailAll(EtcdError why)
    {
        var all = new List<Proposal>();
        _pending.TakeExpired(long.MaxValue, all);
        Refuse(all, why);
        _waiters.Fail(why);
        _reads.FailArriving(why);
        _apply.AnswerNews();
        _apply.FailExports(why);
        _apply.FailReplacement();
    }

    private void Refuse(List<Proposal> proposals, EtcdError error)
    {
        foreach (Proposal proposal in proposals)
        {
            proposal.Settle(new ApplyOutcome(error, 0));
        }

        AnswerBatch.Post(_parts.Completions, proposals);
    }
}
