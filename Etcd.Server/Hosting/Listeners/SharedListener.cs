using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Listeners;

/// <summary>
/// One listening socket whose connections are handed to one queue per protocol. A connection is handed on with all
/// of its bytes unread. Safe for concurrent use; started by the first <see cref="Attach"/>, and it closes the socket
/// when the last logical listener has unbound.
/// </summary>
internal sealed class SharedListener : IAsyncDisposable
{
    /// <summary>Kestrel takes connections from a queue at once; this bound only matters while it starts.</summary>
    private const int QueuedConnectionsMax = 512;

    private readonly SocketPlan _plan;
    private readonly IConnectionListener _socket;
    private readonly SilentConnections _silent;
    private readonly LiveConnections _live;
    private readonly ILogger _logger;
    private readonly Dictionary<WireProtocol, Channel<ConnectionContext>> _queues = [];
    private readonly TaskCompletionSource _unbound = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _acceptLoop;
    private int _bound;

    public SharedListener(SocketPlan plan, IConnectionListener socket, EtcdListenerOptions options, TimeProvider time, ILogger logger)
    {
        _plan = plan;
        _socket = socket;
        _logger = logger;
        _silent = new SilentConnections(options, time);
        _live = new LiveConnections(options.ShutdownGrace, time);
        _bound = plan.Protocols.Count;
        foreach (var protocol in plan.Protocols)
        {
            _queues.Add(protocol, Channel.CreateBounded<ConnectionContext>(
                new BoundedChannelOptions(QueuedConnectionsMax) { FullMode = BoundedChannelFullMode.Wait, SingleReader = true }));
        }

        _acceptLoop = AcceptLoopAsync();
    }

    /// <summary>Where the socket is bound, with the port that the system chose if 0 was asked for.</summary>
    public EndPoint Address => _socket.EndPoint;

    public IConnectionListener Attach(WireProtocol protocol) => new LogicalListener(this, protocol, _queues[protocol].Reader);

    /// <summary>
    /// Ends one protocol's queue. Kestrel unbinds all its endpoints together when it stops; the socket goes with the last.
    /// </summary>
    public async ValueTask ReleaseAsync(WireProtocol protocol, CancellationToken cancellationToken)
    {
        if (!_queues[protocol].Writer.TryComplete())
        {
            return;
        }

        _live.BeginDrain();
        if (Interlocked.Decrement(ref _bound) == 0)
        {
            await _socket.UnbindAsync(cancellationToken).ConfigureAwait(false);
            await _acceptLoop.ConfigureAwait(false);
            await _silent.CloseAllAsync().ConfigureAwait(false);
            _unbound.TrySetResult();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _unbound.Task.ConfigureAwait(false);
        foreach (var queue in _queues.Values)
        {
            while (queue.Reader.TryRead(out var connection))
            {
                await CloseAsync(connection).ConfigureAwait(false);
            }
        }

        _live.Dispose();
        await _socket.DisposeAsync().ConfigureAwait(false);
    }

    private async Task AcceptLoopAsync()
    {
        // The constructor must return before connections are accepted.
        await Task.Yield();
        while (await AcceptAsync().ConfigureAwait(false) is { } connection)
        {
            _ = RouteAsync(connection);
        }
    }

    private async ValueTask<ConnectionContext?> AcceptAsync()
    {
        try
        {
            return await _socket.AcceptAsync().ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            ListenerLog.AcceptFailed(_logger, _plan.ToString(), failure);
            return null;
        }
    }

    private async Task RouteAsync(ConnectionContext connection)
    {
        try
        {
            var protocol = await ProtocolOfAsync(connection).ConfigureAwait(false);
            if (protocol is { } known && _queues.TryGetValue(Served(known), out var queue) && await HandOverAsync(connection, queue).ConfigureAwait(false))
            {
                return;
            }
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            ListenerLog.ConnectionFailed(_logger, _plan.ToString(), failure);
        }

        await CloseAsync(connection).ConfigureAwait(false);
    }

    private ValueTask<WireProtocol?> ProtocolOfAsync(ConnectionContext connection) =>
        _queues.Count == 1 ? new(_plan.Protocols[0]) : _silent.PeekAsync(connection);

    /// <summary>
    /// A TLS hello on a port without TLS goes to the HTTP/1.1 endpoint, which answers it as a bad request.
    /// </summary>
    private WireProtocol Served(WireProtocol protocol) =>
        _queues.ContainsKey(protocol) ? protocol : WireProtocol.Http1;

    private async ValueTask<bool> HandOverAsync(ConnectionContext connection, Channel<ConnectionContext> queue)
    {
        _live.Add(connection);
        try
        {
            await queue.Writer.WriteAsync(connection).ConfigureAwait(false);
            return true;
        }
        catch (ChannelClosedException)
        {
            return false;
        }
    }

    private static async ValueTask CloseAsync(ConnectionContext connection)
    {
        connection.Abort();
        await connection.DisposeAsync().ConfigureAwait(false);
    }
}
