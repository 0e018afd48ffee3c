using System.Collections.Concurrent;

namespace Etcd.Server.Watch;

/// <content>What streams ask for, carried out in the order of asking.</content>
public sealed partial class WatchHub
{
    // The texts are etcd's; clients see them as cancel_reason.
    private const string CompactedText = "etcdserver: mvcc: required revision has been compacted";
    private const string EmptyRangeText = "mvcc: watcher range is empty";
    private const string DuplicateIdText = "mvcc: duplicate watch ID provided on the WatchStream";

    private const int RequestsPerRunMax = 1024;

    private static readonly byte[] SmallestKey = [0];

    private readonly ConcurrentQueue<Request> _requests = new();
    private readonly HashSet<WatchStream> _streams = [];

    private enum RequestKind : byte
    {
        Create,
        Refuse,
        Cancel,
        Progress,
        Resume,
        Close,
    }

    internal void PostCreate(WatchStream stream, in WatchCreate create) => _requests.Enqueue(new Request(RequestKind.Create, stream, _history.CurrentRevision)
    {
        Create = create with { Key = create.Key.ToArray(), RangeEnd = create.RangeEnd.ToArray() },
    });

    internal void PostRefuse(WatchStream stream, string reason) =>
        _requests.Enqueue(new Request(RequestKind.Refuse, stream, _history.CurrentRevision) { Reason = reason });

    internal void PostCancel(WatchStream stream, long watchId) =>
        _requests.Enqueue(new Request(RequestKind.Cancel, stream, _history.CurrentRevision) { WatchId = watchId });

    internal void PostProgress(WatchStream stream) => _requests.Enqueue(new Request(RequestKind.Progress, stream, _history.CurrentRevision));

    // What follows is no client's request, and nobody submits it.

    internal void PostResume(WatchStream stream) => Post(new Request(RequestKind.Resume, stream, 0));

    internal void PostClose(WatchStream stream) => Post(new Request(RequestKind.Close, stream, 0));

    private void Post(Request request)
    {
        _requests.Enqueue(request);
        Signal();
    }

    /// <summary>Carries out what was asked for, but not so much at once that new events wait for it.</summary>
    /// <returns>Whether there is more that could be carried out now.</returns>
    private bool RunRequests()
    {
        _requestWaits = false;
        for (int i = 0; i < RequestsPerRunMax; i++)
        {
            if (!_requests.TryPeek(out Request? request))
            {
                return false;
            }

            if (request.NotBefore > _revision)
            {
                TakeCommitted();
                if (request.NotBefore > _revision)
                {
                    // Readers see it already, so its OnCommitted is on the way and will wake us.
                    _requestWaits = true;
                    return false;
                }
            }

            _requests.TryDequeue(out _);
            Run(request);
        }

        return true;
    }

    private void Run(Request request)
    {
        if (request.Stream.HasEnded)
        {
            return;
        }

        switch (request.Kind)
        {
            case RequestKind.Create:
                Create(request.Stream, request.Create);
                break;
            case RequestKind.Refuse:
                Refuse(request.Stream, request.Reason);
                break;
            case RequestKind.Cancel:
                Cancel(request.Stream, request.WatchId);
                break;
            case RequestKind.Progress:
                ReportProgress(request.Stream);
                break;
            case RequestKind.Resume:
                Resume(request.Stream);
                break;
            default:
                Close(request.Stream);
                break;
        }
    }

    private void Create(WatchStream stream, in WatchCreate create)
    {
        byte[] key = create.Key.Length == 0 ? SmallestKey : create.Key.ToArray();
        KeyRangeEnd end = KeyRangeEnd.FromRequest(create.RangeEnd.Span);
        string? refusal = create switch
        {
            { StartRevision: < 0 } => CompactedText,
            _ when end.IsEmptyFrom(key) => EmptyRangeText,
            _ when create.WatchId != 0 && stream.Watchers.ContainsKey(create.WatchId) => DuplicateIdText,
            _ => null,
        };
        if (refusal is not null)
        {
            Refuse(stream, refusal);
            return;
        }

        var watcher = new Watcher(stream, ChooseId(stream, create.WatchId), key, end, create);
        _streams.Add(stream);
        stream.Watchers.Add(watcher.Id, watcher);
        stream.Answer(new WatchBatch(watcher.Id, _revision) { Created = true, AnswersRequest = true });
        Start(watcher);
    }

    private static long ChooseId(WatchStream stream, long wanted)
    {
        if (wanted != 0)
        {
            return wanted;
        }

        while (stream.Watchers.ContainsKey(stream.NextId))
        {
            stream.NextId++;
        }

        return stream.NextId++;
    }

    private void Start(Watcher watcher)
    {
        if (watcher.StartRevision == 0 || watcher.StartRevision > _revision)
        {
            watcher.MinRevision = Math.Max(watcher.StartRevision, _revision + 1);
            EnterSynced(watcher);
        }
        else
        {
            watcher.MinRevision = watcher.StartRevision;
            Wait(watcher);
        }

        if (watcher.ProgressNotify)
        {
            StartProgressTimer(watcher.Stream);
        }
    }

    private void Refuse(WatchStream stream, string reason) => stream.Answer(new WatchBatch(NoWatchId, _revision)
    {
        Created = true,
        Canceled = true,
        CancelReason = reason,
        AnswersRequest = true,
    });

    private void Cancel(WatchStream stream, long watchId)
    {
        if (!stream.Watchers.Remove(watchId, out Watcher? watcher))
        {
            stream.DropAnswer();
            return;
        }

        End(watcher);
        if (stream.Watchers.Count == 0)
        {
            _streams.Remove(stream);
        }

        stream.Answer(new WatchBatch(watchId, _revision) { Canceled = true, AnswersRequest = true });
    }

    private void Resume(WatchStream stream)
    {
        foreach (Watcher watcher in stream.Blocked)
        {
            if (watcher.State == WatcherState.Blocked)
            {
                _blockedCount--;
                Wait(watcher);
            }
        }

        stream.Blocked.Clear();
        EndShare(stream);
    }

    private void Close(WatchStream stream)
    {
        foreach (Watcher watcher in stream.Watchers.Values)
        {
            End(watcher);
        }

        stream.HasEnded = true;
        stream.Watchers.Clear();
        stream.Blocked.Clear();
        _streams.Remove(stream);
        StopProgressTimer(stream);
        Statistics.StreamClosed();
        _inbox.Listen(-1);
        if (!_inbox.HasListeners)
        {
            _ring.Reset(_revision + 1);
        }
    }

    private void End(Watcher watcher)
    {
        switch (watcher.State)
        {
            case WatcherState.Synced:
                _synced.Remove(watcher);
                break;
            case WatcherState.Lagging:
                StopWaiting(watcher);
                break;
            case WatcherState.Blocked:
                _blockedCount--;
                break;
        }

        watcher.State = WatcherState.Ended;
        if (watcher.ProgressNotify)
        {
            watcher.Stream.ProgressWatchers--;
        }
    }

    private sealed class Request(RequestKind kind, WatchStream stream, long notBefore)
    {
        public RequestKind Kind { get; } = kind;

        public WatchStream Stream { get; } = stream;

        /// <summary>Carried out when the hub has reached this revision.</summary>
        public long NotBefore { get; } = notBefore;

        public WatchCreate Create { get; init; }

        public long WatchId { get; init; }

        public string Reason { get; init; } = "";
    }
}
