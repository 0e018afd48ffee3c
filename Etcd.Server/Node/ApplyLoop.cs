using System.Collections.Concurrent;
using Etcd.Server.Apply;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Node;

/// <summary>
/// Takes committed entries to the state machine, makes them visible batch by batch, and completes the requests that
/// waited for them. A step machine: <see cref="RunOnce"/> does what is there and returns. Entries come from the log
/// thread; <see cref="RunOnce"/> may be called by any thread, and one that finds another inside returns at once.
/// After an exception nobody gets in any more: what follows an entry that could not be applied must not be applied.
/// </summary>
internal sealed class ApplyLoop(
    IStateMachine machine, PendingRequests pending, AppliedWaiters waiters, ICompletions completions, LogIndex applied)
{
    /// <summary>
    /// Entries per publication. Bounds how long a reader or a watcher waits for a change that is already applied; one
    /// publication per entry would copy index nodes for each.
    /// </summary>
    private const int BatchMax = 1024;

    private readonly ConcurrentQueue<Entry> _committed = new();
    private readonly List<Proposal> _done = new(BatchMax);
    private long _applied = (long)applied.Value;
    private int _running;
    private volatile bool _canMaintain = machine.NeedsMaintenance;

    /// <summary>The last index that readers can see.</summary>
    public LogIndex Applied => new((ulong)Volatile.Read(ref _applied));

    /// <summary>Whether nothing waits and nobody is inside.</summary>
    public bool IsIdle => _committed.IsEmpty && Volatile.Read(ref _running) == 0;

    /// <summary>Hands over committed entries, in order.</summary>
    public void Enqueue(List<Entry> entries)
    {
        foreach (Entry entry in entries)
        {
            _committed.Enqueue(entry);
        }
    }

    /// <summary>Whether <see cref="Maintain"/> may have something to do.</summary>
    public bool CanMaintain => _canMaintain;

    /// <summary>Does one step of the state machine's own work, if nobody is applying.</summary>
    /// <returns>When to call again, as <see cref="IStateMachine.Maintain"/> says.</returns>
    public TimeSpan Maintain()
    {
        if (!_canMaintain || !TryEnter())
        {
            return Timeout.InfiniteTimeSpan;
        }

        TimeSpan next = machine.Maintain();
        _canMaintain = machine.NeedsMaintenance;
        Leave();

        // Entries that came meanwhile found this thread inside and went away.
        return _committed.IsEmpty ? next : TimeSpan.Zero;
    }

    /// <summary>Applies what is there.</summary>
    /// <returns>Whether anything was done.</returns>
    public bool RunOnce()
    {
        bool any = false;
        // The second look after leaving: whoever enqueued in between found this thread inside and went away.
        while (!_committed.IsEmpty && TryEnter())
        {
            while (ApplyBatch())
            {
                any = true;
            }

            Leave();
        }

        return any;
    }

    private bool TryEnter() => Interlocked.CompareExchange(ref _running, 1, 0) == 0;

    // A full fence, and not a mere release: the next look at the queue must not be taken before others see the door open,
    // or an entry that came in between has no one to apply it.
    private void Leave() => Interlocked.Exchange(ref _running, 0);

    private bool ApplyBatch()
    {
        LogIndex last = default;
        int count = 0;
        while (count < BatchMax && _committed.TryDequeue(out Entry entry))
        {
            count++;
            last = entry.Index;
            ApplyOutcome? outcome = machine.Apply(in entry, out ulong requestId);
            if (requestId != 0 && outcome is not null && pending.TryTake(requestId, out Proposal proposal))
            {
                proposal.Outcome = outcome;
                _done.Add(proposal);
            }
        }

        if (count == 0)
        {
            return false;
        }

        machine.Publish(last);
        _canMaintain = machine.NeedsMaintenance;
        Volatile.Write(ref _applied, (long)last.Value);
        waiters.Release(last);
        Complete();
        return true;
    }

    private void Complete()
    {
        CompletionBatch? batch = null;
        foreach (Proposal proposal in _done)
        {
            batch ??= new CompletionBatch();
            batch.Add(proposal);
            if (batch.IsFull)
            {
                completions.Post(batch);
                batch = null;
            }
        }

        if (batch is not null)
        {
            completions.Post(batch);
        }

        _done.Clear();
    }
}
