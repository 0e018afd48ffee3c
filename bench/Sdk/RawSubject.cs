using Etcd.Protocol.Etcdserverpb;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

namespace Etcd.Bench.Sdk;

/// <summary>The generated gRPC client, used as well as it can be: one channel, bytes not copied, all watches on one stream.</summary>
internal sealed class RawSubject : ISubject
{
    public const string Title = "gRPC";

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    private readonly GrpcChannel _channel;
    private readonly KV.KVClient _kv;

    public RawSubject(string url)
    {
        _channel = GrpcChannel.ForAddress(url);
        _kv = new KV.KVClient(_channel);
    }

    public string Name => Title;

    public async ValueTask PutAsync(byte[] key, byte[] value) => await _kv.PutAsync(
        new PutRequest { Key = UnsafeByteOperations.UnsafeWrap(key), Value = UnsafeByteOperations.UnsafeWrap(value) },
        deadline: DateTime.UtcNow + Timeout).ConfigureAwait(false);

    public async ValueTask GetAsync(byte[] key) => await _kv.RangeAsync(
        new RangeRequest { Key = UnsafeByteOperations.UnsafeWrap(key) }, deadline: DateTime.UtcNow + Timeout).ConfigureAwait(false);

    public async Task WatchAsync(byte[] key, int watches, EventHandler onEvent, CancellationToken cancellation)
    {
        AsyncDuplexStreamingCall<WatchRequest, WatchResponse> call =
            new Protocol.Etcdserverpb.Watch.WatchClient(_channel).Watch(cancellationToken: cancellation);
        var create = new WatchRequest { CreateRequest = new WatchCreateRequest { Key = UnsafeByteOperations.UnsafeWrap(key) } };
        Task reading = ReadAsync(call, watches, onEvent, out Task created);
        for (int i = 0; i < watches; i++)
            await call.RequestStream.WriteAsync(create, cancellation).ConfigureAwait(false);
        await await Task.WhenAny(created, reading).ConfigureAwait(false);
    }

    public ValueTask DisposeAsync()
    {
        _channel.Dispose();
        return ValueTask.CompletedTask;
    }

    private static Task ReadAsync(
        AsyncDuplexStreamingCall<WatchRequest, WatchResponse> call, int watches, EventHandler onEvent, out Task created)
    {
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        created = all.Task;
        return Task.Run(async () =>
        {
            using (call)
            {
                int open = watches;
                while (await call.ResponseStream.MoveNext(CancellationToken.None).ConfigureAwait(false))
                {
                    WatchResponse response = call.ResponseStream.Current;
                    if (response.Created && --open == 0)
                        all.SetResult();
                    // The server counts the watches of a stream from 0.
                    for (int i = 0; i < response.Events.Count; i++)
                        onEvent((int)response.WatchId, response.Events[i].Kv.Value.Span);
                }
            }
        });
    }
}
