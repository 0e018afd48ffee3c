using System.Net;
using System.Net.Sockets;

namespace Etcd.Grpc.Tests.Client;

/// <summary>
/// Passes bytes between a client and a server until told to fall silent: then it passes nothing and closes nothing, as a
/// machine that lost its power does.
/// </summary>
internal sealed class SilencingRelay : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Uri _target;
    private readonly List<TcpClient> _sides = [];
    private volatile bool _silent;

    public SilencingRelay(Uri target)
    {
        _target = target;
        _listener.Start();
        _ = AcceptAsync();
    }

    public string Address => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    public void FallSilent() => _silent = true;

    public void Dispose()
    {
        _listener.Dispose();
        lock (_sides)
            foreach (var side in _sides)
                side.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync();
                var server = new TcpClient();
                lock (_sides)
                    _sides.AddRange([client, server]);
                await server.ConnectAsync(_target.Host, _target.Port);
                _ = PassAsync(client.GetStream(), server.GetStream());
                _ = PassAsync(server.GetStream(), client.GetStream());
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // Disposed of.
        }
    }

    private async Task PassAsync(NetworkStream from, NetworkStream to)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            int count;
            while ((count = await from.ReadAsync(buffer)) > 0)
                if (!_silent)
                    await to.WriteAsync(buffer.AsMemory(0, count));
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // Disposed of, or a side has closed.
        }
    }
}
