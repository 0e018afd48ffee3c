using System.Net;
using System.Net.Sockets;

namespace Etcd.Server.Hosting.Listeners;

/// <summary>One socket to open, and the listen URLs that it serves: <c>http</c> and <c>https</c> may share a port.</summary>
internal sealed class SocketPlan(EndPoint address, IReadOnlyList<EtcdEndpoint> endpoints)
{
    public EndPoint Address { get; } = address;

    public IReadOnlyList<EtcdEndpoint> Endpoints { get; } = endpoints;

    public IReadOnlyList<WireProtocol> Protocols { get; } = ProtocolsOf(endpoints);

    /// <summary>Groups URLs by the socket that they need. Port 0 is a socket of its own each time.</summary>
    public static IReadOnlyList<SocketPlan> Group(IReadOnlyList<EtcdEndpoint> endpoints)
    {
        var sockets = new List<(EndPoint Address, List<EtcdEndpoint> Endpoints)>();
        foreach (var endpoint in endpoints)
        {
            var address = endpoint.ToSocketAddress();
            var shared = address is IPEndPoint { Port: 0 } ? null : sockets.Find(s => SameSocket(s.Address, address)).Endpoints;
            if (shared is null)
            {
                sockets.Add((address, [endpoint]));
            }
            else if (!shared.Contains(endpoint))
            {
                shared.Add(endpoint);
            }
        }

        return sockets.ConvertAll(s => new SocketPlan(s.Address, s.Endpoints));
    }

    public override string ToString() => Endpoints[0].ToString();

    private static bool SameSocket(EndPoint left, EndPoint right) => (left, right) switch
    {
        (UnixDomainSocketEndPoint a, UnixDomainSocketEndPoint b) => a.ToString() == b.ToString(),
        _ => left.Equals(right),
    };

    private static WireProtocol[] ProtocolsOf(IReadOnlyList<EtcdEndpoint> endpoints)
    {
        var clear = endpoints.Any(e => !e.IsTls);
        var tls = endpoints.Any(e => e.IsTls);
        return (clear, tls) switch
        {
            (true, true) => [WireProtocol.Http1, WireProtocol.Http2, WireProtocol.Tls],
            (true, false) => [WireProtocol.Http1, WireProtocol.Http2],
            _ => [WireProtocol.Tls],
        };
    }
}
