using System.Net;
using System.Net.Sockets;

namespace Aspire.Hosting.Orchestration;

/// <summary>
/// Listens on a loopback port and hands every connection on to another one. It listens as long as the application runs, so that
/// clients find the same address before, while and after the process behind it restarts; while nothing listens there, a
/// connection is closed at once.
/// </summary>
internal sealed class TcpProxy : IAsyncDisposable
{
    private const int BufferBytes = 64 * 1024;

    private readonly CancellationTokenSource _stop = new();
    private readonly List<Socket> _listeners = [];
    private readonly int _targetPort;
    private Task _accepting = Task.CompletedTask;

    private TcpProxy(int targetPort) => _targetPort = targetPort;

    public static TcpProxy Start(int port, int targetPort)
    {
        var proxy = new TcpProxy(targetPort);
        try
        {
            proxy.Listen(IPAddress.Loopback, port);
            if (Socket.OSSupportsIPv6)
            {
                proxy.ListenIfPossible(IPAddress.IPv6Loopback, port);
            }
        }
        catch (SocketException e)
        {
            proxy._listeners.ForEach(l => l.Dispose());
            throw new DistributedApplicationException($"Port {port} cannot be listened on: {e.Message}.", e);
        }

        proxy._accepting = Task.WhenAll(proxy._listeners.Select(proxy.AcceptAsync));
        return proxy;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _listeners.ForEach(l => l.Dispose());
        await _accepting.ConfigureAwait(false);
        _stop.Dispose();
    }

    private void Listen(IPAddress address, int port)
    {
        var listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        _listeners.Add(listener);
        listener.Bind(new IPEndPoint(address, port));
        listener.Listen();
    }

    private void ListenIfPossible(IPAddress address, int port)
    {
        try
        {
            Listen(address, port);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressNotAvailable or SocketError.AddressFamilyNotSupported)
        {
            // A machine may know IPv6 and still have no ::1; IPv4 serves then.
            _listeners[^1].Dispose();
            _listeners.RemoveAt(_listeners.Count - 1);
        }
    }

    private async Task AcceptAsync(Socket listener)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var client = await listener.AcceptAsync(_stop.Token).ConfigureAwait(false);
                _ = Task.Run(() => ForwardAsync(client));
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                // A connection that is gone before it is accepted ends only itself; a stop ends the loop.
            }
        }
    }

    private async Task ForwardAsync(Socket client)
    {
        using var target = new Socket(SocketType.Stream, ProtocolType.Tcp);
        using (client)
        {
            try
            {
                await target.ConnectAsync("localhost", _targetPort, _stop.Token).ConfigureAwait(false);
                client.NoDelay = target.NoDelay = true;
                await Task.WhenAll(CopyAsync(client, target), CopyAsync(target, client)).ConfigureAwait(false);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                // Either side is gone, or the application stops: both sides are closed.
            }
        }
    }

    private async Task CopyAsync(Socket from, Socket to)
    {
        var buffer = new byte[BufferBytes];
        try
        {
            int count;
            while ((count = await from.ReceiveAsync(buffer, _stop.Token).ConfigureAwait(false)) > 0)
            {
                for (var sent = 0; sent < count;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, count - sent), _stop.Token).ConfigureAwait(false);
                }
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch
        {
            // Without this the other direction would wait for a peer that will never speak again.
            from.Close();
            to.Close();
            throw;
        }
    }
}
