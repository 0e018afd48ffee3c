using System.Net;
using System.Net.Sockets;

namespace Aspire.Hosting.Orchestration;

/// <summary>Chooses ports for endpoints that name none. One chooser never gives the same port twice.</summary>
internal sealed class Ports
{
    // Below the range from which operating systems take ports for outgoing connections, so that none of those takes a chosen
    // port before the process that it is meant for listens on it.
    private const int First = 10000;
    private const int Last = 32767;
    private const int AttemptsMax = 1000;

    private readonly HashSet<int> _used = [];

    public void Exclude(int port) => _used.Add(port);

    public int Choose()
    {
        for (var attempt = 0; attempt < AttemptsMax; attempt++)
        {
#pragma warning disable CA5394 // A port is no secret.
            var port = Random.Shared.Next(First, Last + 1);
#pragma warning restore CA5394
            if (IsFree(port) && _used.Add(port))
            {
                return port;
            }
        }

        throw new DistributedApplicationException($"No free port was found between {First} and {Last}.");
    }

    public static async Task<bool> IsListeningAsync(Uri address, CancellationToken cancellationToken)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(1));
        try
        {
            await socket.ConnectAsync(address.Host, address.Port, limit.Token).ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private static bool IsFree(int port) => CanListen(IPAddress.Any, port) && (!Socket.OSSupportsIPv6 || CanListen(IPAddress.IPv6Loopback, port));

    private static bool CanListen(IPAddress address, int port)
    {
        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(address, port));
            return true;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode == SocketError.AddressNotAvailable && address.AddressFamily == AddressFamily.InterNetworkV6;
        }
    }
}
