using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.Health;
using Etcd.Protocol.V3Electionpb;
using Etcd.Protocol.V3Lockpb;
using Etcd.TestKit.Processes;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

namespace Etcd.Interop.Tests.Http;

/// <summary>
/// Goal: etcdctl's locks and elections, which its client library makes, and the server's exclude each other. Method: etcdctl as a process
/// beside calls of the services, on our server.
/// </summary>
public sealed class LockInteropTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_lock_of_etcdctl_keeps_the_servers_waiting_and_the_other_way_round()
    {
        RealEtcd.Require();
        await using ServerProcess ours = await ServerProcess.StartAsync(ServerProgram.Ours, [], Token);
        using var channel = GrpcChannel.ForAddress(ours.ClientUrl);
        var locks = new Protocol.V3Lockpb.Lock.LockClient(channel);
        var keys = new KV.KVClient(channel);

        await using CapturedProcess ctl = EtcdCtl.Start(ours.Endpoint, "lock", "resource");
        await ctl.WaitForLineAsync("resource/", Token);
        long lease = await GrantAsync(channel);
        AsyncUnaryCall<LockResponse> waiting = locks.LockAsync(new LockRequest { Name = Utf8("resource"), Lease = lease }, cancellationToken: Token);
        await ctl.WaitUntilAsync("two in line", () => LineIsAsync(keys, "resource", 2), Token);
        Assert.False(waiting.ResponseAsync.IsCompleted);
        ctl.Send(Signal.Interrupt);
        LockResponse held = await waiting;

        await using CapturedProcess next = EtcdCtl.Start(ours.Endpoint, "lock", "resource");
        await next.WaitUntilAsync("two in line", () => LineIsAsync(keys, "resource", 2), Token);
        await locks.UnlockAsync(new UnlockRequest { Key = held.Key }, cancellationToken: Token);
        await next.WaitForLineAsync("resource/", Token);
    }

    [Fact]
    public async Task An_election_of_etcdctl_is_observed_and_followed()
    {
        RealEtcd.Require();
        await using ServerProcess ours = await ServerProcess.StartAsync(ServerProgram.Ours, [], Token);
        using var channel = GrpcChannel.ForAddress(ours.ClientUrl);
        var elections = new Election.ElectionClient(channel);
        using AsyncServerStreamingCall<LeaderResponse> observed = elections.Observe(new LeaderRequest { Name = Utf8("office") }, cancellationToken: Token);

        await using CapturedProcess ctl = EtcdCtl.Start(ours.Endpoint, "elect", "office", "ctl");
        Assert.True(await observed.ResponseStream.MoveNext(Token));
        Assert.Equal("ctl", observed.ResponseStream.Current.Kv.Value.ToStringUtf8());
        AsyncUnaryCall<CampaignResponse> campaign = elections.CampaignAsync(
            new CampaignRequest { Name = Utf8("office"), Lease = await GrantAsync(channel), Value = Utf8("ours") }, cancellationToken: Token);
        await ctl.WaitUntilAsync("two candidates", () => LineIsAsync(new KV.KVClient(channel), "office", 2), Token);
        Assert.False(campaign.ResponseAsync.IsCompleted);
        ctl.Send(Signal.Interrupt);
        await campaign;

        Assert.True(await observed.ResponseStream.MoveNext(Token));
        Assert.Equal("ours", observed.ResponseStream.Current.Kv.Value.ToStringUtf8());
        await using CapturedProcess listener = EtcdCtl.Start(ours.Endpoint, "elect", "--listen", "office");
        await listener.WaitForLineAsync("ours", Token);
    }

    [Fact]
    public async Task Health_is_what_etcds_is()
    {
        RealEtcd.Require();
        await using ServerProcess etcd = await ServerProcess.StartAsync(ServerProgram.Real, [], Token);
        await using ServerProcess ours = await ServerProcess.StartAsync(ServerProgram.Ours, [], Token);
        foreach (ServerProcess server in new[] { etcd, ours })
        {
            using var channel = GrpcChannel.ForAddress(server.ClientUrl);
            var health = new Protocol.Health.Health.HealthClient(channel);
            Assert.Equal(
                HealthCheckResponse.Types.ServingStatus.Serving,
                (await health.CheckAsync(new HealthCheckRequest(), cancellationToken: Token)).Status);
            RpcException unknown = await Assert.ThrowsAsync<RpcException>(
                () => health.CheckAsync(new HealthCheckRequest { Service = "x" }, cancellationToken: Token).ResponseAsync);
            Assert.Equal((StatusCode.NotFound, "unknown service"), (unknown.StatusCode, unknown.Status.Detail));
        }
    }

    private static ByteString Utf8(string text) => ByteString.CopyFromUtf8(text);

    private static async Task<long> GrantAsync(GrpcChannel channel) => (await new Protocol.Etcdserverpb.Lease.LeaseClient(channel).LeaseGrantAsync(
        new LeaseGrantRequest { TTL = 600 }, cancellationToken: Token)).ID;

    private static async ValueTask<bool> LineIsAsync(KV.KVClient keys, string name, int count) =>
        (await keys.RangeAsync(new RangeRequest { Key = Utf8(name + "/"), RangeEnd = Utf8(name + "0"), CountOnly = true }, cancellationToken: Token)).Count == count;
}
