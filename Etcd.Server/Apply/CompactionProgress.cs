namespace Etcd.Server.Apply;

/// <summary>
/// Tells those who asked for a physical compaction when its work is done. <see cref="Advance"/> belongs to the apply thread;
/// anyone may wait.
/// </summary>
public sealed class CompactionProgress
{
    private readonly Lock _gate = new();
    private readonly PriorityQueue<TaskCompletionSource, long> _waiting = new();
    private long _finished = -1;

    /// <summary>Completes when the compaction of a revision, or of a later one, is done.</summary>
    /// <param name="revision">The revision that was compacted.</param>
    public Task WhenFinished(long revision)
    {
        lock (_gate)
        {
            if (_finished >= revision)
            {
                return Task.CompletedTask;
            }

            var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue(waiter, revision);
            return waiter.Task;
        }
    }

    /// <summary>The work is done up to a revision.</summary>
    /// <param name="revision">The revision of the last compaction that is done.</param>
    public void Advance(long revision)
    {
        lock (_gate)
        {
            _finished = Math.Max(_finished, revision);
            while (_waiting.TryPeek(out TaskCompletionSource? waiter, out long wanted) && wanted <= _finished)
            {
                _waiting.Dequeue();
                waiter.TrySetResult();
            }
        }
    }
}
