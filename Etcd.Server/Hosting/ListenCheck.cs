using System.Net;
using System.Net.Sockets;
using Etcd.Server.Hosting.Flags;
using Etcd.Server.Hosting.Listeners;

namespace Etcd.Server.Hosting;

/// <summary>
/// Looks whether the addresses to listen on are free before the data folder is touched, so that a second start by mistake
/// changes nothing. The listeners themselves come later and have the last word.
/// </summary>
internal static class ListenCheck
{
    /// <summary>Binds and releases each TCP address.</summary>
    /// <param name="urls">The listen URLs.</param>
    /// <exception cref="IOException">One is in use, or not an address of this machine; the message names it as etcd does.</exception>
    public static void EnsureFree(IEnumerable<EtcdUrl> urls)
    {
        // Several URLs may share one port (http and https); the same address is looked at once.
        foreach (EtcdUrl url in urls.Where(u => !u.IsUnix && u.Port != 0).DistinctBy(u => (u.Host, u.Port)))
        {
            EndPoint address = EtcdEndpoint.From(url).ToSocketAddress();
            using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                // As the listener will: a port whose last connections are still closing counts as free, and the
                // unspecified address means both families.
                socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, !OperatingSystem.IsWindows());
                if (address is IPEndPoint ip && ip.Address.Equals(IPAddress.IPv6Any))
                {
                    socket.DualMode = true;
                }

                socket.Bind(address);
                socket.Listen(1);
            }
            catch (SocketException e)
            {
                string host = url.Host.Contains(':', StringComparison.Ordinal) ? $"[{url.Host}]" : url.Host;
                string reason = e.SocketErrorCode == SocketError.AddressAlreadyInUse ? "address already in use" : e.Message;
                throw new IOException($"listen tcp {host}:{url.Port}: bind: {reason}", e);
            }
        }
    }
}
