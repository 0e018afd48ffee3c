using System.Threading.Channels;
using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Grpc.Core;

namespace Etcd.Client;

/// <summary>
/// Renews all leases that are kept, over one LeaseKeepAlive call at one endpoint or the next. A renewal that is not answered within a
/// third of the time to live ends the call: another endpoint has time left to answer. Losing a lease needs no call to end and no
/// loop to run, only the timer. Safe for concurrent use.
/// </summary>
internal sealed class KeepAliveHub : IAsyncDisposable
{
    private const string Operation = "lease_keep_alive";

    // Of the shortest time to live: so many attempts at least fit into it, however long calls have failed.
    private const int PauseMaxPart = 20;

    private readonly EtcdConnection _connection;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly Dictionary<long, KeptLease> _leases = [];
    private readonly PriorityQueue<KeptLease, long> _due = new();
    private readonly ITimer _timer;
    private Channel<LeaseKeepAliveRequest>? _requests;
    private CancellationTokenSource? _session;
    private Task _loop = Task.CompletedTask;
    private bool _loops;
    private bool _isCutOff;

    public KeepAliveHub(EtcdConnection connection)
    {
        _connection = connection;
        _time = connection.Time;
        _timer = _time.CreateTimer(static hub => ((KeepAliveHub)hub!).Work(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public long Now => _time.GetTimestamp();

    /// <summary>Keeps a lease.</summary>
    /// <param name="id">The lease.</param>
    /// <param name="sentAt">When the grant or renewal was sent that has just succeeded.</param>
    /// <param name="timeToLive">What it gave.</param>
    public EtcdLeaseKeeper Add(EtcdLeaseId id, long sentAt, TimeSpan timeToLive)
    {
        EtcdLeaseKeeper keeper;
        lock (_gate)
        {
            _connection.ThrowIfDisposed();
            if (!_leases.TryGetValue(id.Value, out KeptLease? lease))
            {
                _leases.Add(id.Value, lease = new KeptLease(id));
                Telemetry.LeasesChanged(1);
            }

            long? underWay = lease.SentAt;
            lease.Renewed(sentAt, timeToLive, _time);
            lease.SentAt = underWay;
            lease.Renewers++;
            keeper = new EtcdLeaseKeeper(this, lease);
            lease.Keepers.Add(keeper);
            Schedule(lease);
            if (!_loops)
            {
                _loops = true;
                _loop = Task.Run(RunAsync);
            }
        }

        return keeper;
    }

    /// <summary>A keeper ends: nobody hears of the lease's loss by it any more.</summary>
    public void Remove(EtcdLeaseKeeper keeper)
    {
        lock (_gate)
        {
            StopRenewingUnderLock(keeper);
            if (keeper.Lease.Keepers.Remove(keeper) && keeper.Lease.Keepers.Count == 0)
                Drop(keeper.Lease);
        }
    }

    /// <summary>A keeper renews no more, and still tells when the lease is lost.</summary>
    public void StopRenewing(EtcdLeaseKeeper keeper)
    {
        lock (_gate)
            StopRenewingUnderLock(keeper);
    }

    public TimeSpan TimeToLiveOf(KeptLease lease)
    {
        lock (_gate)
            return lease.TimeToLive;
    }

    public TimeSpan RemainingOf(KeptLease lease)
    {
        long lostAt;
        lock (_gate)
            lostAt = lease.LostAt;
        long now = Now;
        return now >= lostAt ? TimeSpan.Zero : _time.GetElapsedTime(now, lostAt);
    }

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync().ConfigureAwait(false);
        Task loop;
        lock (_gate)
            loop = _loop;
        await loop.ConfigureAwait(false);
        // Nobody renews them any more, and nobody watches the clock.
        lock (_gate)
            foreach (KeptLease lease in _leases.Values.ToArray())
                Lose(lease, "the client was disposed of");
    }

    private void StopRenewingUnderLock(EtcdLeaseKeeper keeper)
    {
        if (!keeper.Renews)
            return;
        keeper.Renews = false;
        keeper.Lease.Renewers--;
        Schedule(keeper.Lease);
        if (keeper.Lease.Renewers == 0 && !_leases.Values.Any(lease => lease.Renewers != 0))
            EndSession();
    }

    // On the thread pool: what waits for the call must not go on here, inside the lock.
    private void EndSession() => _ = _session?.CancelAsync();

    private void Drop(KeptLease lease)
    {
        if (_leases.Remove(lease.Id.Value))
            Telemetry.LeasesChanged(-1);
    }

    private void Lose(KeptLease lease, string reason)
    {
        Drop(lease);
        Telemetry.LeaseLost();
        ClientLog.LeaseLost(_connection.Log, lease.Id, reason);
        foreach (EtcdLeaseKeeper keeper in lease.Keepers)
        {
            keeper.Renews = false;
            keeper.Lose();
        }

        lease.Renewers = 0;
        lease.Keepers.Clear();
    }

    // A lease may be in the queue for several times; those that do not count any more are passed over.
    private void Schedule(KeptLease lease)
    {
        _due.Enqueue(lease, lease.DueAt);
        SetTimer();
    }

    private void SetTimer()
    {
        if (!_due.TryPeek(out _, out long at))
            return;
        long now = Now;
        // Rounded up: a timer that fires early would only have to be set again.
        TimeSpan wait = at <= now ? TimeSpan.Zero : _time.GetElapsedTime(now, at) + TimeSpan.FromMilliseconds(1);
        _timer.Change(wait, Timeout.InfiniteTimeSpan);
    }

    private void Work()
    {
        lock (_gate)
        {
            if (_connection.IsDisposed)
                return;
            long now = Now;
            while (_due.TryPeek(out KeptLease? lease, out long at) && at <= now)
            {
                _due.Dequeue();
                if (_leases.GetValueOrDefault(lease.Id.Value) == lease && lease.DueAt <= now)
                    Handle(lease, now);
            }

            SetTimer();
        }
    }

    private void Handle(KeptLease lease, long now)
    {
        if (now >= lease.LostAt)
        {
            Lose(lease, "it could not be renewed in time");
            return;
        }

        if (lease.IsOverdue(now))
        {
            // The loop opens another call and sends what is due again.
            Telemetry.KeepAliveFailed();
            lease.SentAt = null;
            lease.RenewAt = now;
            _isCutOff = true;
            EndSession();
            _requests = null;
        }

        if (lease.RenewAt <= now)
            TrySend(lease, now);
        if (lease.SentAt is null && lease.RenewAt <= now)
        {
            // Without a call it waits for the next; until then only the loss is to be watched.
            _due.Enqueue(lease, lease.LostAt);
            return;
        }

        _due.Enqueue(lease, lease.DueAt);
    }

    private void TrySend(KeptLease lease, long now)
    {
        if (_requests is not { } requests || lease.Renewers == 0)
            return;
        // Before the request can have reached anybody: the lease lasts at least as long as is counted from here.
        lease.SentAt = now;
        requests.Writer.TryWrite(new LeaseKeepAliveRequest { ID = lease.Id.Value });
    }

    private async Task RunAsync()
    {
        var backoff = new Backoff(_connection.Options.Retry, _time);
        while (!MayRest())
        {
            if (!await RunSessionAsync(backoff).ConfigureAwait(false))
                continue;
            Telemetry.Reconnected(Operation);
            await backoff.WaitAsync(LongestPause(), _connection.Ending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private TimeSpan LongestPause()
    {
        lock (_gate)
            return _leases.Count == 0 ? TimeSpan.Zero : _leases.Values.Min(lease => lease.TimeToLive) / PauseMaxPart;
    }

    private bool MayRest()
    {
        lock (_gate)
        {
            if (!_connection.IsDisposed && _leases.Values.Any(lease => lease.Renewers != 0))
                return false;
            _loops = false;
            return true;
        }
    }

    /// <summary>Runs one call to its end.</summary>
    /// <returns>Whether it broke, so that the next must wait.</returns>
    private async Task<bool> RunSessionAsync(Backoff backoff)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(_connection.Ending);
        Endpoint? endpoint = null;
        CallHeaders? headers = null;
        Task writing = Task.CompletedTask;
        try
        {
            SetSession(ending);
            (headers, CallOptions options) = await _connection.Caller.StreamOptionsAsync(requireLeader: true, ending.Token).ConfigureAwait(false);
            endpoint = _connection.Pool.Enter();
            using AsyncDuplexStreamingCall<LeaseKeepAliveRequest, LeaseKeepAliveResponse> call =
                endpoint.Invoker.AsyncDuplexStreamingCall(Methods.LeaseKeepAlive, null, options);
            writing = WriteAsync(Open(), call.RequestStream, ending.Token);
            while (await call.ResponseStream.MoveNext(ending.Token).ConfigureAwait(false))
            {
                endpoint.Succeeded();
                backoff.Reset();
                Take(call.ResponseStream.Current);
            }

            Broke(ErrorMapper.FromTable(EtcdErrors.Canceled, null, endpoint.Address.Text, changes: false), endpoint, headers);
            return true;
        }
        catch (Exception) when (ending.IsCancellationRequested)
        {
            // Because nobody answered, so not the same endpoint again; or because nobody needs it.
            if (_isCutOff)
                endpoint?.Failed();
            return false;
        }
        catch (Exception e) when (Caller.Translate(e, endpoint, changes: false, CancellationToken.None) is EtcdException failure)
        {
            Broke(failure, endpoint, headers);
            return true;
        }
        catch (Exception e)
        {
            Broke(new EtcdException("The keep-alive stream failed.", e), endpoint, headers);
            return true;
        }
        finally
        {
            Close();
            await ending.CancelAsync().ConfigureAwait(false);
            await writing.ConfigureAwait(false);
            endpoint?.Leave();
        }
    }

    // Also for a refused user: the leases are lost when their time has come, and until then an administrator may help.
    private void Broke(EtcdException failure, Endpoint? endpoint, CallHeaders? headers)
    {
        _connection.Caller.NoteFailure(failure, endpoint, headers);
        ClientLog.KeepAliveStreamBroke(_connection.Log, endpoint?.Address.Text ?? "none", _leases.Count, failure.Message);
    }

    private void SetSession(CancellationTokenSource ending)
    {
        lock (_gate)
        {
            _session = ending;
            _isCutOff = false;
        }
    }

    private Channel<LeaseKeepAliveRequest> Open()
    {
        var requests = Channel.CreateUnbounded<LeaseKeepAliveRequest>(new UnboundedChannelOptions { SingleReader = true });
        lock (_gate)
        {
            _requests = requests;
            long now = Now;
            foreach (KeptLease lease in _leases.Values)
            {
                if (lease.RenewAt > now)
                    continue;
                TrySend(lease, now);
                _due.Enqueue(lease, lease.DueAt);
            }

            SetTimer();
        }

        return requests;
    }

    private void Close()
    {
        lock (_gate)
        {
            _requests = null;
            _session = null;
            foreach (KeptLease lease in _leases.Values)
            {
                if (lease.SentAt is null)
                    continue;
                // What was under way may have been lost with the call.
                lease.SentAt = null;
                lease.RenewAt = Now;
            }
        }
    }

    private static async Task WriteAsync(
        Channel<LeaseKeepAliveRequest> requests, IClientStreamWriter<LeaseKeepAliveRequest> stream, CancellationToken cancellation)
    {
        try
        {
            await foreach (LeaseKeepAliveRequest request in requests.Reader.ReadAllAsync(cancellation).ConfigureAwait(false))
                await stream.WriteAsync(request, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is RpcException or OperationCanceledException or InvalidOperationException or IOException)
        {
            // The reader of the responses learns why the call ended.
        }
    }

    private void Take(LeaseKeepAliveResponse response)
    {
        lock (_gate)
        {
            if (!_leases.TryGetValue(response.ID, out KeptLease? lease))
                return;
            if (response.TTL <= 0)
            {
                Lose(lease, "the server does not have it any more");
                return;
            }

            if (lease.SentAt is not { } sentAt || Now >= lease.LostAt)
                return;
            lease.Renewed(sentAt, TimeSpan.FromSeconds(response.TTL), _time);
            Schedule(lease);
        }
    }
}
