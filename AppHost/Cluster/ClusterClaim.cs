using System.Net;
using System.Net.Sockets;

namespace AppHost.Cluster;

/// <summary>
/// The right to start a cluster: no other AppHost runs the same one, and its ports are free. Held until disposed; a crash gives
/// it up. Two AppHosts with the same data and different ports would otherwise only meet in the data folder, and --fresh of one
/// would delete it under the other.
/// </summary>
internal sealed class ClusterClaim : IDisposable
{
    private readonly FileStream _lock;

    private ClusterClaim(FileStream @lock) => _lock = @lock;

    /// <summary>Takes the claim, or says in one message what is in the way and what to do.</summary>
    public static ClusterClaim? TryTake(ClusterLayout cluster, out string? problem)
    {
        problem = DescribeTakenPorts(cluster);
        if (problem is not null)
        {
            return null;
        }

        Directory.CreateDirectory(cluster.DataDirectory);
        try
        {
            var path = Path.Combine(cluster.DataDirectory, "apphost.lock");
            return new ClusterClaim(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException)
        {
            problem = $"""
                Another AppHost runs the cluster '{cluster.Name}', whose data is in {cluster.DataDirectory}.
                Stop that one, or start a cluster of another name beside it:
                  dotnet run --project AppHost -- --cluster {cluster.Name}2 --port-base {Suggestion(cluster)}
                """;
            return null;
        }
    }

    public void Dispose() => _lock.Dispose();

    private static string? DescribeTakenPorts(ClusterLayout cluster)
    {
        var taken = cluster.Members
            .SelectMany(m => new[] { (m.Name, Use: "clients", Port: m.ClientPort), (m.Name, Use: "peers", Port: m.PeerPort) })
            .Where(p => !IsFree(p.Port))
            .Select(p => $"Port {p.Port}, on which {p.Name} is to listen for {p.Use}, is in use.")
            .ToArray();
        return taken.Length == 0
            ? null
            : $"""
                {string.Join(Environment.NewLine, taken)}
                Stop the program that listens there, or move the cluster to other ports:
                  dotnet run --project AppHost -- --port-base {Suggestion(cluster)}
                """;
    }

    private static int Suggestion(ClusterLayout cluster)
    {
        var port = cluster.Members[0].ClientPort;
        return port >= 30000 ? port - 10000 : port + 10000;
    }

    private static bool IsFree(int port) => CanListen(IPAddress.Loopback, port) && (!Socket.OSSupportsIPv6 || CanListen(IPAddress.IPv6Loopback, port));

    private static bool CanListen(IPAddress address, int port)
    {
        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(address, port));
            socket.Listen();
            return true;
        }
        catch (SocketException e)
        {
            // A machine without that address has nobody who listens on it.
            return e.SocketErrorCode is SocketError.AddressNotAvailable or SocketError.AddressFamilyNotSupported;
        }
    }
}
