using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using Etcd.Server.Hosting;
using Etcd.Server.Hosting.Flags;
using Etcd.Server.Hosting.Listeners;
using Etcd.Server.Io.Os;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Etcd.Server.Tests.Api;

/// <summary>A whole member in this process, on a free port, with its data in a folder that goes with it; clients speak to it by HTTP.</summary>
internal sealed class ApiHost : IAsyncDisposable
{
    private readonly DirectoryInfo _folder;
    private readonly EtcdMember _member;
    private readonly WebApplication _server;
    private GrpcChannel? _channel;

    private ApiHost(DirectoryInfo folder, EtcdMember member, WebApplication server)
    {
        _folder = folder;
        _member = member;
        _server = server;
        Http.BaseAddress = new Uri(server.Services.GetRequiredService<IBoundEndpoints>().Endpoints[0].ToString());
    }

    public HttpClient Http { get; } = new();

    /// <summary>The member.</summary>
    public EtcdMember Member => _member;

    /// <summary>A channel to it, for generated clients; goes with this object.</summary>
    public GrpcChannel Channel => _channel ??= GrpcChannel.ForAddress(Http.BaseAddress!);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static async Task<ApiHost> StartAsync(Func<ServerOptions, ServerOptions>? configure = null)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("etcd-api-");
        var options = new ServerOptions { DataDir = folder.FullName, ListenClientUrls = [EtcdUrl.Parse("http://127.0.0.1:0")], UnsafeNoFsync = true };
        options = configure?.Invoke(options) ?? options;
        var member = new EtcdMember(options, OsFileSystem.Instance, TimeProvider.System, NullLogger.Instance);
        WebApplication server = ClientServer.Build(options, member, NullLoggerFactory.Instance);
        await server.StartAsync(Cancel);
        member.Start();
        await member.Started.WaitAsync(Cancel);
        return new ApiHost(folder, member, server);
    }

    /// <summary>Begins a call whose requests are all there; its answer's headers have come.</summary>
    /// <param name="method">The path.</param>
    /// <param name="messages">The encoded requests.</param>
    public Task<HttpResponseMessage> CallAsync(string method, params byte[][] messages) => CallAsync(method, null, messages);

    /// <summary>The same with a deadline that only the server keeps.</summary>
    /// <param name="method">The path.</param>
    /// <param name="timeout">The deadline as gRPC writes it; null for none.</param>
    /// <param name="messages">The encoded requests.</param>
    public Task<HttpResponseMessage> CallAsync(string method, string? timeout, params byte[][] messages)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, method)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent([.. messages.SelectMany(Frame)]),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        if (timeout is not null)
        {
            request.Headers.Add("grpc-timeout", timeout);
        }

        return Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
    }

    /// <summary>Reads the next message of an answer.</summary>
    public static async Task<byte[]> ReadAsync(Stream answer)
    {
        var prefix = new byte[5];
        await answer.ReadExactlyAsync(prefix, Cancel);
        var message = new byte[BinaryPrimitives.ReadInt32BigEndian(prefix.AsSpan(1))];
        await answer.ReadExactlyAsync(message, Cancel);
        return message;
    }

    /// <summary>Waits until something holds.</summary>
    public static async Task UntilAsync(string what, Func<bool> holds)
    {
        long began = Stopwatch.GetTimestamp();
        while (!holds())
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(60), $"waited too long for {what}");
            await Task.Delay(TimeSpan.FromMilliseconds(10), Cancel);
        }
    }

    /// <summary>Streams end from now on.</summary>
    public void BeginStop() => _member.BeginStop();

    public async ValueTask DisposeAsync()
    {
        _channel?.Dispose();
        Http.Dispose();
        _member.BeginStop();
        await _server.StopAsync(CancellationToken.None);
        await _server.DisposeAsync();
        await _member.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private static byte[] Frame(byte[] message)
    {
        var frame = new byte[5 + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame, 5);
        return frame;
    }
}
