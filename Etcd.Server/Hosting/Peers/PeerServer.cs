using Etcd.Server.Hosting.Flags;
using Etcd.Server.Peer;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Peers;

/// <summary>Builds the web server on --listen-peer-urls.</summary>
internal static class PeerServer
{
    /// <summary>What may wait in one stream's connection before its writer waits: a batch of entries, so that a lone flush never does.</summary>
    private const int ConnectionBufferBytes = 1024 * 1024;

    /// <summary>
    /// The server. It answers at once: a member that starts needs the others before it can serve clients, and they need it.
    /// </summary>
    /// <param name="options">Where, and its certificate.</param>
    /// <param name="transport">Where messages go.</param>
    /// <param name="services">Who answers the rest.</param>
    /// <param name="logging">Where it logs.</param>
    public static WebApplication Build(ServerOptions options, PeerTransport transport, IPeerServices services, ILoggerFactory logging)
    {
        WebApplicationBuilder builder = ClientServer.NewBuilder(logging, options.ListenPeerUrls, options, PeerTls.ForServer(options));
        builder.Services.AddRoutingCore();
        builder.Services.Configure<KestrelServerOptions>(kestrel => kestrel.Limits.MaxResponseBufferSize = ConnectionBufferBytes);
        WebApplication app = builder.Build();
        app.MapPeers(transport, services);
        return app;
    }
}
