using System.Threading.Tasks.Sources;

namespace Etcd.Client;

/// <summary>
/// What a watch has to tell and its reader has not taken yet. The hub adds, under its lock; one reader at a time takes, from any
/// thread. A wait allocates nothing and is never ended on the thread that adds: readers run the application's code.
/// </summary>
/// <param name="eventsMax">Events from which on there is no room.</param>
/// <param name="bytesMax">Bytes from which on there is no room.</param>
/// <param name="wakes">Lets the reader go on.</param>
internal sealed class BatchQueue(int eventsMax, long bytesMax, ReaderWakes wakes) : IValueTaskSource<EtcdWatchBatch?>
{
    private readonly Lock _gate = new();
    private readonly Queue<EtcdWatchBatch> _batches = [];

    // Invariant: whoever clears _readerWaits sets the outcome and has the reader woken, once; the reader alone begins the next wait.
    private ManualResetValueTaskSourceCore<EtcdWatchBatch?> _wait;
    private bool _readerWaits;
    private EtcdWatchBatch? _outcome;
    private Exception? _outcomeFailure;
    private int _events;
    private long _bytes;
    private bool _isPaused;
    private bool _hasEnded;
    private Exception? _failure;
    private OperationCanceledException? _cancelled;

    /// <summary>Whether it was full, and the reader has not taken half of it since.</summary>
    public bool IsPaused
    {
        get
        {
            lock (_gate)
                return _isPaused;
        }
    }

    /// <summary>Whether there is room for more; where there is none it is paused from now on.</summary>
    public bool HasRoom()
    {
        lock (_gate)
        {
            _isPaused = _events >= eventsMax || _bytes >= bytesMax;
            return !_isPaused;
        }
    }

    /// <summary>Adds a batch, or hands it to the reader that waits. Nothing happens after the end.</summary>
    public void Add(EtcdWatchBatch batch)
    {
        lock (_gate)
        {
            if (_hasEnded)
                return;
            if (!_readerWaits)
            {
                _batches.Enqueue(batch);
                _events += Weight(batch);
                _bytes += batch.Bytes;
                return;
            }

            Settle(batch, null);
        }

        wakes.Add(this);
    }

    /// <summary>Nothing is added any more. The reader gets what is there, and then the failure, or null where there is none.</summary>
    public void End(Exception? failure)
    {
        lock (_gate)
        {
            if (_hasEnded)
                return;
            _hasEnded = true;
            _failure = failure;
            if (!_readerWaits)
                return;
            Settle(null, failure);
        }

        wakes.Add(this);
    }

    /// <summary>The reader gives up: its read, and every later one, fails.</summary>
    public void CancelRead(CancellationToken cancellation)
    {
        var cancelled = new OperationCanceledException(cancellation);
        lock (_gate)
        {
            _cancelled = cancelled;
            if (!_readerWaits)
                return;
            Settle(null, cancelled);
        }

        wakes.Add(this);
    }

    /// <summary>The next batch; null behind the last one.</summary>
    /// <param name="caughtUp">Whether it was paused and has room again.</param>
    public ValueTask<EtcdWatchBatch?> ReadAsync(out bool caughtUp)
    {
        caughtUp = false;
        lock (_gate)
        {
            if (_cancelled is not null)
                return ValueTask.FromException<EtcdWatchBatch?>(_cancelled);
            if (_batches.TryDequeue(out EtcdWatchBatch? batch))
            {
                caughtUp = Release(batch);
                return new ValueTask<EtcdWatchBatch?>(batch);
            }

            if (_hasEnded)
                return _failure is null ? default : ValueTask.FromException<EtcdWatchBatch?>(_failure);
            _wait.Reset();
            _readerWaits = true;
            return new ValueTask<EtcdWatchBatch?>(this, _wait.Version);
        }
    }

    /// <summary>The reader goes on, on this thread, up to its next wait. For <see cref="ReaderWakes"/>.</summary>
    public void WakeReader()
    {
        (EtcdWatchBatch? outcome, Exception? failure) = (_outcome, _outcomeFailure);
        (_outcome, _outcomeFailure) = (null, null);
        if (failure is null)
            _wait.SetResult(outcome);
        else
            _wait.SetException(failure);
    }

    EtcdWatchBatch? IValueTaskSource<EtcdWatchBatch?>.GetResult(short token) => _wait.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<EtcdWatchBatch?>.GetStatus(short token) => _wait.GetStatus(token);

    void IValueTaskSource<EtcdWatchBatch?>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wait.OnCompleted(continuation, state, token, flags);

    private void Settle(EtcdWatchBatch? outcome, Exception? failure)
    {
        _readerWaits = false;
        _outcome = outcome;
        _outcomeFailure = failure;
    }

    private static int Weight(EtcdWatchBatch batch) => Math.Max(1, batch.Events.Count);

    private bool Release(EtcdWatchBatch batch)
    {
        _events -= Weight(batch);
        _bytes -= batch.Bytes;
        bool caughtUp = _isPaused && _events <= eventsMax / 2 && _bytes <= bytesMax / 2;
        if (caughtUp)
            _isPaused = false;
        return caughtUp;
    }
}
