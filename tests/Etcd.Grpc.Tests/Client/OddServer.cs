using System.Buffers.Binary;
using System.Net;
using System.Text;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Etcd.Grpc.Tests.Client;

/// <summary>
/// A Kestrel HTTP/2 endpoint on a free port whose answers are written byte by byte in the test, so that it can answer
/// as no proper gRPC server would. It knows nothing of the gRPC server under standins/.
/// </summary>
internal sealed class OddServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private OddServer(WebApplication app) => _app = app;

    public string Address => _app.Services.GetRequiredService<IServer>()
        .Features.Get<IServerAddressesFeature>()!.Addresses.First();

    public static async Task<OddServer> StartAsync(RequestDelegate answer, Action<KestrelServerOptions>? configure = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            configure?.Invoke(kestrel);
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
        });
        builder.Services.Configure<Microsoft.Extensions.Hosting.HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromMilliseconds(200));
        var app = builder.Build();
        app.Run(answer);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new OddServer(app);
    }

    public GrpcChannel Connect(Action<GrpcChannelOptions>? configure = null)
    {
        var options = new GrpcChannelOptions();
        configure?.Invoke(options);
        return GrpcChannel.ForAddress(Address, options);
    }

    public Task StopAsync() => _app.StopAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
    }
}

/// <summary>gRPC framing by hand.</summary>
internal static class Wire
{
    public static void StartGrpc(this HttpContext context) => context.Response.ContentType = "application/grpc";

    public static void EndGrpc(this HttpContext context, int status = 0, string? message = null)
    {
        context.Response.AppendTrailer("grpc-status", status.ToString(System.Globalization.CultureInfo.InvariantCulture));
        if (message is not null)
            context.Response.AppendTrailer("grpc-message", message);
    }

    public static Task WriteMessageAsync(this HttpContext context, string text) =>
        context.Response.Body.WriteAsync(Frame(Encoding.UTF8.GetBytes(text))).AsTask();

    public static byte[] Frame(byte[] payload, byte flag = 0)
    {
        var frame = new byte[5 + payload.Length];
        frame[0] = flag;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), payload.Length);
        payload.CopyTo(frame, 5);
        return frame;
    }

    /// <summary>The next request message with its flag, or null at the end of the request.</summary>
    public static async Task<(byte Flag, byte[] Payload)?> ReadMessageAsync(this HttpContext context)
    {
        var prefix = new byte[5];
        if (await context.Request.Body.ReadAtLeastAsync(prefix, 5, throwOnEndOfStream: false, context.RequestAborted) < 5)
            return null;
        var payload = new byte[BinaryPrimitives.ReadInt32BigEndian(prefix.AsSpan(1))];
        await context.Request.Body.ReadExactlyAsync(payload, context.RequestAborted);
        return (prefix[0], payload);
    }

    public static async Task<string?> ReadTextAsync(this HttpContext context) =>
        await context.ReadMessageAsync() is { } message ? Encoding.UTF8.GetString(message.Payload) : null;

    /// <summary>Answers a unary call as a proper server does.</summary>
    public static async Task AnswerAsync(this HttpContext context, string text)
    {
        context.StartGrpc();
        await context.WriteMessageAsync(text);
        context.EndGrpc();
    }
}

/// <summary>Methods over plain text, and over bytes where a message is long.</summary>
internal static class TextService
{
    private static readonly Marshaller<byte[]> _bytes = Marshallers.Create(bytes => bytes, bytes => bytes);

    public static readonly Method<string, string> Unary = Text(MethodType.Unary);
    public static readonly Method<string, string> ServerStreaming = Text(MethodType.ServerStreaming);
    public static readonly Method<string, string> ClientStreaming = Text(MethodType.ClientStreaming);
    public static readonly Method<string, string> Duplex = Text(MethodType.DuplexStreaming);
    public static readonly Method<byte[], byte[]> UnaryBytes = new(MethodType.Unary, "test.Bytes", "Unary", _bytes, _bytes);
    public static readonly Method<byte[], byte[]> DuplexBytes = new(MethodType.DuplexStreaming, "test.Bytes", "Duplex", _bytes, _bytes);

    public static AsyncUnaryCall<string> CallUnary(this GrpcChannel channel, string request, CallOptions options = default) =>
        channel.CreateCallInvoker().AsyncUnaryCall(Unary, null, options, request);

    public static AsyncServerStreamingCall<string> CallServerStreaming(
        this GrpcChannel channel, string request, CallOptions options = default) =>
        channel.CreateCallInvoker().AsyncServerStreamingCall(ServerStreaming, null, options, request);

    public static AsyncClientStreamingCall<string, string> CallClientStreaming(this GrpcChannel channel, CallOptions options = default) =>
        channel.CreateCallInvoker().AsyncClientStreamingCall(ClientStreaming, null, options);

    public static AsyncDuplexStreamingCall<string, string> CallDuplex(this GrpcChannel channel, CallOptions options = default) =>
        channel.CreateCallInvoker().AsyncDuplexStreamingCall(Duplex, null, options);

    public static async Task<RpcException> FailsAsync(Task call) => await Assert.ThrowsAsync<RpcException>(() => call);

    private static Method<string, string> Text(MethodType type) =>
        new(type, "test.Text", type.ToString(), Marshallers.StringMarshaller, Marshallers.StringMarshaller);
}
