using System.Threading.Channels;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.Mvccpb;

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
    private readonly int _eventsMax;
    private readonly long _bytesMax;
    private readonly Lock _gate = new();
    private readonly Channel<EtcdWatchBatch> _queue =
        Channel.CreateUnbounded<EtcdWatchBatch>(new UnboundedChannelOptions { SingleReader = true });

    private readonly TaskCompletionSource<long> _created = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private List<Event>? _fragments;
    private int _queuedEvents;
    private long _queuedBytes;
    private bool _isPaused;

    public Substream(
        EtcdConnection connection, EtcdKey prefix, EtcdRange range, EtcdWatchOptions options, long startRevision, ulong clusterId)
    {
        _hub = connection.WatchHubs.For(options.RequireLeader);
        _range = range.Below(prefix);
        _prefixLength = prefix.Length;
        _options = options;
        _eventsMax = options.BufferEvents ?? connection.Options.WatchBufferEvents;
        _bytesMax = options.BufferBytes ?? connection.Options.WatchBufferBytes;
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
    public bool IsPaused
    {
        get
        {
            lock (_gate)
                return _isPaused;
        }
    }

    /// <summary>The first revision that it can tell of, once a member has taken it.</summary>
    public Task<long> Created => _created.Task;

    public void Start() => _hub.Add(this);

    /// <summary>Ends it for good; the reader still gets what is queued.</summary>
    public void Stop()
    {
        _hub.Remove(this);
        End(null);
    }

    /// <summary>The next batch; null where the watch was stopped.</summary>
    public async ValueTask<EtcdWatchBatch?> ReadAsync(CancellationToken cancellation)
    {
        while (await _queue.Reader.WaitToReadAsync(cancellation).ConfigureAwait(false))
            if (_queue.Reader.TryRead(out EtcdWatchBatch? batch))
            {
                if (Release(batch))
                    _hub.Resume(this);
                return batch;
            }

        return null;
    }

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
    public bool TryTake(WatchResponse response)
    {
        if (!HasRoom())
        {
            _fragments = null;
            return false;
        }

        if (response.Fragment || _fragments is not null)
        {
            (_fragments ??= []).AddRange(response.Events);
            if (response.Fragment)
                return true;
        }

        IReadOnlyList<Event> events = _fragments ?? (IReadOnlyList<Event>)response.Events;
        _fragments = null;
        if (events.Count != 0)
            Queue(events);
        else
            OnProgress(response.Header.Revision);
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
            Queue(new EtcdWatchBatch(EtcdWatchBatchKind.Progress, revision, []));
    }

    /// <summary>Ends the watch; the reader gets what is queued and then the failure.</summary>
    public void End(Exception? failure)
    {
        _queue.Writer.TryComplete(failure);
        if (_created.TrySetException(failure ?? new ObjectDisposedException(nameof(EtcdWatcher))))
            _ = _created.Task.Exception;
    }

    private bool HasRoom()
    {
        lock (_gate)
        {
            _isPaused = _queuedEvents >= _eventsMax || _queuedBytes >= _bytesMax;
            return !_isPaused;
        }
    }

    /// <summary>Whether the reader has caught up, so that the watch can go on.</summary>
    private bool Release(EtcdWatchBatch batch)
    {
        lock (_gate)
        {
            _queuedEvents -= Weight(batch);
            _queuedBytes -= batch.Bytes;
            bool caughtUp = _isPaused && _queuedEvents <= _eventsMax / 2 && _queuedBytes <= _bytesMax / 2;
            if (caughtUp)
                _isPaused = false;
            return caughtUp;
        }
    }

    // One response may tell of many revisions, each of which becomes a batch.
    private void Queue(IReadOnlyList<Event> events)
    {
        int start = 0;
        while (start < events.Count)
        {
            long revision = events[start].Kv.ModRevision;
            int end = start + 1;
            while (end < events.Count && events[end].Kv.ModRevision == revision)
                end++;
            if (revision >= NextRevision)
            {
                Queue(ToBatch(events, start, end, revision));
                NextRevision = revision + 1;
            }

            start = end;
        }
    }

    private EtcdWatchBatch ToBatch(IReadOnlyList<Event> events, int start, int end, long revision)
    {
        var told = new EtcdWatchEvent[end - start];
        long bytes = 0;
        for (int i = 0; i < told.Length; i++)
        {
            Event message = events[start + i];
            EtcdEventType type = message.Type == Event.Types.EventType.Delete ? EtcdEventType.Delete : EtcdEventType.Put;
            told[i] = new EtcdWatchEvent(
                type, new EtcdKeyValue(message.Kv, _prefixLength), EtcdKeyValue.From(message.PrevKv, _prefixLength));
            bytes += message.Kv.Key.Length + message.Kv.Value.Length + (message.PrevKv?.Value.Length ?? 0);
        }

        Telemetry.EventsReceived(told.Length);
        return new EtcdWatchBatch(EtcdWatchBatchKind.Events, revision, told) { Bytes = bytes };
    }

    private void Queue(EtcdWatchBatch batch)
    {
        lock (_gate)
        {
            _queuedEvents += Weight(batch);
            _queuedBytes += batch.Bytes;
        }

        _queue.Writer.TryWrite(batch);
    }

    private static int Weight(EtcdWatchBatch batch) => Math.Max(1, batch.Events.Count);
}
