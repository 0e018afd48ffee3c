using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Grpc.Core;

namespace Etcd.Client;

/// <summary>
/// Keeps one Watch call open for all its substreams as long as there are any, at one endpoint or the next. No substream can hold up
/// the others: one without room is ended on the server, and asked for again when its reader has caught up. Safe for concurrent use.
/// </summary>
internal sealed class WatchHub(EtcdConnection connection, bool requireLeader) : IAsyncDisposable
{
    private const string Operation = "watch";
    private const int RefusedTokensMax = 3;

    private readonly Lock _gate = new();
    private readonly HashSet<Substream> _substreams = [];
    private WatchSession? _session;
    private Task _loop = Task.CompletedTask;
    private bool _loops;
    private long _lastId;
    private int _refusedTokens;

    /// <summary>Lets the readers of all its watches go on.</summary>
    public ReaderWakes ReaderWakes { get; } = new();

    public void Add(Substream substream)
    {
        lock (_gate)
        {
            if (connection.IsDisposed)
            {
                substream.End(new ObjectDisposedException(nameof(EtcdClient)));
                return;
            }

            _substreams.Add(substream);
            Telemetry.WatchesChanged(1);
            if (_session is { } session)
                session.Create(substream, ++_lastId);
            else if (!_loops)
            {
                _loops = true;
                _loop = Task.Run(RunAsync);
            }
        }
    }

    public void Remove(Substream substream)
    {
        lock (_gate)
        {
            if (!Drop(substream))
                return;
            _session?.Cancel(substream);
            if (_substreams.Count == 0)
                _session?.Close();
        }
    }

    /// <summary>A paused substream has room again.</summary>
    public void Resume(Substream substream)
    {
        lock (_gate)
        {
            if (_substreams.Contains(substream) && substream.Id == 0)
                _session?.Create(substream, ++_lastId);
        }
    }

    public void RequestProgress()
    {
        lock (_gate)
            _session?.RequestProgress();
    }

    /// <summary>Waits for the end of the loop, which the client's end has begun.</summary>
    public async ValueTask DisposeAsync()
    {
        Task loop;
        lock (_gate)
            loop = _loop;
        await loop.ConfigureAwait(false);
        EndAll(new ObjectDisposedException(nameof(EtcdClient)));
    }

    private bool Drop(Substream substream)
    {
        if (!_substreams.Remove(substream))
            return false;
        Telemetry.WatchesChanged(-1);
        return true;
    }

    private void EndAll(Exception failure)
    {
        lock (_gate)
        {
            foreach (Substream substream in _substreams)
            {
                substream.End(failure);
                Telemetry.WatchesChanged(-1);
            }

            _substreams.Clear();
        }
    }

