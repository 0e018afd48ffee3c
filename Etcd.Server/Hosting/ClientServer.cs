using Etcd.Protocol.Errors;
using Etcd.Server.Api;
using Etcd.Server.Api.Http;
using Etcd.Server.Hosting.Flags;
using Etcd.Server.Hosting.Listeners;
using Etcd.Server.Primitives;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting;

/// <summary>Builds the web servers of a member: one for clients, one for peers.</summary>
internal static class ClientServer
{
    /// <summary>The server on --listen-client-urls: gRPC and HTTP.</summary>
    /// <param name="options">Where, and the limits.</param>
    /// <param name="member">What is served. Requests wait until it has started.</param>
    /// <param name="logging">Where it logs.</param>
    public static WebApplication Build(ServerOptions options, EtcdMember member, ILoggerFactory logging)
    {
        WebApplicationBuilder builder = NewBuilder(logging, options.ListenClientUrls, options, ClientTls.For(options, options.ListenClientUrls));
        builder.AddServerTelemetry();
        ApiContext api = member.Api;
        builder.Services.AddEtcdApi(api, options.MaxRequestBytes + Limits.GrpcOverheadBytes);
        WebApplication app = builder.Build();
        app.UseWhenStarted(member.Serving);
        app.UseCallRouting();
        app.UseAccessRules(new AccessRules(options.HostWhitelist, options.Cors));
        if (options.EnableGrpcGateway)
        {
            // Its feature costs each request an object; calls are POSTs, and what opens a WebSocket never is.
            app.UseWhen(static http => !HttpMethods.IsPost(http.Request.Method), static branch => branch.UseWebSockets());
        }

        app.UseCallAdmission(api);
        app.MapEtcdApi(api, options.EnableGrpcGateway);
        return app;
    }

    /// <summary>The server on --listen-metrics-urls, which answers before the member has started, too; null if there are none.</summary>
    /// <param name="options">Where, and its certificate.</param>
    /// <param name="member">What is shown.</param>
    /// <param name="logging">Where it logs.</param>
    public static WebApplication? BuildForMetrics(ServerOptions options, EtcdMember member, ILoggerFactory logging)
    {
        if (options.ListenMetricsUrls.Count == 0)
        {
            return null;
        }

        WebApplicationBuilder builder = NewBuilder(
            logging, options.ListenMetricsUrls, options, ClientTls.For(options, options.ListenMetricsUrls));
        builder.Services.AddRoutingCore();
        WebApplication app = builder.Build();
        app.MapEtcdMetrics(member.Api);
        return app;
    }

    /// <summary>The server on --listen-peer-urls.</summary>
    /// <param name="options">Where.</param>
    /// <param name="member">What is served.</param>
    /// <param name="logging">Where it logs.</param>
    public static WebApplication BuildForPeers(ServerOptions options, EtcdMember member, ILoggerFactory logging) =>
        Peers.PeerServer.Build(options, member.Peers, member.PeerServices, logging);

    /// <summary>A web server without anything to serve yet.</summary>
    /// <param name="logging">Where it logs.</param>
    /// <param name="urls">Where it listens.</param>
    /// <param name="options">The limits.</param>
    /// <param name="tls">Its certificate; null if no URL asks for TLS.</param>
    public static WebApplicationBuilder NewBuilder(
        ILoggerFactory logging, IReadOnlyList<EtcdUrl> urls, ServerOptions options, TlsPort? tls)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        if (tls is not null)
        {
            builder.WebHost.UseKestrelHttpsConfiguration();
        }

        builder.Services.AddSingleton(logging);
        builder.Services.AddSingleton<IHostLifetime, ProgramLifetime>();
        builder.Services.AddEtcdListeners();
        builder.Services.Configure<SocketTransportOptions>(KestrelDefaults.Apply);
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(1));
        builder.WebHost.ConfigureKestrel((_, kestrel) =>
        {
            KestrelDefaults.Apply(kestrel, new ConnectionSettings
            {
                StreamsPerConnectionMax = options.MaxConcurrentStreams,
                KeepAliveInterval = options.GrpcKeepAliveInterval,
                KeepAliveTimeout = options.GrpcKeepAliveTimeout,
            });
            kestrel.ListenAdmitting([.. urls.Select(EtcdEndpoint.From)], tls);
        });
        return builder;
    }

    /// <summary>Holds requests back until the member has recovered, as etcd leaves them in the listener's queue.</summary>
    private static void UseWhenStarted(this WebApplication app, Task started) => app.Use(next => http =>
        started.IsCompletedSuccessfully ? next(http) : WaitAsync(started, next, http));

    private static async Task WaitAsync(Task started, RequestDelegate next, HttpContext http)
    {
        try
        {
            await started.WaitAsync(http.RequestAborted).ConfigureAwait(false);
        }
        catch (EtcdErrorException)
        {
            // The member ends before it has begun: as if nobody listened.
            http.Abort();
            return;
        }

        await next(http).ConfigureAwait(false);
    }
}
