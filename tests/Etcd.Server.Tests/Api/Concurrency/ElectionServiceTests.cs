using System.Globalization;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.V3Electionpb;
using Google.Protobuf;
using Grpc.Core;

namespace Etcd.Server.Tests.Api.Concurrency;

/// <summary>
/// Goal: the server's elections have etcd's keys, order and errors, and who observes them misses nothing that is announced. Method: a
/// whole member, generated clients; what must come is waited for with a deadline.
/// </summary>
public sealed class ElectionServiceTests : IAsyncLifetime
{
    private ApiHost _host = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private Election.ElectionClient Elections => new(_host.Channel);

    private KV.KVClient Keys => new(_host.Channel);

    private Protocol.Etcdserverpb.Lease.LeaseClient Leases => new(_host.Channel);

    public async ValueTask InitializeAsync() => _host = await ApiHost.StartAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task WhoIsElectedHasAKeyOfItsLeaseWithItsValue()
    {
        long lease = await GrantAsync();

        CampaignResponse won = await Elections.CampaignAsync(Ask(lease, "me"), cancellationToken: Cancel);

        Assert.Equal("e/" + lease.ToString("x", CultureInfo.InvariantCulture), won.Leader.Key.ToStringUtf8());
        Assert.Equal(("e", lease, won.Header.Revision), (won.Leader.Name.ToStringUtf8(), won.Leader.Lease, won.Leader.Rev));
        LeaderResponse leader = await Elections.LeaderAsync(new LeaderRequest { Name = Utf8("e") }, cancellationToken: Cancel);
        Assert.Equal((won.Leader.Key, "me", lease), (leader.Kv.Key, leader.Kv.Value.ToStringUtf8(), leader.Kv.Lease));
    }

    [Fact]
    public async Task TheNextOneIsElectedWhenTheLeaderResigns()
    {
        CampaignResponse first = await Elections.CampaignAsync(Ask(await GrantAsync(), "a"), cancellationToken: Cancel);
        AsyncUnaryCall<CampaignResponse> waiting = Elections.CampaignAsync(Ask(await GrantAsync(), "b"), cancellationToken: Cancel);
        await LinesUpAsync(2);
        Assert.False(waiting.ResponseAsync.IsCompleted);

        ResignResponse resigned = await Elections.ResignAsync(new ResignRequest { Leader = first.Leader }, cancellationToken: Cancel);

        CampaignResponse second = await waiting;
        Assert.Equal("b", (await LeaderAsync()).Kv.Value.ToStringUtf8());
        Assert.Equal(second.Leader.Rev, second.Header.Revision);
        Assert.True(resigned.Header.Revision > second.Header.Revision);
    }

    [Fact]
    public async Task ALeaderProclaimsUntilItHasResigned()
    {
        CampaignResponse won = await Elections.CampaignAsync(Ask(await GrantAsync(), "a"), cancellationToken: Cancel);

        await Elections.ProclaimAsync(new ProclaimRequest { Leader = won.Leader, Value = Utf8("b") }, cancellationToken: Cancel);
        Assert.Equal("b", (await LeaderAsync()).Kv.Value.ToStringUtf8());
        await Elections.ResignAsync(new ResignRequest { Leader = won.Leader }, cancellationToken: Cancel);

        await FailsAsync("election: not leader", Elections.ProclaimAsync(
            new ProclaimRequest { Leader = won.Leader, Value = Utf8("c") }, cancellationToken: Cancel));
        // Twice is no error.
        await Elections.ResignAsync(new ResignRequest { Leader = won.Leader }, cancellationToken: Cancel);
    }

    [Fact]
    public async Task TheSameLeaseThatCampaignsAgainChangesItsValue()
    {
        long lease = await GrantAsync();
        CampaignResponse first = await Elections.CampaignAsync(Ask(lease, "a"), cancellationToken: Cancel);

        CampaignResponse again = await Elections.CampaignAsync(Ask(lease, "b"), cancellationToken: Cancel);

        Assert.Equal(first.Leader.Rev, again.Leader.Rev);
        Assert.Equal("b", (await LeaderAsync()).Kv.Value.ToStringUtf8());
    }

    [Fact]
    public async Task ACandidateThatGivesUpLeavesTheLine()
    {
        await Elections.CampaignAsync(Ask(await GrantAsync(), "a"), cancellationToken: Cancel);
        using var givesUp = new CancellationTokenSource();
        AsyncUnaryCall<CampaignResponse> waiting = Elections.CampaignAsync(Ask(await GrantAsync(), "b"), cancellationToken: givesUp.Token);
        await LinesUpAsync(2);

        await givesUp.CancelAsync();

        await Assert.ThrowsAnyAsync<RpcException>(() => waiting.ResponseAsync);
        await LinesUpAsync(1);
    }