    private async Task RunAsync()
    {
        var backoff = new Backoff(connection.Options.Retry, connection.Time);
        while (!MayRest())
        {
            if (await RunSessionAsync(backoff).ConfigureAwait(false) is not { } failure)
                continue;
            if (!MayGoOn(failure))
            {
                EndAll(failure);
                continue;
            }

            Telemetry.Reconnected(Operation);
            await backoff.WaitAsync(connection.Ending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private bool MayRest()
    {
        lock (_gate)
        {
            if (_substreams.Count != 0 && !connection.IsDisposed)
                return false;
            _loops = false;
            return true;
        }
    }

    // As clientv3, which goes on after Unavailable and Internal.
    private bool MayGoOn(EtcdException failure)
    {
        if (failure.Advice == RetryAdvice.WithNewToken)
            return ++_refusedTokens <= RefusedTokensMax;
        return failure.IsTransient || failure.Code is StatusCode.Internal or StatusCode.Cancelled;
    }

    /// <summary>Runs one call to its end; null where nobody needs it any more.</summary>
    private async Task<EtcdException?> RunSessionAsync(Backoff backoff)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(connection.Ending);
        Endpoint? endpoint = null;
        CallHeaders? headers = null;
        Task writing = Task.CompletedTask;
        try
        {
            (headers, CallOptions options) = await connection.Caller.StreamOptionsAsync(requireLeader, ending.Token).ConfigureAwait(false);
            endpoint = connection.Pool.Enter();
            using AsyncDuplexStreamingCall<WatchRequest, WatchNews> call =
                endpoint.Invoker.AsyncDuplexStreamingCall(Methods.Watch, null, options);
            WatchSession session = Open(ending);
            writing = session.WriteAsync(call.RequestStream, ending.Token);
            while (await call.ResponseStream.MoveNext(ending.Token).ConfigureAwait(false))
            {
                endpoint.Succeeded();
                backoff.Reset();
                Take(session, call.ResponseStream.Current, endpoint.Address.Text);
            }

            return Broke(ErrorMapper.FromTable(EtcdErrors.WatchCanceled, null, endpoint.Address.Text, changes: false), endpoint, headers);
        }
        catch (Exception) when (ending.IsCancellationRequested)
        {
            return null;
        }
        catch (Exception e) when (Caller.Translate(e, endpoint, changes: false, CancellationToken.None) is EtcdException failure)
        {
            return Broke(failure, endpoint, headers);
        }
        catch (Exception e)
        {
            // Readers must learn of it, whatever it is: they would wait for ever.
            return new EtcdException("The watch stream failed.", e);
        }
        finally
        {
            Close();
            await ending.CancelAsync().ConfigureAwait(false);
            await writing.ConfigureAwait(false);
            endpoint?.Leave();
        }
    }

    private EtcdException Broke(EtcdException failure, Endpoint? endpoint, CallHeaders? headers)
    {
        connection.Caller.NoteFailure(failure, endpoint, headers);
        ClientLog.WatchStreamBroke(connection.Log, endpoint?.Address.Text ?? "none", _substreams.Count, failure.Message);
        return failure;
    }

    private WatchSession Open(CancellationTokenSource ending)
    {
        var session = new WatchSession(ending);
        lock (_gate)
        {
            _session = session;
            foreach (Substream substream in _substreams)
                if (!substream.IsPaused)
                    session.Create(substream, ++_lastId);
            if (_substreams.Count == 0)
                session.Close();
        }

        return session;
    }

    private void Close()
    {
        lock (_gate)
        {
            _session = null;
            foreach (Substream substream in _substreams)
                substream.Detach();
        }
    }

    private void Take(WatchSession session, WatchNews news, string endpoint)
    {
        lock (_gate)
        {
            if (news.Created)
                TakeCreated(session, news, endpoint);
            else if (news.Canceled || news.CompactRevision != 0)
                TakeCanceled(session, news, endpoint);
            else if (news.WatchId < 0)
                TakeProgress(session, news.Revision);
            else if (session.Find(news.WatchId) is { } substream && !substream.TryTake(news))
                Pause(session, substream);
        }
    }

    private void TakeCreated(WatchSession session, WatchNews news, string endpoint)
    {
        Substream? substream = session.TakeCreated(news);
        if (news.Canceled)
            Refuse(session, substream, news, endpoint);
        else
        {
            _refusedTokens = 0;
            if (substream is null)
                return;
            if (substream.BelongsTo(news.ClusterId))
                substream.OnCreated(news.ClusterId, news.Revision);
            else
                Strand(session, substream, news.ClusterId, endpoint);
        }
    }

    // Its revisions are of a cluster that is gone.
    private void Strand(WatchSession session, Substream substream, ulong cluster, string endpoint)
    {
        session.Cancel(substream);
        Drop(substream);
        substream.End(new EtcdClusterChangedException(substream.ClusterId, cluster, endpoint));
        if (_substreams.Count == 0)
            session.Close();
    }

    private void TakeCanceled(WatchSession session, WatchNews news, string endpoint)
    {
        // Nobody is found where this answers a cancel request.
        if (session.Find(news.WatchId) is { } substream)
            Refuse(session, substream, news, endpoint);
    }

    private static void TakeProgress(WatchSession session, long revision)
    {
        foreach (Substream substream in session.Running)
            substream.OnProgress(revision);
    }

    // A failure that a new token or another member can cure is the stream's: all its watches go on elsewhere.
    private void Refuse(WatchSession session, Substream? substream, WatchNews news, string endpoint)
    {
        EtcdException failure = news.CompactRevision != 0
            ? Compacted(news.CompactRevision, endpoint)
            : ErrorMapper.FromReason(news.CancelReason, endpoint);
        if (failure.Advice != RetryAdvice.No || news is { CompactRevision: 0, CancelReason.Length: 0 })
            throw failure.Advice != RetryAdvice.No ? failure : ErrorMapper.FromTable(EtcdErrors.WatchCanceled, null, endpoint, changes: false);
        if (substream is null)
            return;
        session.Forget(substream);
        Drop(substream);
        substream.End(failure);
        if (_substreams.Count == 0)
            session.Close();
    }

    private static EtcdCompactedException Compacted(long revision, string endpoint) => new(
        new Failure
        {
            Message = EtcdErrors.Compacted.Text,
            Code = EtcdErrors.Compacted.Code,
            ErrorId = EtcdErrorId.Compacted,
            Endpoint = endpoint,
        },
        revision);

    private void Pause(WatchSession session, Substream substream)
    {
        Telemetry.WatchPaused();
        ClientLog.WatchPaused(connection.Log, substream.NextRevision);
        session.Cancel(substream);
    }
}
