using System.Net;
using System.Net.Sockets;

namespace Etcd.TestKit.Processes;

/// <summary>Ports for processes that are about to start.</summary>
public static class FreePorts
{
    // Below the range from which systems take ports for outgoing connections: such a connection cannot take the port
    // between this look and the start of the process that is to listen there. Five digits each: tables stay as wide.
    private const int First = 20_000;
    private const int End = 32_000;

    private static readonly Lock Gate = new();
    private static readonly HashSet<int> Given = [];

    /// <summary>A port on which nothing listens and which no earlier call gave.</summary>
    public static int Take()
    {
        lock (Gate)
        {
            while (true)
            {
                int port = Random.Shared.Next(First, End);
                if (IsFree(port) && Given.Add(port))
                {
                    return port;
                }
            }
        }
    }

    /// <summary>Ports in a row that are free and that no earlier call gave; the first of them.</summary>
    public static int TakeRow(int count)
    {
        lock (Gate)
        {
            while (true)
            {
                int first = Random.Shared.Next(First, End - count);
                int[] row = [.. Enumerable.Range(first, count)];
                if (!row.Any(Given.Contains) && row.All(IsFree))
                {
                    Given.UnionWith(row);
                    return first;
                }
            }
        }
    }

    /// <summary>Whether nothing listens on the port.</summary>
    public static bool IsFree(int port) => CanListen(IPAddress.Loopback, port) && CanListen(IPAddress.Any, port);

    private static bool CanListen(IPAddress address, int port)
    {
        using var listener = new TcpListener(address, port);
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
