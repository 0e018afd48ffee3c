using System.Runtime.ExceptionServices;
using Etcd.Server.Storage;

namespace Etcd.Server.Watch;

/// <summary>
/// Hands the store's changes to everyone who watches. A step machine: the apply thread leaves committed events in an inbox,
/// streams leave requests in a queue, and whoever has the turn touches watchers, ring and indexes: the thread that is started
/// elsewhere and calls <see cref="RunOnce"/>, or a client's, which carries out requests if nobody else is at it.
/// </summary>
/// <remarks>
/// <para>An event goes to synced watchers through an index, costs what matches it, and is shared among them. A watcher that
/// starts in the past, whose stream is full, or that lost its place because the inbox overflowed, reads what it lacks, in
/// slices shared with others that need the same revisions, from the ring of newest events or from the store, until it is
/// synced again. So apply never waits for a watcher and memory is bounded whatever clients do.</para>
/// <para>A request is carried out only when the hub has reached the revision that readers could see when the request was
/// made; therefore a client that saw revision N gets an answer of N or later, and a watch that it creates then begins
/// after N.</para>
/// </remarks>
public sealed partial class WatchHub : IEventSink
{
    /// <summary>The watch id of responses that concern no single watch.</summary>
    public const long NoWatchId = -1;

    private readonly IEventHistory _history;
    private readonly TimeProvider _time;
    private readonly Action _wake;
    private readonly WatchHubOptions _options;
    private readonly CommitInbox _inbox;
    private readonly EventRing _ring;
    private readonly WatcherIndex _synced;
    private readonly WatcherIndex _behind;
    private readonly LinkedList<Watcher> _turns = [];
    private readonly Random _random;
    private readonly List<Interest> _hits = [];
    private readonly List<Interest> _touched = [];
    private readonly List<WatchStream> _toTell = [];
    private readonly Lock _turn = new();
    private ExceptionDispatchInfo? _failure;
    private long _revision;
    private long _ordinal;
    private int _woken;
    private bool _requestWaits;

    // Whether anybody wants to know at once: those that lag look for themselves when it is their turn.
    private bool _commitsAwaited;

    /// <summary>A hub without streams.</summary>
    /// <param name="history">The store's history.</param>
    /// <param name="time">The clock for progress notifications.</param>
    /// <param name="wake">
    /// Called, by any thread, when there is work and <see cref="RunOnce"/> may not be running; must return at once.
    /// </param>
    /// <param name="options">Bounds; null for the server's.</param>
    public WatchHub(IEventHistory history, TimeProvider time, Action wake, WatchHubOptions? options = null)
    {
        _history = history;
        _time = time;
        _wake = wake;
        _options = options ?? new WatchHubOptions();
        _random = new Random(_options.Seed);
        _revision = history.CurrentRevision;
        _inbox = new CommitInbox(_options.RingEventsMax, _options.RingBytesMax);
        _ring = new EventRing(_options.RingEventsMax, _options.RingBytesMax, _revision + 1);
        _synced = new WatcherIndex(_options.Seed);
        _behind = new WatcherIndex(_options.Seed + 1);
    }

    /// <summary>Figures for metrics; readable at any time.</summary>
    public WatchStatistics Statistics { get; } = new();

    /// <summary>Opens a stream for one Watch call. Any thread.</summary>
    /// <param name="output">Is told when there is something to send.</param>
    /// <returns>The stream, to be closed when the call ends.</returns>
    public WatchStream OpenStream(IWatchOutput output)
    {
        var stream = new WatchStream(this, output, _options.StreamPendingBytesMax)
        {
            Ordinal = Interlocked.Increment(ref _ordinal),
            OpenedAt = _time.GetTimestamp(),
            ProgressPeriod = NextProgressPeriod(),
        };
        Statistics.StreamOpened();
        _inbox.Listen(+1);
        Signal();
        return stream;
    }

    /// <inheritdoc/>
    public void OnCommitted(ReadOnlySpan<StoreEvent> events, long revision)
    {
        // To look twice costs more than to hand over what nobody wants.
        if (!_inbox.HasListeners)
        {
            HandOver(events, revision);
            return;
        }

        long preemptions = _options.ThreadPreemptions();
        long began = _time.GetTimestamp();
        HandOver(events, revision);
        TimeSpan held = _time.GetElapsedTime(began);
        if (_options.ThreadPreemptions() == preemptions)
        {
            Statistics.ApplyHeld.Observe(held);
        }
        else
        {
            Statistics.ApplyPreempted.Add();
        }
    }

    /// <inheritdoc/>
    /// <remarks>
    /// A snapshot was installed: watchers read on in its history from where they are, and end as compacted if that is no
    /// longer there.
    /// </remarks>
    public void OnStoreReplaced()
    {
        _inbox.Replaced(_history.CurrentRevision);
        Signal();
    }

