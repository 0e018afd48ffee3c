using System.Diagnostics.CodeAnalysis;

namespace Etcd.Server.Watch;

/// <summary>
/// One gRPC Watch call: requests go in, in the order in which the client sent them; responses come out, in the order in
/// which they must be sent. Requests are answered later, by the thread that drives the hub, so every member below may be
/// called from any thread and returns at once; requests by one thread at a time, <see cref="TryTake"/> by one thread at a time.
/// </summary>
/// <remarks>
/// Promises: a watch's "created" comes before its events; its events come in order of revision, none twice, none left out,
/// all of one revision in one response (or in consecutive fragments); a progress response never names a revision of which
/// events are still to come; nothing comes for a watch after its "canceled".
/// </remarks>
public sealed class WatchStream
{
    /// <summary>
    /// Requests whose answers the client has not taken. Beyond: the reader of the client's requests waits until
    /// <see cref="PendingAnswers"/> has fallen, or a client that only asks would fill the memory (etcd stops reading likewise).
    /// </summary>
    public const int PendingAnswersMax = 128;

    private readonly WatchHub _hub;
    private readonly IWatchOutput _output;
    private readonly int _pendingBytesMax;
    private readonly Lock _gate = new();
    private readonly Queue<WatchBatch> _queue = new();
    private long _pendingBytes;
    private int _pendingAnswers;
    private bool _full;
    private bool _takerWaits;
    private bool _closed;

    internal WatchStream(WatchHub hub, IWatchOutput output, int pendingBytesMax)
    {
        _hub = hub;
        _output = output;
        _pendingBytesMax = pendingBytesMax;
    }

    /// <summary>Create and cancel requests that are not answered, or whose answer was not taken yet.</summary>
    public int PendingAnswers => Volatile.Read(ref _pendingAnswers);

    /// <summary>Starts a watch. Answered by "created", which also refuses it where etcd does.</summary>
    /// <param name="request">The client's request; its memory may be reused when this returns.</param>
    public void Create(in WatchCreate request)
    {
        Interlocked.Increment(ref _pendingAnswers);
        _hub.PostCreate(this, request);
    }

    /// <summary>
    /// Answers a create request that the caller refuses, for lack of permission: created and canceled at once, with watch
    /// id -1. A negative start revision comes first in etcd's order, so such a request is refused by <see cref="Create"/>.
    /// </summary>
    /// <param name="reason">The response's cancel_reason.</param>
    public void Refuse(string reason)
    {
        Interlocked.Increment(ref _pendingAnswers);
        _hub.PostRefuse(this, reason);
    }

    /// <summary>Ends a watch. Answered by "canceled" if it exists, else not at all.</summary>
    /// <param name="watchId">The watch.</param>
    public void Cancel(long watchId)
    {
        Interlocked.Increment(ref _pendingAnswers);
        _hub.PostCancel(this, watchId);
    }

    /// <summary>
    /// Asks how far the stream has come. Answered by a response with watch id -1 if none of its watches lags and there is
    /// one; else not at all, as in etcd.
    /// </summary>
    public void RequestProgress()
    {
        Interlocked.Increment(ref _pendingAnswers);
        _hub.PostProgress(this);
    }

    /// <summary>Takes the next response to send.</summary>
    /// <param name="batch">The response.</param>
    /// <returns>False if there is none now; <see cref="IWatchOutput.OnAvailable"/> will tell when there is.</returns>
    public bool TryTake([NotNullWhen(true)] out WatchBatch? batch)
    {
        bool roomAgain;
        lock (_gate)
        {
            if (!_queue.TryDequeue(out batch))
            {
                _takerWaits = !_closed;
                return false;
            }

            _pendingBytes -= batch.PendingBytes;
            roomAgain = _full && _pendingBytes <= _pendingBytesMax / 2;
            _full &= !roomAgain;
        }

        if (batch.AnswersRequest)
        {
            Interlocked.Decrement(ref _pendingAnswers);
        }

        if (roomAgain)
        {
            _hub.PostResume(this);
        }

        return true;
    }

    /// <summary>The call is over: all its watches end, and what was not taken is dropped. Harmless if repeated.</summary>
    public void Close()
    {
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }

            _closed = true;
            _queue.Clear();
            _pendingBytes = 0;
        }

        _hub.PostClose(this);
    }

    // What follows belongs to the hub's thread.

    /// <summary>The stream's watches by id.</summary>
    internal Dictionary<long, Watcher> Watchers { get; } = [];

    /// <summary>Watches that wait for room in the queue, those that have waited longest first.</summary>
    internal List<Watcher> Blocked { get; } = [];

    /// <summary>The id that the next watch gets if the client chooses none.</summary>
    internal long NextId { get; set; }

    internal long OpenedAt { get; init; }

    /// <summary>Time between progress notifications, in ticks of the clock, jitter included.</summary>
    internal long ProgressPeriod { get; init; }

    /// <summary>Whether the hub has carried out the close; later requests are without effect.</summary>
    internal bool HasEnded { get; set; }

    /// <summary>Tells streams apart whose progress is due at the same time.</summary>
    internal long Ordinal { get; init; }

    /// <summary>When the next progress notification is due, in ticks of the clock; null without a watch that wants it.</summary>
    internal long? ProgressDueAt { get; set; }

    internal int ProgressWatchers { get; set; }

    /// <summary>Queues the answer to a request; there is always room.</summary>
    internal void Answer(WatchBatch batch) => Enqueue(batch, mustFit: false);

    /// <summary>Queues a response unless the queue is full, in which case the stream counts as full until it was emptied.</summary>
    internal bool TryOffer(WatchBatch batch) => Enqueue(batch, mustFit: true);

    /// <summary>Queues the parts of one response, all or none.</summary>
    internal bool TryOffer(List<WatchBatch> parts)
    {
        bool wasWaiting;
        lock (_gate)
        {
            if (!_closed && !HasRoom(parts.Sum(p => (long)p.PendingBytes)))
            {
                return false;
            }

            foreach (WatchBatch part in parts)
            {
                Append(part);
            }

            wasWaiting = StopWaiting();
        }

        Notify(wasWaiting);
        return true;
    }

    /// <summary>A request needs no answer after all.</summary>
    internal void DropAnswer() => Interlocked.Decrement(ref _pendingAnswers);

    private bool Enqueue(WatchBatch batch, bool mustFit)
    {
        bool wasWaiting;
        lock (_gate)
        {
            if (!_closed && mustFit && !HasRoom(batch.PendingBytes))
            {
                return false;
            }

            Append(batch);
            wasWaiting = StopWaiting();
        }

        Notify(wasWaiting);
        return true;
    }

    // One response always fits into an empty queue, however large: it could never be sent otherwise.
    private bool HasRoom(long bytes)
    {
        _full |= _pendingBytes > 0 && _pendingBytes + bytes > _pendingBytesMax;
        return !_full;
    }

    private void Append(WatchBatch batch)
    {
        if (!_closed)
        {
            _queue.Enqueue(batch);
            _pendingBytes += batch.PendingBytes;
        }
    }

    private bool StopWaiting()
    {
        bool waited = _takerWaits && _queue.Count > 0;
        _takerWaits &= !waited;
        return waited;
    }

    private void Notify(bool takerWaited)
    {
        if (takerWaited)
        {
            _output.OnAvailable();
        }
    }
}
