using System.Collections.Concurrent;
using Etcd.Protocol.Errors;
using Etcd.Server.Apply;
using Etcd.Server.Io;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Node;

/// <summary>
/// Takes committed entries and snapshots to the state machine, makes them visible batch by batch, and completes the requests
/// that waited for them; between batches it takes the state out for members that are too far behind for the log. A step machine:
/// <see cref="RunOnce"/> does what is there and returns. Entries come from the owner of raft; <see cref="RunOnce"/> may be called by
/// any thread, and one that finds another inside returns at once. After an exception nobody gets in any more: what follows an
/// entry that could not be applied must not be applied.
/// </summary>
internal sealed partial class ApplyLoop(
    MemberParts parts, PendingRequests pending, AppliedWaiters waiters, NoSpaceAlarm noSpace, NodeFigures figures)
{
    /// <summary>
    /// Entries per publication. Bounds how long a reader or a watcher waits for a change that is already applied; one
    /// publication per entry would copy index nodes for each.
    /// </summary>
    private const int BatchMax = 1024;

    /// <summary>What takes longer is counted, seconds (etcd's default for --warning-apply-duration).</summary>
    private const double SlowApply = 0.1;

    private readonly IStateMachine _machine = parts.Machine;
    private readonly double _secondsPerTimestamp = 1.0 / parts.Clock.TimestampFrequency;
    private readonly LogIndex _recoveredThrough = parts.Raft.Committed;
    private readonly ConcurrentQueue<Work> _committed = new();
    private readonly ConcurrentQueue<Message> _exports = new();
    private readonly ConcurrentQueue<TaskCompletionSource<ISnapshotContent>> _copies = new();
    private readonly ConcurrentQueue<ApplyNews> _news = new();
    private readonly List<Proposal> _done = new(BatchMax);
    private long _applied = (long)parts.Raft.Applied.Value;
    private long _awaited = long.MaxValue;
    private Term _appliedTerm = parts.AppliedTerm;
    private int _running;
    private volatile bool _canMaintain = parts.Machine.NeedsMaintenance;

    /// <summary>The last index that readers can see.</summary>
    public LogIndex Applied => new((ulong)Volatile.Read(ref _applied));

    /// <summary>Whether nothing waits and nobody is inside.</summary>
    public bool IsIdle => _committed.IsEmpty && Volatile.Read(ref _running) == 0;

    /// <summary>Whether <see cref="Maintain"/> may have something to do.</summary>
    public bool CanMaintain => _canMaintain;

    /// <summary>Whether the owner should look at what was applied, rather than when it has something else to do.</summary>
    public bool HasNews => !_news.IsEmpty || Volatile.Read(ref _applied) >= Volatile.Read(ref _awaited);

    /// <summary>Hands over committed entries, in order. The owner.</summary>
    public void Enqueue(List<Entry> entries)
    {
        foreach (Entry entry in entries)
        {
            _committed.Enqueue(new Work(entry, null));
        }

        if (entries.Count > 0)
        {
            Volatile.Write(ref _enqueued, (long)entries[^1].Index.Value);
        }
    }

    /// <summary>Hands over a snapshot that is durable; what is handed over later comes after it. The owner.</summary>
    public void Enqueue(Snapshot snapshot)
    {
        Interlocked.Increment(ref _snapshots);
        _committed.Enqueue(new Work(default, snapshot));
    }

    /// <summary>Asks for the state, to be sent with this message. The owner.</summary>
    public void Export(in Message message) => _exports.Enqueue(message);

    /// <summary>Asks for the state, for whoever wants a copy. Any thread.</summary>
    public void Export(TaskCompletionSource<ISnapshotContent> copy) => _copies.Enqueue(copy);

    /// <summary>Nobody gets a copy of the state any more. Any thread.</summary>
    public void FailExports(EtcdError why)
    {
        while (_copies.TryDequeue(out TaskCompletionSource<ISnapshotContent>? copy))
        {
            copy.TrySetException(why.ToException());
        }
    }

    /// <summary>The owner waits for this index, for a reason of its own. The owner.</summary>
    public void Await(LogIndex index) => Volatile.Write(ref _awaited, (long)index.Value);

    /// <summary>The owner waits for no index. The owner.</summary>
    public void AwaitNothing() => Volatile.Write(ref _awaited, long.MaxValue);

    /// <summary>The next thing to tell raft, if it is at or before an index that is applied. The owner.</summary>
    public bool TryTakeNews(LogIndex applied, out ApplyNews news) =>
        _news.TryPeek(out news) && news.Index <= applied && _news.TryDequeue(out news);

    /// <summary>Answers those who wait for raft to hear of their change, when it will not hear of anything any more. Any thread.</summary>
    public void AnswerNews()
    {
        while (_news.TryDequeue(out ApplyNews news))
        {
            if (news.Answer is { } answer)
            {
                AnswerBatch.Post(parts.Completions, answer);
            }
        }
    }

    /// <summary>The state machine has work that it did not know of when it was last asked. Any thread.</summary>
    public void ExpectMaintenance() => _canMaintain = true;

    /// <summary>Does one step of the state machine's own work, if nobody is applying.</summary>
    /// <returns>When to call again, as <see cref="IStateMachine.Maintain"/> says.</returns>
    public TimeSpan Maintain()
    {
        if (!_canMaintain || !TryEnter())
        {
            return UntilNextInstall();
        }

        TimeSpan next = _machine.Maintain();
        AskForMaintenance();
        Leave();

        // Entries that came meanwhile found this thread inside and went away.
        return HasWork ? TimeSpan.Zero : Sooner(next, UntilNextInstall());
    }

    /// <summary>Applies what is there.</summary>
    /// <returns>Whether anything was done.</returns>
    public bool RunOnce()
    {
        bool any = false;
        // The second look after leaving: whoever enqueued in between found this thread inside and went away.
        while (HasWork && TryEnter())
        {
            while (ExportState() || ApplyBatch() || InstallSnapshot() || ReplaceState())
            {
                any = true;
            }

            Leave();
        }

        return any;
    }

    // Whoever has just called ExpectMaintenance has given its work to the machine before. It came before the fence, and the machine
    // tells of it, or behind it, and what it set stays.
    private void AskForMaintenance()
    {
        _canMaintain = false;
        Interlocked.MemoryBarrier();
        if (_machine.NeedsMaintenance)
        {
            _canMaintain = true;
        }
    }

    private bool HasWork => HasExports || (_committed.TryPeek(out Work work) && MayTake(work)) || MayReplace;

    private bool TryEnter() => Interlocked.CompareExchange(ref _running, 1, 0) == 0;

    // A full fence, and not a mere release: the next look at the queue must not be taken before others see the door open,
    // or an entry that came in between has no one to apply it.
    private void Leave() => Interlocked.Exchange(ref _running, 0);

    private bool ApplyBatch()
    {
        LogIndex last = default;
        long time = parts.Clock.GetTimestamp();
        int count = 0;
        ApplyNews? news = null;
        // A change of the membership ends its batch: raft is to know of it soon, and not before it is visible.
        while (count < BatchMax && news is null && _damage is null && _committed.TryPeek(out Work work) && work.Snapshot is null && MayTake(work))
        {
            _committed.TryDequeue(out work);
            count++;
            Entry entry = work.Entry;
            last = entry.Index;
            _appliedTerm = entry.Term;
            if (entry.Type == EntryType.Normal)
            {
                if (!TryApply(entry, out ApplyOutcome? outcome, out ulong requestId))
                {
                    return true;
                }

                Count(entry, outcome, ref time);
                Proposal? proposal = Settle(requestId, outcome);
                if (outcome is { IsBeyondQuota: true })
                {
                    RaiseNoSpace(last, proposal);
                }
                else if (proposal is not null)
                {
                    figures.Requests.Observe(proposal.Field, outcome!.Error is null, (time - proposal.Began) * _secondsPerTimestamp);
                    _done.Add(proposal);
                }
            }
            else
            {
                news = ApplyConfChange(entry);
            }
        }

        if (count == 0)
        {
            return false;
        }

        Publish(last);
        AskForMaintenance();
        if (news is { } told)
        {
            _news.Enqueue(told);
        }

        Volatile.Write(ref _applied, (long)last.Value);
        waiters.Release(last);
        AnswerBatch.Post(parts.Completions, _done);
        _done.Clear();
        return true;
    }

    private void Publish(LogIndex last)
    {
        long began = parts.Clock.GetTimestamp();
        _machine.Publish(last);
        figures.Commits.Observe(parts.Clock.GetElapsedTime(began));
    }

    /// <summary>Counts what an entry took; the time at its end is that of the next one's beginning.</summary>
    private void Count(in Entry entry, ApplyOutcome? outcome, ref long time)
    {
        if (outcome is null)
        {
            return;
        }

        long now = parts.Clock.GetTimestamp();
        double took = (now - time) * _secondsPerTimestamp;
        time = now;
        // To have come too late for a compaction is no failure, as in etcd.
        bool succeeded = outcome.Error is null || outcome.Error == EtcdErrors.Compacted;
        figures.Applies.Observe(CommandReader.PeekField(entry.Data.Span), succeeded, took);
        if (took > SlowApply)
        {
            figures.CountSlowApply();
        }
    }

    private ApplyNews ApplyConfChange(in Entry entry)
    {
        Invariant.Check(entry.Type == EntryType.ConfChange, "the log holds no change of several members at once");
        ApplyOutcome outcome = _machine.ApplyConfChange(entry, out ulong requestId, out ConfChange change);
        return new ApplyNews(entry.Index, change, Settle(requestId, outcome));
    }

    /// <summary>
    /// Not for what is replayed: what was beyond the quota then led to an alarm then, and may have been lowered since.
    /// </summary>
    private void RaiseNoSpace(LogIndex index, Proposal? proposal)
    {
        if (index > _recoveredThrough)
        {
            noSpace.RaiseSoon(proposal);
        }
    }

    private Proposal? Settle(ulong requestId, ApplyOutcome? outcome)
    {
        if (requestId == 0 || outcome is null || !pending.TryTake(requestId, out Proposal proposal))
        {
            return null;
        }

        proposal.Settle(outcome);
        return proposal;
    }

    private bool ExportState()
    {
        if (_damage is not null)
        {
            FailExports(EtcdErrors.Corrupt);
            return false;
        }

        LogIndex applied = Applied;
        if (_copies.TryDequeue(out TaskCompletionSource<ISnapshotContent>? copy))
        {
            ISnapshotContent state = parts.State.Export(applied, _appliedTerm);
            if (!copy.TrySetResult(state))
            {
                state.Dispose();
            }

            return true;
        }

        if (!_exports.TryDequeue(out Message message))
        {
            return false;
        }

        Invariant.Check(message.Snapshot is { } asked && asked.Index <= applied, "what is sent is not older than what raft counts on");
        ISnapshotContent content = parts.State.Export(applied, _appliedTerm);
        var snapshot = new Snapshot(applied, _appliedTerm, parts.State.Configuration, parts.State.MembershipData);
        parts.Peers.SendSnapshot(message with { Snapshot = snapshot }, content);
        return true;
    }

    /// <summary>An entry, or a snapshot in the place of many.</summary>
    private readonly record struct Work(Entry Entry, Snapshot? Snapshot);
}
