using Etcd.Server.Primitives;

namespace Etcd.Server.Node;

/// <summary>
/// Reads that wait for an index to be applied. All that wait for the same index share one completion. Thread safe; the
/// lock is held for a few instructions only.
/// </summary>
internal sealed class AppliedWaiters
{
    private readonly Lock _gate = new();
    private readonly PriorityQueue<Waiter, ulong> _waiting = new();
    private Waiter? _newest;

    /// <summary>A task that completes when <see cref="Release"/> reaches the index.</summary>
    public Task WaitFor(LogIndex index)
    {
        lock (_gate)
        {
            if (_newest is { } newest && newest.Index == index)
            {
                return newest.Task;
            }

            var waiter = new Waiter(index);
            _waiting.Enqueue(waiter, index.Value);
            _newest = waiter;
            return waiter.Task;
        }
    }

    /// <summary>Everything up to this index is visible.</summary>
    public void Release(LogIndex applied)
    {
        while (true)
        {
            Waiter waiter;
            lock (_gate)
            {
                if (!_waiting.TryPeek(out waiter!, out _) || waiter.Index > applied)
                {
                    return;
                }

                _waiting.Dequeue();
                if (ReferenceEquals(_newest, waiter))
                {
                    _newest = null;
                }
            }

            waiter.TrySetResult();
        }
    }

    /// <summary>Nobody will be released any more.</summary>
    public void Fail(Exception why)
    {
        lock (_gate)
        {
            while (_waiting.TryDequeue(out Waiter? waiter, out _))
            {
                waiter.TrySetException(why);
            }

            _newest = null;
        }
    }

    private sealed class Waiter(LogIndex index) : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public LogIndex Index { get; } = index;
    }
}
