using Etcd.Protocol.Etcdserverpb;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Metadata = Grpc.Core.Metadata;

namespace Etcd.Grpc.Tests.Together;

/// <summary>
/// The client package and the server package on one wire, with stubs that Grpc.Tools made: what one promises, the other keeps.
/// </summary>
public sealed class ClientAndServerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AUnaryCallCarriesMessageMetadataAndTrailers()
    {
        await using EchoServer server = await EchoServer.StartAsync();
        using GrpcChannel channel = server.Connect();
        using AsyncUnaryCall<RangeResponse> call = new KV.KVClient(channel).RangeAsync(
            new RangeRequest { Key = Utf8("k"), Revision = long.MaxValue }, new Metadata { { "tag", "42" } }, cancellationToken: Stop);
        RangeResponse response = await call;
        Assert.Equal("k", response.Kvs[0].Key.ToStringUtf8());
        Assert.Equal(long.MaxValue, response.Kvs[0].ModRevision);
        Assert.Equal("42", call.GetTrailers().GetValue("seen"));
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
    }

    [Fact]
    public async Task AnErrorKeepsItsCodeItsTextAndItsTrailers()
    {
        await using EchoServer server = await EchoServer.StartAsync();
        using GrpcChannel channel = server.Connect();
        RpcException error = await Assert.ThrowsAsync<RpcException>(
            async () => await new KV.KVClient(channel).RangeAsync(new RangeRequest { Key = Utf8("missing") }, cancellationToken: Stop));
        Assert.Equal((StatusCode.NotFound, "100 % of süß keys are gone"), (error.StatusCode, error.Status.Detail));
        Assert.Equal([0, 255, 1], error.Trailers.GetValueBytes("why-bin"));
        Assert.Equal("here", error.Trailers.GetValue("where"));
    }

    [Fact]
    public async Task AHandlersFailureTellsNothingOfItsInside()
    {
        await using EchoServer server = await EchoServer.StartAsync();
        using GrpcChannel channel = server.Connect();
        RpcException error = await Assert.ThrowsAsync<RpcException>(
            async () => await new KV.KVClient(channel).RangeAsync(new RangeRequest { Key = Utf8("broken") }, cancellationToken: Stop));
        Assert.Equal(StatusCode.Unknown, error.StatusCode);
        Assert.DoesNotContain("secret", error.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AMethodThatIsNotThereIsUnimplemented()
    {
        await using EchoServer server = await EchoServer.StartAsync();
        using GrpcChannel channel = server.Connect();
        Assert.Equal(StatusCode.Unimplemented, await Code(new KV.KVClient(channel).TxnAsync(new TxnRequest(), cancellationToken: Stop)));
        Assert.Equal(
            StatusCode.Unimplemented, await Code(new Lease.LeaseClient(channel).LeaseLeasesAsync(new LeaseLeasesRequest(), cancellationToken: Stop)));
    }

    [Fact]
    public async Task TenMebibytesGoThereAndBackAndMoreIsRefusedBySideAndName()
    {
        await using EchoServer server = await EchoServer.StartAsync();
        using GrpcChannel channel = server.Connect();
        var value = new byte[10 * 1024 * 1024];
        new Random(1).NextBytes(value);
        PutResponse response = await new KV.KVClient(channel).PutAsync(
            new PutRequest { Key = Utf8("k"), Value = ByteString.CopyFrom(value) }, cancellationToken: Stop);
        Assert.True(response.PrevKv.Value.Span.SequenceEqual(value));

        var tooLarge = new PutRequest { Key = Utf8("k"), Value = ByteString.CopyFrom(new byte[EchoServer.MessageBytesMax + 1]) };
        Assert.Equal(StatusCode.ResourceExhausted, await Code(new KV.KVClient(channel).PutAsync(tooLarge, cancellationToken: Stop)));

        using GrpcChannel narrow = server.Connect(o => o.MaxReceiveMessageSize = 1000);
        var large = new PutRequest { Key = Utf8("k"), Value = ByteString.CopyFrom(new byte[2000]) };
        Assert.Equal(StatusCode.ResourceExhausted, await Code(new KV.KVClient(narrow).PutAsync(large, cancellationToken: Stop)));
    }

    [Fact]
    public async Task AThousandStreamsTalkOnOneConnection()
    {
        await using EchoServer server = await EchoServer.StartAsync();
        using GrpcChannel channel = server.Connect();
        var client = new Watch.WatchClient(channel);
        List<AsyncDuplexStreamingCall<WatchRequest, WatchResponse>> calls = [];
        for (int i = 0; i < 1000; i++)
        {
            calls.Add(client.Watch(cancellationToken: Stop));
            await calls[i].RequestStream.WriteAsync(Create(i), Stop);
        }

        for (int i = 0; i < calls.Count; i++)
        {
            Assert.True(await calls[i].ResponseStream.MoveNext(Stop));
            Assert.Equal(i, calls[i].ResponseStream.Current.WatchId);
        }

        foreach (AsyncDuplexStreamingCall<WatchRequest, WatchResponse> call in calls)
        {
            await call.RequestStream.CompleteAsync();
            Assert.False(await call.ResponseStream.MoveNext(Stop));
            Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
            call.Dispose();
        }
    }

    [Fact]
    public async Task ADeadlineThatPassesEndsBothSides()
    {
        await using EchoServer server = await EchoServer.StartAsync();
        using GrpcChannel channel = server.Connect();
        var request = new RangeRequest { Key = Utf8("wait for the deadline") };
        Assert.Equal(
            StatusCode.DeadlineExceeded,
            await Code(new KV.KVClient(channel).RangeAsync(request, deadline: DateTime.UtcNow.AddMilliseconds(300), cancellationToken: Stop)));
        // A call whose deadline passes before it is sent never reaches the server; the other way it must be cancelled there.
        if (server.Log.WhenBegun("wait for the deadline").IsCompleted)
        {
            await server.Log.WhenEnded("wait for the deadline").WaitAsync(Patience, Stop);
        }
    }

    [Fact]
    public async Task AClientThatCancelsEndsTheCallOnTheServer()
    {
        await using EchoServer server = await EchoServer.StartAsync();
        using GrpcChannel channel = server.Connect();
        using var cancel = new CancellationTokenSource();
        AsyncUnaryCall<RangeResponse> call = new KV.KVClient(channel).RangeAsync(
            new RangeRequest { Key = Utf8("wait for the client") }, cancellationToken: cancel.Token);
        await server.Log.WhenBegun("wait for the client").WaitAsync(Patience, Stop);
        await cancel.CancelAsync();
        Assert.Equal(StatusCode.Cancelled, await Code(call));
        await server.Log.WhenEnded("wait for the client").WaitAsync(Patience, Stop);
    }

    [Fact]
    public async Task AClientThatVanishesEndsItsCallsOnTheServer()
    {
        await using EchoServer server = await EchoServer.StartAsync();
        GrpcChannel channel = server.Connect();
        AsyncUnaryCall<RangeResponse> call = new KV.KVClient(channel).RangeAsync(
            new RangeRequest { Key = Utf8("wait for nobody") }, cancellationToken: Stop);
        await server.Log.WhenBegun("wait for nobody").WaitAsync(Patience, Stop);
        channel.Dispose();
        await server.Log.WhenEnded("wait for nobody").WaitAsync(Patience, Stop);
        Assert.NotEqual(StatusCode.OK, await Code(call));
    }

    [Fact]
    public async Task ASlowReaderHoldsTheWriterBackAndLosesNothing()
    {
        await using EchoServer server = await EchoServer.StartAsync();
        using GrpcChannel channel = server.Connect();
        using AsyncServerStreamingCall<SnapshotResponse> call = new Maintenance.MaintenanceClient(channel)
            .Snapshot(new SnapshotRequest(), cancellationToken: Stop);
        Assert.True(await call.ResponseStream.MoveNext(Stop));
        int seen = 0, before;
        do
        {
            // The writer runs until windows and buffers are full, and then no further: wait until it has come to rest.
            before = seen;
            await Task.Delay(200, Stop);
            seen = Volatile.Read(ref server.Log.Written);
        }
        while (seen != before);

        Assert.InRange(seen, 1, 1900);
        ulong expected = 1998;
        while (await call.ResponseStream.MoveNext(Stop))
        {
            Assert.Equal(expected--, call.ResponseStream.Current.RemainingBytes);
        }

        Assert.Equal(ulong.MaxValue, expected);
    }

    [Fact]
    public async Task AServerThatStopsEndsOpenStreamsAsUnavailable()
    {
        EchoServer server = await EchoServer.StartAsync();
        using GrpcChannel channel = server.Connect();
        using AsyncDuplexStreamingCall<WatchRequest, WatchResponse> call = new Watch.WatchClient(channel).Watch(cancellationToken: Stop);
        await call.RequestStream.WriteAsync(Create(1), Stop);
        Assert.True(await call.ResponseStream.MoveNext(Stop));
        ValueTask stopped = server.DisposeAsync();
        RpcException error = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(Stop));
        Assert.Equal(StatusCode.Unavailable, error.StatusCode);
        await stopped;
        Assert.Equal(
            StatusCode.Unavailable, await Code(new KV.KVClient(channel).RangeAsync(new RangeRequest { Key = Utf8("k") }, cancellationToken: Stop)));
    }

    [Fact]
    public async Task CompressedRequestsAreUnderstood()
    {
        await using EchoServer server = await EchoServer.StartAsync();
        using GrpcChannel channel = server.Connect();
        var request = new PutRequest { Key = Utf8("k"), Value = ByteString.CopyFrom(new byte[100_000]) };
        PutResponse response = await new KV.KVClient(channel).PutAsync(
            request, new Metadata { { "grpc-internal-encoding-request", "gzip" } }, cancellationToken: Stop);
        Assert.Equal(request.Value, response.PrevKv.Value);
    }

    private static ByteString Utf8(string text) => ByteString.CopyFromUtf8(text);

    private static WatchRequest Create(long id) => new() { CreateRequest = new WatchCreateRequest { WatchId = id } };

    private static async Task<StatusCode> Code<T>(AsyncUnaryCall<T> call)
    {
        try
        {
            await call;
            return StatusCode.OK;
        }
        catch (RpcException e)
        {
            return e.StatusCode;
        }
    }
}