    [Fact]
    public async Task ACandidateWhoseLeaseHasEndedIsNotElected()
    {
        CampaignResponse first = await Elections.CampaignAsync(Ask(await GrantAsync(), "a"), cancellationToken: Cancel);
        long lease = await GrantAsync();
        AsyncUnaryCall<CampaignResponse> waiting = Elections.CampaignAsync(Ask(lease, "b"), cancellationToken: Cancel);
        await LinesUpAsync(2);

        await Leases.LeaseRevokeAsync(new LeaseRevokeRequest { ID = lease }, cancellationToken: Cancel);
        await Elections.ResignAsync(new ResignRequest { Leader = first.Leader }, cancellationToken: Cancel);

        await FailsAsync("election: not leader", waiting);
    }

    [Fact]
    public async Task ErrorsAreUnknownWithEtcdsTexts()
    {
        await FailsAsync("election: no leader", Elections.LeaderAsync(new LeaderRequest { Name = Utf8("e") }, cancellationToken: Cancel));
        await FailsAsync("\"leader\" field must be provided", Elections.ProclaimAsync(new ProclaimRequest(), cancellationToken: Cancel));
        await FailsAsync("\"leader\" field must be provided", Elections.ResignAsync(new ResignRequest(), cancellationToken: Cancel));
        await FailsAsync("etcdserver: requested lease not found", Elections.CampaignAsync(Ask(4711, "a"), cancellationToken: Cancel));
        await FailsAsync("etcdserver: key is not provided", Elections.ResignAsync(
            new ResignRequest { Leader = new LeaderKey() }, cancellationToken: Cancel));
    }

    [Fact]
    public async Task AnObserverIsToldEveryAnnouncementInOrder()
    {
        using AsyncServerStreamingCall<LeaderResponse> observed = Elections.Observe(new LeaderRequest { Name = Utf8("e") }, cancellationToken: Cancel);
        CampaignResponse first = await Elections.CampaignAsync(Ask(await GrantAsync(), "a"), cancellationToken: Cancel);
        Assert.Equal("a", await NextAsync(observed));
        foreach (string value in new[] { "b", "c", "d" })
        {
            await Elections.ProclaimAsync(new ProclaimRequest { Leader = first.Leader, Value = Utf8(value) }, cancellationToken: Cancel);
        }

        AsyncUnaryCall<CampaignResponse> waiting = Elections.CampaignAsync(Ask(await GrantAsync(), "e"), cancellationToken: Cancel);
        await LinesUpAsync(2);
        await Elections.ResignAsync(new ResignRequest { Leader = first.Leader }, cancellationToken: Cancel);
        await waiting;

        foreach (string value in new[] { "b", "c", "d", "e" })
        {
            Assert.Equal(value, await NextAsync(observed));
        }

        Assert.Equal(observed.ResponseStream.Current.Header.MemberId, first.Header.MemberId);
    }

    [Fact]
    public async Task AnObserverOfALeaderIsToldAtOnce()
    {
        await Elections.CampaignAsync(Ask(await GrantAsync(), "a"), cancellationToken: Cancel);
        using AsyncServerStreamingCall<LeaderResponse> observed = Elections.Observe(new LeaderRequest { Name = Utf8("e") }, cancellationToken: Cancel);
        Assert.Equal("a", await NextAsync(observed));
    }

    private static CampaignRequest Ask(long lease, string value) => new() { Name = Utf8("e"), Lease = lease, Value = Utf8(value) };

    private static ByteString Utf8(string text) => ByteString.CopyFromUtf8(text);

    private static async Task<string> NextAsync(AsyncServerStreamingCall<LeaderResponse> observed)
    {
        Assert.True(await observed.ResponseStream.MoveNext(Cancel));
        return observed.ResponseStream.Current.Kv.Value.ToStringUtf8();
    }

    private static async Task FailsAsync<T>(string text, AsyncUnaryCall<T> call)
    {
        RpcException failure = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync);
        Assert.Equal((StatusCode.Unknown, text), (failure.StatusCode, failure.Status.Detail));
    }

    private async Task<LeaderResponse> LeaderAsync() =>
        await Elections.LeaderAsync(new LeaderRequest { Name = Utf8("e") }, cancellationToken: Cancel);

    private async Task<long> GrantAsync() =>
        (await Leases.LeaseGrantAsync(new LeaseGrantRequest { TTL = 600 }, cancellationToken: Cancel)).ID;

    private Task LinesUpAsync(int count) => ApiHost.UntilAsync($"{count} candidates", () =>
        Keys.Range(new RangeRequest { Key = Utf8("e/"), RangeEnd = Utf8("e0") }, cancellationToken: Cancel).Kvs.Count == count);
}
