using System.Security.Cryptography;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.Mvccpb;
using Etcd.TestKit.Processes;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

namespace Etcd.Interop.Tests.GrpcClient;

/// <summary>Goal: the gRPC client of this build works with the real etcd, over all kinds of calls that etcd has.</summary>
public sealed class RealEtcdTests(RealMember etcd) : IClassFixture<RealMember>
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Unary_calls_put_read_compare_and_delete()
    {
        RealEtcd.Require();
        using var channel = GrpcChannel.ForAddress(etcd.Address);
        var kv = new KV.KVClient(channel);
        var key = Utf8("unary/key");

        var put = await kv.PutAsync(new PutRequest { Key = key, Value = Utf8("value") }, cancellationToken: Token);
        var range = await kv.RangeAsync(new RangeRequest { Key = key }, cancellationToken: Token);
        var txn = await kv.TxnAsync(
            new TxnRequest
            {
                Compare = { new Compare { Key = key, Target = Compare.Types.CompareTarget.Mod, Result = Compare.Types.CompareResult.Equal, ModRevision = put.Header.Revision } },
                Success = { new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = key } } },
            },
            cancellationToken: Token);

        Assert.Equal("value", range.Kvs.Single().Value.ToStringUtf8());
        Assert.Equal(put.Header.Revision, range.Kvs.Single().ModRevision);
        Assert.True(txn.Succeeded);
        Assert.Equal(1, txn.Responses.Single().ResponseDeleteRange.Deleted);
    }

    [Fact]
    public async Task An_error_has_etcds_code_and_text()
    {
        RealEtcd.Require();
        using var channel = GrpcChannel.ForAddress(etcd.Address);

        var call = new KV.KVClient(channel).PutAsync(new PutRequest { Value = Utf8("no key") }, cancellationToken: Token);
        var failure = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync);

        Assert.Equal(StatusCode.InvalidArgument, failure.StatusCode);
        Assert.Equal("etcdserver: key is not provided", failure.Status.Detail);
        Assert.Equal(failure.Status.Detail, call.GetStatus().Detail);
    }

    [Fact]
    public async Task A_method_that_etcd_does_not_have_is_Unimplemented()
    {
        RealEtcd.Require();
        using var channel = GrpcChannel.ForAddress(etcd.Address);
        var method = new Method<string, string>(
            MethodType.Unary, "etcdserverpb.KV", "Nothing", Marshallers.StringMarshaller, Marshallers.StringMarshaller);

        var call = channel.CreateCallInvoker().AsyncUnaryCall(method, null, default, "");

        Assert.Equal(StatusCode.Unimplemented, (await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync)).StatusCode);
    }

    [Fact]
    public async Task A_watch_tells_of_puts_in_order_and_ends_when_disposed_of()
    {
        RealEtcd.Require();
        using var channel = GrpcChannel.ForAddress(etcd.Address);
        var kv = new KV.KVClient(channel);
        using var watch = new Watch.WatchClient(channel).Watch(cancellationToken: Token);
        await watch.RequestStream.WriteAsync(Create("watch/"), Token);
        Assert.True(await watch.ResponseStream.MoveNext(Token));
        Assert.True(watch.ResponseStream.Current.Created);

        for (var i = 0; i < 100; i++)
            await kv.PutAsync(new PutRequest { Key = Utf8("watch/key"), Value = Utf8($"{i}") }, cancellationToken: Token);
        var values = new List<string>();
        while (values.Count < 100 && await watch.ResponseStream.MoveNext(Token))
            values.AddRange(watch.ResponseStream.Current.Events.Select(change => change.Kv.Value.ToStringUtf8()));

        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"{i}"), values);
        watch.Dispose();
        Assert.Equal(StatusCode.Cancelled, watch.GetStatus().StatusCode);
    }

    [Fact]
    public async Task A_lease_is_kept_alive_over_a_duplex_stream()
    {
        RealEtcd.Require();
        using var channel = GrpcChannel.ForAddress(etcd.Address);
        var lease = new Lease.LeaseClient(channel);
        var granted = await lease.LeaseGrantAsync(new LeaseGrantRequest { TTL = 60 }, cancellationToken: Token);
        using var keepAlive = lease.LeaseKeepAlive(cancellationToken: Token);

        for (var i = 0; i < 3; i++)
        {
            await keepAlive.RequestStream.WriteAsync(new LeaseKeepAliveRequest { ID = granted.ID }, Token);
            Assert.True(await keepAlive.ResponseStream.MoveNext(Token));
            Assert.Equal(60, keepAlive.ResponseStream.Current.TTL);
        }

        await keepAlive.RequestStream.CompleteAsync();
        Assert.False(await keepAlive.ResponseStream.MoveNext(Token));
        Assert.Equal(StatusCode.OK, keepAlive.GetStatus().StatusCode);
    }

    [Fact]
    public async Task A_snapshot_streams_whole()
    {
        RealEtcd.Require();
        using var channel = GrpcChannel.ForAddress(etcd.Address);
        await PutAsync(channel, "snapshot/", count: 8, length: 1 << 20);
        using var snapshot = new Maintenance.MaintenanceClient(channel).Snapshot(new SnapshotRequest(), cancellationToken: Token);
        using var received = new MemoryStream();

        await foreach (var part in snapshot.ResponseStream.ReadAllAsync(Token))
            part.Blob.WriteTo(received);

        // The database comes first and its SHA-256 last.
        var bytes = received.ToArray();
        Assert.True(bytes.Length > 8 << 20);
        Assert.Equal(SHA256.HashData(bytes.AsSpan(..^32)), bytes[^32..]);
    }

    [Fact]
    public async Task A_response_of_10_MiB_needs_a_higher_limit_than_the_default()
    {
        RealEtcd.Require();
        using var small = GrpcChannel.ForAddress(etcd.Address);
        using var large = GrpcChannel.ForAddress(etcd.Address, new GrpcChannelOptions { MaxReceiveMessageSize = null });
        await PutAsync(small, "large/", count: 10, length: 1 << 20);
        var request = new RangeRequest { Key = Utf8("large/"), RangeEnd = Utf8("large0") };

        var failure = await Assert.ThrowsAsync<RpcException>(
            () => new KV.KVClient(small).RangeAsync(request, cancellationToken: Token).ResponseAsync);
        var response = await new KV.KVClient(large).RangeAsync(request, cancellationToken: Token);

        Assert.Equal(StatusCode.ResourceExhausted, failure.StatusCode);
        Assert.Equal(10, response.Kvs.Count);
        Assert.True(response.CalculateSize() > 10 << 20);
    }

    [Fact]
    public async Task A_thousand_watches_run_at_once_on_one_channel()
    {
        RealEtcd.Require();
        using var channel = GrpcChannel.ForAddress(etcd.Address);
        var client = new Watch.WatchClient(channel);
        var watches = Enumerable.Range(0, 1000).Select(_ => client.Watch(cancellationToken: Token)).ToList();
        await Task.WhenAll(watches.Select(OpenAsync)).WaitAsync(_patience, Token);

        var told = Task.WhenAll(watches.Select(NextValueAsync));
        await new KV.KVClient(channel).PutAsync(new PutRequest { Key = Utf8("thousand"), Value = Utf8("told") }, cancellationToken: Token);

        Assert.All(await told.WaitAsync(_patience, Token), value => Assert.Equal("told", value));
        watches.ForEach(watch => watch.Dispose());

        async Task OpenAsync(AsyncDuplexStreamingCall<WatchRequest, WatchResponse> watch)
        {
            await watch.RequestStream.WriteAsync(Create("thousand"), Token);
            Assert.True(await watch.ResponseStream.MoveNext(Token));
        }

        static async Task<string> NextValueAsync(AsyncDuplexStreamingCall<WatchRequest, WatchResponse> watch)
        {
            Assert.True(await watch.ResponseStream.MoveNext(Token));
            return watch.ResponseStream.Current.Events.Single(change => change.Type == Event.Types.EventType.Put).Kv.Value.ToStringUtf8();
        }
    }

    [Fact]
    public async Task A_deadline_ends_a_watch()
    {
        RealEtcd.Require();
        using var channel = GrpcChannel.ForAddress(etcd.Address);
        using var watch = new Watch.WatchClient(channel).Watch(deadline: DateTime.UtcNow.AddMilliseconds(300), cancellationToken: Token);

        var failure = await Assert.ThrowsAsync<RpcException>(() => watch.ResponseStream.MoveNext(Token));

        Assert.Equal(StatusCode.DeadlineExceeded, failure.StatusCode);
    }

    [Fact]
    public async Task A_killed_etcd_ends_streams_with_Unavailable_and_a_waiting_call_finds_it_again()
    {
        RealEtcd.Require();
        await using ServerProcess mortal = await ServerProcess.StartAsync(ServerProgram.Real, [], Token);
        using var channel = GrpcChannel.ForAddress(
            mortal.ClientUrl, new GrpcChannelOptions { InitialReconnectBackoff = TimeSpan.FromMilliseconds(20) });
        var kv = new KV.KVClient(channel);
        await kv.PutAsync(new PutRequest { Key = Utf8("survives"), Value = Utf8("yes") }, cancellationToken: Token);
        using var watch = new Watch.WatchClient(channel).Watch(cancellationToken: Token);
        await watch.RequestStream.WriteAsync(Create("survives"), Token);
        Assert.True(await watch.ResponseStream.MoveNext(Token));

        await mortal.KillAsync(Token);
        var failure = await Assert.ThrowsAsync<RpcException>(() => watch.ResponseStream.MoveNext(Token));
        var waiting = kv.RangeAsync(
            new RangeRequest { Key = Utf8("survives") }, new CallOptions(cancellationToken: Token).WithWaitForReady());
        await mortal.StartAsync(Token);

        Assert.Equal(StatusCode.Unavailable, failure.StatusCode);
        Assert.Equal("yes", (await waiting).Kvs.Single().Value.ToStringUtf8());
    }

    private static async Task PutAsync(GrpcChannel channel, string prefix, int count, int length)
    {
        var value = UnsafeByteOperations.UnsafeWrap(RandomNumberGenerator.GetBytes(length));
        for (var i = 0; i < count; i++)
            await new KV.KVClient(channel).PutAsync(new PutRequest { Key = Utf8($"{prefix}{i}"), Value = value }, cancellationToken: Token);
    }

    private static WatchRequest Create(string prefix) => new()
    {
        CreateRequest = new WatchCreateRequest { Key = Utf8(prefix), RangeEnd = Utf8(prefix[..^1] + (char)(prefix[^1] + 1)) },
    };

    private static ByteString Utf8(string text) => ByteString.CopyFromUtf8(text);
}
