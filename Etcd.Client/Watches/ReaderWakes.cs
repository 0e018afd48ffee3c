using System.Collections.Concurrent;

namespace Etcd.Client;

/// <summary>
/// Lets the readers of many watches go on, on threads of the pool. One put may concern thousands of watches: a work item for each of
/// them would cost more than the event itself, so that one item goes on with whoever is ready. Readers run the application's code,
/// which may block: while others are ready, another item always stands by for them.
/// </summary>
internal sealed class ReaderWakes : IThreadPoolWorkItem
{
    // Then the pool gets its thread back, for others who want one.
    private const int AtOnceMax = 64;

    private readonly ConcurrentQueue<BatchQueue> _ready = new();

    // Whether an item is on its way that has not begun: it will see all that was added before.
    private int _requested;

    /// <summary>The queue's reader is to go on. Nothing of it runs on this thread.</summary>
    public void Add(BatchQueue queue)
    {
        _ready.Enqueue(queue);
        Request();
    }

    void IThreadPoolWorkItem.Execute()
    {
        Interlocked.Exchange(ref _requested, 0);
        for (int i = 0; i < AtOnceMax && _ready.TryDequeue(out BatchQueue? next); i++)
        {
            if (!_ready.IsEmpty)
                Request();
            next.WakeReader();
        }

        if (!_ready.IsEmpty)
            Request();
    }

    private void Request()
    {
        if (Interlocked.Exchange(ref _requested, 1) == 0)
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }
}
