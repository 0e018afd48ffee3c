using System.Diagnostics.CodeAnalysis;

namespace Etcd.Server.Watch;

/// <summary>
/// One gRPC Watch call: requests go in, in the order in which the client sent them; responses come out, in the order in
/// which they must be sent. Requests are queued, and answered by who has the hub's turn (<see cref="Submit"/>), so every member below may
/// be called from any thread and waits for nobody; requests by one thread at a time, <see cref="TryTake"/> by one thread at a time.
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
    private readonly Queue<WatchShare> _queue = new();
    private WatchShare _opened;
    private long _pendingBytes;

    // Of the past, since the client had last taken all of it.
    private long _pastBytes;

    // What is still to be taken before the stream is given more of the past; zero if nobody waits for that.
    private long _untilShareTaken;
    private int _pendingAnswers;
    private bool _shareTaken;
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

    /// <summary>
    /// Sees to it that what was asked for is carried out: by this thread if nobody has the hub's turn, else by the hub's own. To be
    /// called after one or more of the requests below, without which they wait until something else happens.
    /// </summary>
    public void Submit() => _hub.Submit();

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
        WatchShare share;
        bool roomAgain;
        lock (_gate)
        {
            if (!TryTakeShare(1, out share))
            {
                _takerWaits = !_closed;
                batch = null;
                return false;
            }

            roomAgain = HasRoomAgain();
        }

        batch = share.ToBatch();
        Taken(batch.AnswersRequest ? 1 : 0, roomAgain);
        return true;
    }

    /// <summary>Takes what is to be sent next, in stretches of equal responses.</summary>
    /// <param name="bytesMax">Stop after the response that exceeds this.</param>
    /// <param name="into">Receives the responses.</param>
    /// <returns>False if there is nothing now; <see cref="IWatchOutput.OnAvailable"/> will tell when there is.</returns>
    internal bool TryTakeMany(int bytesMax, List<WatchShare> into)
    {
        int answers = 0;
        bool roomAgain;
        lock (_gate)
        {
            for (long left = bytesMax; left > 0 && TryTakeShare(left, out WatchShare share);)
            {
                into.Add(share);
                left -= share.PendingBytes;
                answers += share.Single is { AnswersRequest: true } ? 1 : 0;
            }

            if (into.Count == 0)
            {
                _takerWaits = !_closed;
                return false;
            }

            roomAgain = HasRoomAgain();
        }

        Taken(answers, roomAgain);
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
            _opened = default;
            _pendingBytes = 0;
        }

        _hub.PostClose(this);
    }

    // What follows is used under the hub's turn.

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

    /// <summary>It is given nothing of the past until its client has taken what it has.</summary>
    internal bool HasItsShare { get; set; }

    /// <summary>When its present share of the past began, in ticks of the clock; null if it has none.</summary>
    internal long? ShareBegan { get; set; }

    /// <summary>The hub's revision then.</summary>
    internal long ShareRevision { get; set; }

    /// <summary>Queues the answer to a request; there is always room.</summary>
    internal void Answer(WatchBatch batch)
    {
        lock (_gate)
        {
            Append(new WatchShare(batch));
        }

        _hub.TellLater(this);
    }

    /// <summary>Queues a response unless the queue is full, in which case the stream counts as full until it was emptied.</summary>
    internal bool TryOffer(WatchBatch batch)
    {
        lock (_gate)
        {
            if (!_closed && !HasRoom(batch.PendingBytes))
            {
                return false;
            }

            Append(new WatchShare(batch));
        }

        _hub.TellLater(this);
        return true;
    }

    /// <summary>Queues the parts of one response, all or none.</summary>
    internal bool TryOffer(List<WatchBatch> parts)
    {
        lock (_gate)
        {
            if (!_closed && !HasRoom(parts.Sum(p => (long)p.PendingBytes)))
            {
                return false;
            }

            foreach (WatchBatch part in parts)
            {
                Append(new WatchShare(part));
            }
        }

        _hub.TellLater(this);
        return true;
    }

    /// <summary>
    /// Queues the parts of a response of the past, all or none: none as well if the stream has been given its share of them, until that was
    /// taken.
    /// </summary>
    internal bool TryOfferPast(List<WatchBatch> parts, int shareBytes)
    {
        long bytes = parts.Sum(p => (long)p.PendingBytes);
        lock (_gate)
        {
            if (!_closed && !HasRoom(bytes))
            {
                return false;
            }

            _pastBytes = _pendingBytes == 0 ? bytes : _pastBytes + bytes;
            if (!_closed && _pastBytes > shareBytes && _pastBytes > bytes)
            {
                _untilShareTaken = _pendingBytes;
                return false;
            }

            foreach (WatchBatch part in parts)
            {
                Append(new WatchShare(part));
            }
        }

        _hub.TellLater(this);
        return true;
    }

    /// <summary>Queues the same events for several watches, for as many of them as there is room.</summary>
    /// <param name="run">The events.</param>
    /// <param name="revision">The revision for the headers.</param>
    /// <param name="ids">The watches; not changed any more.</param>
    /// <returns>For how many of them, the first ones; the others find the stream full.</returns>
    internal int TryOffer(EventRun run, long revision, long[] ids)
    {
        int each = WatchShare.PendingBytesOf(run);
        int fit;
        lock (_gate)
        {
            if (_closed)
            {
                return ids.Length;
            }

            fit = HasRoom(each) ? (int)Math.Clamp((_pendingBytesMax - _pendingBytes) / each, 1, ids.Length) : 0;
            if (fit > 0)
            {
                Append(new WatchShare(run, revision, ids, 0, fit));
            }

            _full |= fit < ids.Length;
        }

        _hub.TellLater(this);
        return fit;
    }

    /// <summary>A request needs no answer after all.</summary>
    internal void DropAnswer() => Interlocked.Decrement(ref _pendingAnswers);

    /// <summary>Tells the taker that there is something, if it waits for that.</summary>
    internal void Tell()
    {
        lock (_gate)
        {
            if (!_takerWaits || (_opened.Count == 0 && _queue.Count == 0))
            {
                return;
            }

            _takerWaits = false;
        }

        _output.OnAvailable();
    }

    /// <summary>Whether the hub has it on the list of those that are to be told.</summary>
    internal bool IsToBeTold { get; set; }

    /// <summary>Takes responses that are equal but for the watch: as many as stay below the bound, and one more.</summary>
    private bool TryTakeShare(long bytesMax, out WatchShare share)
    {
        if (_opened.Count == 0 && !_queue.TryDequeue(out _opened))
        {
            share = default;
            return false;
        }

        int count = (int)Math.Min(_opened.Count, ((bytesMax - 1) / _opened.PendingBytesEach) + 1);
        share = _opened.Take(count);
        _opened = count < _opened.Count ? _opened.Skip(count) : default;
        _pendingBytes -= share.PendingBytes;
        _shareTaken |= _untilShareTaken > 0 && (_untilShareTaken -= share.PendingBytes) <= 0;
        return true;
    }

    private bool HasRoomAgain()
    {
        bool roomAgain = _full && _pendingBytes <= _pendingBytesMax / 2;
        _full &= !roomAgain;
        if (_shareTaken)
        {
            _shareTaken = false;
            _untilShareTaken = 0;
            _pastBytes = 0;
            roomAgain = true;
        }

        return roomAgain;
    }

    private void Taken(int answers, bool roomAgain)
    {
        if (answers > 0)
        {
            Interlocked.Add(ref _pendingAnswers, -answers);
        }

        if (roomAgain)
        {
            _hub.PostResume(this);
        }
    }

    // One response always fits into an empty queue, however large: it could never be sent otherwise.
    private bool HasRoom(long bytes)
    {
        _full |= _pendingBytes > 0 && _pendingBytes + bytes > _pendingBytesMax;
        return !_full;
    }

    private void Append(in WatchShare share)
    {
        if (!_closed)
        {
            _queue.Enqueue(share);
            _pendingBytes += share.PendingBytes;
        }
    }
}
