using System.Net;
using System.Net.Sockets;
using Etcd.Server.Hosting.Listeners;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Tests.Hosting.Listeners;

/// <summary>A server on our listener which answers each request with the protocol that it came by.</summary>
internal sealed class ListenerHost : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ListenerHost(WebApplication app) => _app = app;

    public IReadOnlyList<EtcdEndpoint> Endpoints => _app.Services.GetRequiredService<IBoundEndpoints>().Endpoints;

    public int Port => Endpoints[0].Port;

    /// <summary>Completes when a request to /hang has begun.</summary>
    public TaskCompletionSource Hanging { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static Task<ListenerHost> StartAsync(params string[] urls) => StartAsync(urls, null, null, null);

    public static async Task<ListenerHost> StartAsync(
        string[] urls,
        Action<EtcdListenerOptions>? options = null,
        ConnectionSettings? settings = null,
        TestCertificate? certificate = null,
        Action<HttpsConnectionAdapterOptions>? tls = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddEtcdListeners(options);
        builder.Services.Configure<SocketTransportOptions>(KestrelDefaults.Apply);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            KestrelDefaults.Apply(kestrel, settings);
            kestrel.ListenEtcd([.. urls.Select(EtcdEndpoint.Parse)], certificate is null ? null : https =>
            {
                https.ServerCertificate = certificate.Certificate;
                tls?.Invoke(https);
            });
        });
        var app = builder.Build();
        var host = new ListenerHost(app);
        app.Map("/hang", host.HangAsync);
        app.MapPost("/count", CountAsync);
        app.MapFallback(context => context.Response.WriteAsync($"{context.Request.Scheme} {context.Request.Protocol}", TestContext.Current.CancellationToken));
        try
        {
            await app.StartAsync(TestContext.Current.CancellationToken);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }

        return host;
    }

    public Task StopAsync() => _app.StopAsync(TestContext.Current.CancellationToken);

    public KestrelServerOptions KestrelOptions =>
        _app.Services.GetRequiredService<Microsoft.Extensions.Options.IOptions<KestrelServerOptions>>().Value;

    public async Task<string> AskAsync(string url, Version version)
    {
        using var client = Client();
        using var request = new HttpRequestMessage(HttpMethod.Get, url) { Version = version, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        return await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }

    public static HttpClient Client(string? unixSocket = null)
    {
        var handler = new SocketsHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = (_, presented, _, _) => presented is not null;
        if (unixSocket is not null)
        {
            handler.ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(unixSocket), cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            };
        }

        return new HttpClient(handler);
    }

    public async Task<NetworkStream> ConnectAsync()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, Port, TestContext.Current.CancellationToken);
        return new NetworkStream(socket, ownsSocket: true);
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task HangAsync(HttpContext context)
    {
        await context.Response.Body.FlushAsync(context.RequestAborted);
        Hanging.TrySetResult();
        await Task.Delay(Timeout.Infinite, context.RequestAborted);
    }

    private static async Task CountAsync(HttpContext context)
    {
        long total = 0;
        var buffer = new byte[64 * 1024];
        int count;
        while ((count = await context.Request.Body.ReadAsync(buffer, context.RequestAborted)) > 0)
        {
            total += count;
        }

        await context.Response.WriteAsync(total.ToString(System.Globalization.CultureInfo.InvariantCulture), context.RequestAborted);
    }
}
