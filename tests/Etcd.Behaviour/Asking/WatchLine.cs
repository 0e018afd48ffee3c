using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.Mvccpb;
using Etcd.TestKit.Processes;
using Grpc.Core;

namespace Etcd.Behaviour.Asking;

/// <summary>
/// One watch stream of a session. Whatever comes is held against what a stream promises: events of a watch in order of revision, none
/// twice, all of a revision in one response or in fragments of it, and none at or below a revision that a progress response has
/// named (etcd's issue 15220). One caller at a time.
/// </summary>
internal sealed class WatchLine(Session session, AsyncDuplexStreamingCall<WatchRequest, WatchResponse> call, CancellationToken cancellation)
    : IAsyncDisposable
{
    private readonly Dictionary<long, Progress> _watches = [];
    private Task<bool>? _coming;

    /// <summary>Whether the server is the real etcd 3.5.16.</summary>
    public bool IsReference => session.IsReference;

    public Task CreateAsync(WatchCreateRequest request) =>
        call.RequestStream.WriteAsync(new WatchRequest { CreateRequest = session.ToServer(request) }, cancellation);

    public Task CancelAsync(long id) =>
        call.RequestStream.WriteAsync(new WatchRequest { CancelRequest = new WatchCancelRequest { WatchId = id } }, cancellation);

    public Task AskProgressAsync() =>
        call.RequestStream.WriteAsync(new WatchRequest { ProgressRequest = new WatchProgressRequest() }, cancellation);

    /// <summary>Sends a request that asks for nothing.</summary>
    public Task SendNothingAsync() => call.RequestStream.WriteAsync(new WatchRequest(), cancellation);

    /// <summary>Says that nothing more will be asked.</summary>
    public Task FallSilentAsync() => call.RequestStream.CompleteAsync();

    /// <summary>The next response, with the session's revisions.</summary>
    /// <exception cref="TimeoutException">None came in time.</exception>
    public async Task<WatchResponse> NextAsync() =>
        await NextAsync(CapturedProcess.Patience) ?? throw new TimeoutException("no response on the watch stream");

    /// <summary>The next response, or null if none comes in that time.</summary>
    public async Task<WatchResponse?> NextAsync(TimeSpan patience)
    {
        _coming ??= call.ResponseStream.MoveNext(cancellation);
        await Task.WhenAny(_coming, Task.Delay(patience, cancellation));
        if (!_coming.IsCompleted)
        {
            return null;
        }

        Task<bool> came = _coming;
        _coming = null;
        Assert.True(await came, "the server ended the watch stream");
        WatchResponse response = call.ResponseStream.Current;
        Relative.FromServer(response, session.Begin);
        Check(response);
        return response;
    }

    public async ValueTask DisposeAsync()
    {
        call.Dispose();
        try
        {
            await (_coming ?? Task.FromResult(false));
        }
        catch (Exception e) when (e is RpcException or OperationCanceledException or ObjectDisposedException)
        {
            // It was waited for when the call was ended.
        }
    }

    private void Check(WatchResponse response)
    {
        if (response.Created && !response.Canceled)
        {
            Assert.True(_watches.TryAdd(response.WatchId, new Progress()), $"watch {response.WatchId} was created twice");
            return;
        }

        if (response.Canceled)
        {
            // A watch whose history is compacted keeps its id until the client cancels it.
            Assert.True(response.WatchId == -1 || response.CompactRevision != 0 || _watches.Remove(response.WatchId), $"unknown watch {response.WatchId}");
            return;
        }

        if (response.Events.Count == 0)
        {
            foreach (Progress watch in response.WatchId == -1 ? [.. _watches.Values] : new[] { _watches[response.WatchId] })
            {
                watch.Tell(response.Header.Revision);
            }

            return;
        }

        _watches[response.WatchId].Take(response);
    }

    /// <summary>How far one watch is.</summary>
    private sealed class Progress
    {
        private long _last;
        private long _told;
        private bool _goesOn;

        public void Tell(long revision)
        {
            Assert.False(_goesOn, "progress between the fragments of a response");
            Assert.True(revision >= _last, $"progress {revision} behind an event at {_last}");
            Assert.True(revision >= _told, $"progress {revision} after progress {_told}");
            _told = revision;
        }

        public void Take(WatchResponse response)
        {
            Event[] events = [.. response.Events];
            long first = events[0].Kv.ModRevision;
            Assert.True(_goesOn ? first >= _last : first > _last, $"revision {first} after {_last}");
            Assert.True(first > _told, $"an event at {first} after progress {_told}");
            Assert.True(events.Zip(events.Skip(1)).All(e => e.First.Kv.ModRevision <= e.Second.Kv.ModRevision), "events are in order of revision");
            _last = events[^1].Kv.ModRevision;
            _goesOn = response.Fragment;
            Assert.True(response.Header.Revision >= _last, $"a header at {response.Header.Revision} behind its events at {_last}");
        }
    }
}
