using Etcd.Server.Storage;

namespace Etcd.Server.Watch;

/// <summary>
/// Hands the store's changes to everyone who watches. A step machine: the apply thread leaves committed events in an inbox,
/// streams leave requests in a queue, and one thread that is started elsewhere calls <see cref="RunOnce"/>, which alone
/// touches watchers, ring and indexes.
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
    private List<StoreEvent> _taken = [];
    private long _revision;
    private long _ordinal;
    private int _woken;

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
        _inbox = new CommitInbox(_revision, _options.RingEventsMax, _options.RingBytesMax);
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
        _inbox.Add(events, revision);
        if (_inbox.HasListeners)
        {
            Signal();
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
    /// a time.
    /// </summary>
    /// <returns>
    /// When to call again unless woken before: zero if work is left, else the time to the next progress notification,
    /// <see cref="Timeout.InfiniteTimeSpan"/> if none is due.
    /// </returns>
    public TimeSpan RunOnce()
    {
        Interlocked.Exchange(ref _woken, 0);
        TakeCommitted();
        bool more = RunRequests();
        TimeSpan untilProgress = RunProgressTimers();
        more |= CatchUpSlice();
        Statistics.SetWatchers(_synced.Count, _behind.Count + _blockedCount);
        return more ? TimeSpan.Zero : untilProgress;
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
        bool complete = _inbox.Take(ref _taken, out long revision);
        if (!complete)
        {
            LoseTrack(revision);
        }
        else if (_taken.Count > 0)
        {
            Dispatch(_taken);
        }

        _revision = revision;
        _taken.Clear();
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
