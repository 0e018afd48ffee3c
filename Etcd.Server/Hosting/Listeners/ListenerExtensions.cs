using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Etcd.Server.Hosting.Listeners;

/// <summary>Makes Kestrel serve gRPC and HTTP/1.1 on one port, with TLS and without.</summary>
public static class ListenerExtensions
{
    /// <summary>Registers the transport that <see cref="ListenEtcd"/> needs, and <see cref="IBoundEndpoints"/>.</summary>
    public static IServiceCollection AddEtcdListeners(this IServiceCollection services, Action<EtcdListenerOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddOptions<EtcdListenerOptions>();
        if (configure is not null)
        {
            services.Configure(configure);
        }

        services.TryAddSingleton<EtcdListenerFactory>();
        services.TryAddSingleton<IBoundEndpoints>(static provider => provider.GetRequiredService<EtcdListenerFactory>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConnectionListenerFactory, EtcdListenerFactory>(
            static provider => provider.GetRequiredService<EtcdListenerFactory>()));
        return services;
    }

    /// <summary>
    /// Listens on all the given URLs. On a clear-text socket HTTP/2 with prior knowledge and HTTP/1.1 are told apart by
    /// the first bytes; on a TLS socket by ALPN; where http and https URLs name the same port, TLS is told apart, too.
    /// </summary>
    /// <param name="kestrel">The server's options; see <see cref="KestrelDefaults"/> for its limits.</param>
    /// <param name="endpoints">The listen URLs.</param>
    /// <param name="configureTls">Certificates and client verification; required if a URL is https or unixs.</param>
    /// <exception cref="ArgumentException">A URL asks for TLS and <paramref name="configureTls"/> is null.</exception>
    public static void ListenEtcd(
        this KestrelServerOptions kestrel,
        IReadOnlyList<EtcdEndpoint> endpoints,
        Action<HttpsConnectionAdapterOptions>? configureTls = null)
    {
        ArgumentNullException.ThrowIfNull(kestrel);
        ArgumentNullException.ThrowIfNull(endpoints);
        if (configureTls is null && endpoints.FirstOrDefault(e => e.IsTls) is { } secure)
        {
            throw new ArgumentException($"{secure} needs a certificate", nameof(configureTls));
        }

        ListenAdmitting(kestrel, endpoints, configureTls is null ? null : new TlsPort(configureTls));
    }

    /// <summary>As <see cref="ListenEtcd"/>, with a say in who is let in.</summary>
    /// <param name="kestrel">The server's options.</param>
    /// <param name="endpoints">The listen URLs.</param>
    /// <param name="tls">TLS; not null if a URL is https or unixs.</param>
    internal static void ListenAdmitting(this KestrelServerOptions kestrel, IReadOnlyList<EtcdEndpoint> endpoints, TlsPort? tls)
    {
        foreach (var plan in SocketPlan.Group(endpoints))
        {
            foreach (var protocol in plan.Protocols)
            {
                kestrel.Listen(new LogicalEndPoint(plan, protocol), listen => Configure(listen, protocol, tls));
            }
        }
    }

    private static void Configure(ListenOptions listen, WireProtocol protocol, TlsPort? tls)
    {
        switch (protocol)
        {
            case WireProtocol.Http1:
                listen.Protocols = HttpProtocols.Http1;
                break;
            case WireProtocol.Http2:
                listen.Protocols = HttpProtocols.Http2;
                break;
            default:
                listen.Protocols = HttpProtocols.Http1AndHttp2;
                listen.Use(TlsRejections.Logged(listen.ApplicationServices, tls!.IsForPeers));
                listen.UseHttps(tls.Configure);
                listen.Use(TlsRejections.Admitted(tls));
                break;
        }
    }
}
