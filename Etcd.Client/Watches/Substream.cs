using Etcd.Protocol.Etcdserverpb;

namespace Etcd.Client;

/// <summary>
/// One watch on a shared stream: where it goes on, and what its reader has not taken yet. The hub gives it responses under the hub's
/// lock; the reader takes batches from any thread.
/// </summary>
/// <remarks>
/// Invariant: batches that were queued tell of every revision from the start up to but not including <see cref="NextRevision"/>,
/// once and in order; so the watch can be started again at that revision at any time, however its stream ended.
/// </remarks>
internal sealed class Substream
{
    private readonly WatchHub _hub;
    private readonly EtcdRange _range;
    private readonly int _prefixLength;
    private readonly EtcdWatchOptions _options;
    private readonly BatchQueue _queue;
    private readonly TaskCompletionSource<long> _created = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private List<EtcdWatchEvent>? _fragments;

    public Substream(
        EtcdConnection connection, EtcdKey prefix, EtcdRange range, EtcdWatchOptions options, long startRevision, ulong clusterId)
    {
        _hub = connection.WatchHubs.For(options.RequireLeader);
        _range = range.Below(prefix);
        _prefixLength = prefix.Length;
        _options = options;
        _queue = new BatchQueue(
            options.BufferEvents ?? connection.Options.WatchBufferEvents,
            options.BufferBytes ?? connection.Options.WatchBufferBytes,
            _hub.ReaderWakes);
        NextRevision = startRevision;
        ClusterId = clusterId;
    }

    /// <summary>Its id on the stream that runs; 0 where it has none. The hub's.</summary>
    public long Id { get; set; }

    /// <summary>The revision at which it goes on; 0 for that of the moment in which a member takes it. The hub's.</summary>
    public long NextRevision { get; private set; }

    /// <summary>The cluster whose revisions it tells; 0 until a member has taken it. The hub's.</summary>
    public ulong ClusterId { get; private set; }

    /// <summary>Whether it was ended on the server until its reader has caught up.</summary>
    public bool IsPaused => _queue.IsPaused;

    /// <summary>The first revision that it can tell of, once a member has taken it.</summary>
    public Task<long> Created => _created.Task;

    public void Start() => _hub.Add(this);

    /// <summary>Ends it for good; the reader still gets what is queued.</summary>
    public void Stop()
    {
        _hub.Remove(this);
        End(null);
    }

    /// <summary>The next batch; null where the watch was stopped. One read at a time.</summary>
    public ValueTask<EtcdWatchBatch?> ReadAsync()
    {
        ValueTask<EtcdWatchBatch?> read = _queue.ReadAsync(out bool caughtUp);
        if (caughtUp)
            _hub.Resume(this);
        return read;
    }

    /// <summary>The reader gives up.</summary>
    public void CancelRead(CancellationToken cancellation) => _queue.CancelRead(cancellation);

    // What follows is called by the hub, under its lock.

    public WatchCreateRequest ToRequest()
    {
        // Progress is always asked for: it moves a silent watch's revision on, so that a compaction does not overtake it.
        var request = new WatchCreateRequest
        {
            WatchId = Id,
            Key = _range.Start.ToByteString(),
            StartRevision = NextRevision,
            PrevKv = _options.ReturnPrevious,
            ProgressNotify = true,
            Fragment = true,
        };
        if (!_range.IsSingle)
            request.RangeEnd = _range.End.ToByteString();
        if (_options.NoPuts)
            request.Filters.Add(WatchCreateRequest.Types.FilterType.Noput);
        if (_options.NoDeletes)
            request.Filters.Add(WatchCreateRequest.Types.FilterType.Nodelete);
        return request;
    }

    /// <summary>Whether a member of this cluster can go on with the watch. A proxy may leave the id out.</summary>
    public bool BelongsTo(ulong cluster) => cluster == ClusterId || cluster == 0 || ClusterId == 0;

    /// <summary>A member has taken the watch.</summary>
    /// <param name="cluster">The member's cluster.</param>
    /// <param name="revision">The store's revision then; a watch from now on begins behind it.</param>
    public void OnCreated(ulong cluster, long revision)
    {
        if (ClusterId == 0)
            ClusterId = cluster;
        if (NextRevision == 0)
            NextRevision = revision + 1;
        _created.TrySetResult(NextRevision);
    }

    /// <summary>The stream is gone; what had come of an incomplete response is void.</summary>
    public void Detach()
    {
        Id = 0;
        _fragments = null;
    }

    /// <summary>Takes a response with events.</summary>
    /// <returns>False, and the response counts as not received, where there is no room: the watch must be ended on the server.</returns>
    public bool TryTake(WatchNews news)
    {
        if (!_queue.HasRoom())
        {
            _fragments = null;
            return false;
        }

        if (news.Fragment || _fragments is not null)
        {
            (_fragments ??= []).AddRange(news.Events);
            if (news.Fragment)
                return true;
        }

        EtcdWatchEvent[] events = _fragments?.ToArray() ?? news.Events;
        _fragments = null;
        if (events.Length != 0)
            Queue(events);
        else
            OnProgress(news.Revision);
        return true;
    }

    /// <summary>All up to this revision was told.</summary>
    public void OnProgress(long revision)
    {
        // A watch that begins in the future stays there.
        if (_fragments is not null || revision + 1 < NextRevision)
            return;
        NextRevision = revision + 1;
        if (_options.ReportProgress)
            _queue.Add(new EtcdWatchBatch(EtcdWatchBatchKind.Progress, revision, []));
    }

    /// <summary>Ends the watch; the reader gets what is queued and then the failure.</summary>
    public void End(Exception? failure)
    {
        _queue.End(failure);
        if (_created.TrySetException(failure ?? new ObjectDisposedException(nameof(EtcdWatcher))))
            _ = _created.Task.Exception;
    }

    // One response may tell of many revisions, each of which becomes a batch.
    private void Queue(EtcdWatchEvent[] events)
    {
        int start = 0;
        while (start < events.Length)
        {
            long revision = events[start].KeyValue.ModRevision;
            int end = start + 1;
            while (end < events.Length && events[end].KeyValue.ModRevision == revision)
                end++;
            if (revision >= NextRevision)
            {
                _queue.Add(ToBatch(end - start == events.Length ? events : events[start..end], revision));
                NextRevision = revision + 1;
            }

            start = end;
        }
    }

    private EtcdWatchBatch ToBatch(EtcdWatchEvent[] events, long revision)
    {
        long bytes = 0;
        foreach (EtcdWatchEvent told in events)
        {
            bytes += told.Key.Length + told.Value.Length + (told.Previous?.Value.Length ?? 0);
            told.KeyValue.CutPrefix(_prefixLength);
            told.Previous?.CutPrefix(_prefixLength);
        }

        Telemetry.EventsReceived(events.Length);
        return new EtcdWatchBatch(EtcdWatchBatchKind.Events, revision, events) { Bytes = bytes };
    }
}
