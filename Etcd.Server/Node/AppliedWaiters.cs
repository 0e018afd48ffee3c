using Etcd.Protocol.Errors;
using Etcd.Server.Primitives;

namespace Etcd.Server.Node;

/// <summary>
/// Reads and others that wait for an index to be applied. All that wait for the same index share one place. Thread safe; the
/// lock is held for a few instructions only.
/// </summary>
internal sealed class AppliedWaiters(ICompletions completions)
{
    private readonly Lock _gate = new();
    private readonly PriorityQueue<Waiter, ulong> _waiting = new();
    private Waiter? _newest;

    /// <summary>A task that completes when <see cref="Release"/> reaches the index.</summary>
    public Task WaitFor(LogIndex index)
    {
        lock (_gate)
        {
            Waiter waiter = At(index);
            waiter.Task ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return waiter.Task.Task;
        }
    }

    /// <summary>Answers a read when <see cref="Release"/> reaches the index.</summary>
    public void Add(LogIndex index, IRead read)
    {
        lock (_gate)
        {
            At(index).Reads.Add(read);
        }
    }

    /// <summary>Answers reads when <see cref="Release"/> reaches the index.</summary>
    public void Add(LogIndex index, List<IRead> reads)
    {
        lock (_gate)
        {
            At(index).Reads.AddRange(reads);
        }
    }

    /// <summary>Everything up to this index is visible.</summary>
    public void Release(LogIndex applied)
    {
        while (TakeFirst(applied) is { } waiter)
        {
            AnswerBatch.Post(completions, waiter.Reads);
            waiter.Task?.TrySetResult();
        }
    }

    /// <summary>Answers the reads whose deadline is before a timestamp.</summary>
    public void Expire(long before)
    {
        List<IRead> expired = [];
        lock (_gate)
        {
            foreach ((Waiter waiter, _) in _waiting.UnorderedItems)
            {
                waiter.Reads.RemoveAll(read => read.Expire(before, EtcdErrors.TimeoutWaitAppliedIndex, expired));
            }
        }

        AnswerBatch.Post(completions, expired);
    }

    /// <summary>Nobody will be released any more.</summary>
    public void Fail(EtcdError why)
    {
        while (TakeFirst(new LogIndex(ulong.MaxValue)) is { } waiter)
        {
            waiter.Reads.ForEach(read => read.Error = why);
            AnswerBatch.Post(completions, waiter.Reads);
            waiter.Task?.TrySetException(why.ToException());
        }
    }

    private Waiter At(LogIndex index)
    {
        if (_newest is { } newest && newest.Index == index)
        {
            return newest;
        }

        var waiter = new Waiter(index);
        _waiting.Enqueue(waiter, index.Value);
        _newest = waiter;
        return waiter;
    }

    private Waiter? TakeFirst(LogIndex applied)
    {
        lock (_gate)
        {
            if (!_waiting.TryPeek(out Waiter? waiter, out _) || waiter.Index > applied)
            {
                return null;
            }

            _waiting.Dequeue();
            if (ReferenceEquals(_newest, waiter))
            {
                _newest = null;
            }

            return waiter;
        }
    }

    private sealed class Waiter(LogIndex index)
    {
        public LogIndex Index { get; } = index;

        public List<IRead> Reads { get; } = [];

        public TaskCompletionSource? Task { get; set; }
    }
}