    /// <summary>
    /// Does the next piece of work: new events, requests, due progress notifications, one slice of catch-up. One thread at
    /// a time; it may have to wait until a client's thread has carried out its requests.
    /// </summary>
    /// <returns>
    /// When to call again unless woken before: zero if work is left, else the time to the next progress notification or the end
    /// of a stream's rest, <see cref="Timeout.InfiniteTimeSpan"/> if neither is due.
    /// </returns>
    public TimeSpan RunOnce()
    {
        Interlocked.Exchange(ref _woken, 0);
        lock (_turn)
        {
            _failure?.Throw();
            TakeCommitted();
            TellStreams();
            bool more = RunRequests();
            TimeSpan untilProgress = RunProgressTimers();
            TellStreams();
            TimeSpan untilRested = EndRests();
            more |= CatchUpSlice();
            TellStreams();
            more |= EndTurn();
            return more ? TimeSpan.Zero : Sooner(untilProgress, untilRested);
        }
    }

    /// <summary>
    /// Carries out requests on the caller's thread, which saves the wake-up of another one, if nobody else is at it; else whoever
    /// is told to go on.
    /// </summary>
    internal void Submit()
    {
        // A lock would let its own thread in again, in the middle of what it does.
        if (_turn.IsHeldByCurrentThread || !_turn.TryEnter())
        {
            Signal();
            return;
        }

        bool more;
        try
        {
            WatchStream? nextBeat = _progressTimers.Min;
            more = _failure is null && (RunRequests() | FirstToServe() is not null | _progressTimers.Min != nextBeat);
            TellStreams();
            more |= EndTurn();
        }
        catch (Exception e)
        {
            // It is the member's end, not the client's.
            _failure = ExceptionDispatchInfo.Capture(e);
            more = true;
        }
        finally
        {
            _turn.Exit();
        }

        if (more)
        {
            Signal();
        }
    }

    /// <summary>
    /// A stream has something to send. It is told when the step is over: what is told at once is sent in as many pieces as there
    /// are events in the step.
    /// </summary>
    internal void TellLater(WatchStream stream)
    {
        if (stream.IsToBeTold)
        {
            return;
        }

        stream.IsToBeTold = true;
        _toTell.Add(stream);
        if (_toTell.Count == _options.StreamsToldTogetherMax)
        {
            TellStreams();
        }
    }

    private static TimeSpan Sooner(TimeSpan a, TimeSpan b) =>
        a == Timeout.InfiniteTimeSpan || (b != Timeout.InfiniteTimeSpan && b < a) ? b : a;

    private void TellStreams()
    {
        foreach (WatchStream stream in _toTell)
        {
            stream.IsToBeTold = false;
            stream.Tell();
        }

        _toTell.Clear();
    }

    /// <summary>Notes who is there now.</summary>
    /// <returns>Whether something has been committed of which those who came did not hear.</returns>
    private bool EndTurn()
    {
        Statistics.SetWatchers(_synced.Count, _behind.Count + _blockedCount);
        bool awaited = _synced.Count > 0 || _requestWaits;
        bool before = Interlocked.Exchange(ref _commitsAwaited, awaited);
        return awaited && !before && _inbox.HasGathered;
    }

    private void HandOver(ReadOnlySpan<StoreEvent> events, long revision)
    {
        bool isPlenty = _inbox.Add(events, revision);
        if (_inbox.HasListeners && (isPlenty || Volatile.Read(ref _commitsAwaited)))
        {
            Signal();
        }
    }

    private void Signal()
    {
        if (Interlocked.Exchange(ref _woken, 1) == 0)
        {
            _wake();
        }
    }

    private void TakeCommitted()
    {
        if (_inbox.Take() is not { } taken)
        {
            return;
        }

        if (taken.HasGap)
        {
            LoseTrack(taken.Revision);
        }
        else if (taken.Count > 0)
        {
            Dispatch(taken);
        }

        _revision = taken.Revision;
        _inbox.Return(taken);
    }

    /// <summary>Events up to <paramref name="revision"/> passed by unseen: whoever was synced must read them.</summary>
    private void LoseTrack(long revision)
    {
        if (revision > _revision)
        {
            foreach (Watcher watcher in _streams.SelectMany(s => s.Watchers.Values))
            {
                if (watcher.State == WatcherState.Synced && watcher.MinRevision <= revision)
                {
                    watcher.MinRevision = Math.Max(watcher.MinRevision, _revision + 1);
                    _synced.Remove(watcher);
                    Wait(watcher);
                }
            }
        }

        _ring.Reset(revision + 1);
    }
}
