using System.Collections.Concurrent;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.Mvccpb;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Metadata = Grpc.Core.Metadata;

namespace Etcd.Grpc.Tests.Together;

/// <summary>
/// Services made by Grpc.Tools on the server package, on Kestrel in this process: what the client package talks to. Every
/// call that waits says in <see cref="CallLog"/> when it was cancelled.
/// </summary>
internal sealed class EchoServer : IAsyncDisposable
{
    public const int MessageBytesMax = 12 * 1024 * 1024;

    private readonly WebApplication _app;

    private EchoServer(WebApplication app, string address)
    {
        _app = app;
        Address = address;
    }

    public string Address { get; }

    public CallLog Log => _app.Services.GetRequiredService<CallLog>();

    public static async Task<EchoServer> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(System.Net.IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
            kestrel.Limits.Http2.MaxStreamsPerConnection = 2000;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinResponseDataRate = null;
        });
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<CallLog>();
        builder.Services.AddSingleton<EchoKv>();
        builder.Services.AddSingleton<EchoWatch>();
        builder.Services.AddSingleton<EchoMaintenance>();
        builder.Services.AddGrpc(grpc => grpc.MaxReceiveMessageSize = MessageBytesMax);
        WebApplication app = builder.Build();
        app.MapGrpcService<EchoKv>();
        app.MapGrpcService<EchoWatch>();
        app.MapGrpcService<EchoMaintenance>();
        await app.StartAsync();
        string address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return new EchoServer(app, address);
    }

    public GrpcChannel Connect(Action<GrpcChannelOptions>? configure = null)
    {
        var options = new GrpcChannelOptions { MaxReceiveMessageSize = MessageBytesMax };
        configure?.Invoke(options);
        return GrpcChannel.ForAddress(Address, options);
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    /// <summary>What the server saw.</summary>
    internal sealed class CallLog
    {
        /// <summary>Calls whose token was cancelled, by the name that the client gave them.</summary>
        public ConcurrentDictionary<string, TaskCompletionSource> Ended { get; } = new();

        public Task WhenEnded(string name) => Ended.GetOrAdd(name, _ => New()).Task;

        public Task WhenBegun(string name) => Begun.GetOrAdd(name, _ => New()).Task;

        /// <summary>Messages that the snapshot stream has handed over.</summary>
        public int Written;

        private ConcurrentDictionary<string, TaskCompletionSource> Begun { get; } = new();

        public async Task WaitForCancellation(string name, CancellationToken cancellation)
        {
            Begun.GetOrAdd(name, _ => New()).TrySetResult();
            try
            {
                await Task.Delay(Timeout.Infinite, cancellation);
            }
            finally
            {
                Ended.GetOrAdd(name, _ => New()).TrySetResult();
            }
        }

        private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    internal sealed class EchoKv(CallLog log) : KV.KVBase
    {
        public override async Task<RangeResponse> Range(RangeRequest request, ServerCallContext context)
        {
            string key = request.Key.ToStringUtf8();
            switch (key)
            {
                case "missing":
                    throw new RpcException(
                        new Status(StatusCode.NotFound, "100 % of süß keys are gone"),
                        new Metadata { { "why-bin", new byte[] { 0, 255, 1 } }, { "where", "here" } });
                case "broken":
                    throw new InvalidOperationException("a secret");
                case var wait when wait.StartsWith("wait", StringComparison.Ordinal):
                    await log.WaitForCancellation(wait, context.CancellationToken);
                    break;
                default:
                    break;
            }

            context.ResponseTrailers.Add("seen", context.RequestHeaders.GetValue("tag") ?? "nothing");
            return new RangeResponse { Count = 1, Kvs = { new KeyValue { Key = request.Key, ModRevision = request.Revision } } };
        }

        public override Task<PutResponse> Put(PutRequest request, ServerCallContext context) =>
            Task.FromResult(new PutResponse { PrevKv = new KeyValue { Key = request.Key, Value = request.Value } });
    }

    internal sealed class EchoWatch : Watch.WatchBase
    {
        public override async Task Watch(
            IAsyncStreamReader<WatchRequest> requestStream, IServerStreamWriter<WatchResponse> responseStream, ServerCallContext context)
        {
            while (await requestStream.MoveNext(context.CancellationToken))
            {
                await responseStream.WriteAsync(
                    new WatchResponse { Created = true, WatchId = requestStream.Current.CreateRequest.WatchId }, context.CancellationToken);
            }
        }
    }

    internal sealed class EchoMaintenance(CallLog log) : Maintenance.MaintenanceBase
    {
        public override async Task Snapshot(SnapshotRequest request, IServerStreamWriter<SnapshotResponse> responseStream, ServerCallContext context)
        {
            var chunk = ByteString.CopyFrom(new byte[32 * 1024]);
            for (int i = 0; i < 2000; i++)
            {
                await responseStream.WriteAsync(
                    new SnapshotResponse { Blob = chunk, RemainingBytes = (ulong)(1999 - i) }, context.CancellationToken);
                Interlocked.Increment(ref log.Written);
            }
        }
    }
}
