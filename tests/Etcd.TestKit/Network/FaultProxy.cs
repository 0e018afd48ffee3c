using System.Net;
using System.Net.Sockets;

namespace Etcd.TestKit.Network;

/// <summary>
/// A TCP proxy between a client and a server which a test tells what to do to the connections: cut them, reset them, hold bytes back,
/// lose them, delay them, stop listening. Everything happens because of a command or a count of bytes, never by chance or time, but
/// for <see cref="Delay"/>, where time is the fault. Safe for concurrent use.
/// </summary>
public sealed class FaultProxy : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly HashSet<ProxyLink> _links = [];
    private readonly CancellationTokenSource _ending = new();
    private TcpListener _listener;
    private IPEndPoint _target;
    private Task _accepting;
    private int _accepted;

    private FaultProxy(IPEndPoint target)
    {
        _target = target;
        _listener = new TcpListener(IPAddress.Loopback, 0);
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync(_listener);
    }

    /// <summary>The port that it listens on.</summary>
    public int Port { get; }

    /// <summary>The URL for clients.</summary>
    public string Url => $"http://127.0.0.1:{Port}";

    /// <summary>Connections taken so far.</summary>
    public int Accepted => Volatile.Read(ref _accepted);

    /// <summary>Connections that are open.</summary>
    public int Open
    {
        get
        {
            lock (_gate)
            {
                return _links.Count;
            }
        }
    }

    /// <summary>
    /// For each new connection, by its number from 1: after how many bytes to the client it is reset, in the middle of whatever they
    /// belong to; null for never.
    /// </summary>
    public Func<int, long?>? ResetAfterBytes { get; set; }

    /// <summary>How long each piece of data waits before it goes on, in both directions.</summary>
    public TimeSpan Delay { get; set; }

    internal ProxyGate ToServer { get; } = new();

    internal ProxyGate ToClient { get; } = new();

    internal CancellationToken Ending => _ending.Token;

    /// <summary>Starts a proxy before a server.</summary>
    /// <param name="url">The server's URL, at an address of IPv4.</param>
    public static FaultProxy Start(string url) => new(AddressOf(url));

    /// <summary>New connections go to another server. Those that are open stay.</summary>
    public void Redirect(string url) => Volatile.Write(ref _target, AddressOf(url));

    /// <summary>Closes all connections as a process does that ends: FIN to both sides.</summary>
    public void Cut() => EndAll(reset: false);

    /// <summary>Resets all connections: RST to both sides.</summary>
    public void Reset() => EndAll(reset: true);

    /// <summary>
    /// From now on no byte goes in this direction, on any connection, and none is lost: a half-open connection, or in both directions a
    /// frozen one. <see cref="Release"/> lets them go on.
    /// </summary>
    public void Hold(ProxyDirection direction)
    {
        if (direction.HasFlag(ProxyDirection.ToServer))
        {
            ToServer.Close();
        }

        if (direction.HasFlag(ProxyDirection.ToClient))
        {
            ToClient.Close();
        }
    }

    /// <summary>Ends <see cref="Hold"/> in both directions.</summary>
    public void Release()
    {
        ToServer.Open();
        ToClient.Open();
    }

    /// <summary>From now on bytes of the connections that are open are lost in both directions; new connections work.</summary>
    public void BlackHole()
    {
        lock (_gate)
        {
            foreach (ProxyLink link in _links)
            {
                link.LosesBytes = true;
            }
        }
    }

    /// <summary>Stops listening: new connections are refused. Those that are open stay.</summary>
    public async Task RefuseAsync()
    {
        _listener.Stop();
        await _accepting;
    }

    /// <summary>Listens again.</summary>
    public void Accept()
    {
        _listener = new TcpListener(IPAddress.Loopback, Port);
        _listener.Start();
        _accepting = AcceptAsync(_listener);
    }

    public async ValueTask DisposeAsync()
    {
        if (_ending.IsCancellationRequested)
        {
            return;
        }

        await _ending.CancelAsync();
        _listener.Stop();
        await _accepting;
        Reset();
        _ending.Dispose();
    }

    private static IPEndPoint AddressOf(string url)
    {
        var uri = new Uri(url);
        return new IPEndPoint(IPAddress.Parse(uri.Host), uri.Port);
    }

    internal void Remove(ProxyLink link)
    {
        lock (_gate)
        {
            _links.Remove(link);
        }
    }

    private void EndAll(bool reset)
    {
        ProxyLink[] links;
        lock (_gate)
        {
            links = [.. _links];
        }

        foreach (ProxyLink link in links)
        {
            link.End(reset);
        }
    }

    private async Task AcceptAsync(TcpListener listener)
    {
        try
        {
            while (true)
            {
                Socket client = await listener.AcceptSocketAsync(_ending.Token);
                int number = Interlocked.Increment(ref _accepted);
                _ = LinkAsync(client, ResetAfterBytes?.Invoke(number));
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // The end of listening.
        }
    }

    private async Task LinkAsync(Socket client, long? resetAfter)
    {
        var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        using var link = new ProxyLink(this, client, server, resetAfter);
        lock (_gate)
        {
            _links.Add(link);
        }

        try
        {
            await server.ConnectAsync(Volatile.Read(ref _target), _ending.Token);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            return;
        }

        await link.RunAsync();
    }
}
