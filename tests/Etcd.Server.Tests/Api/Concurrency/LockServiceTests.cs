using System.Globalization;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.Mvccpb;
using Etcd.Protocol.V3Lockpb;
using Google.Protobuf;
using Grpc.Core;

namespace Etcd.Server.Tests.Api.Concurrency;

/// <summary>
/// Goal: the server's locks have etcd's keys, order and errors, and whoever gives up leaves nothing behind. Method: a whole member,
/// generated clients; what must come is waited for with a deadline.
/// </summary>
public sealed class LockServiceTests : IAsyncLifetime
{
    private ApiHost _host = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private Protocol.V3Lockpb.Lock.LockClient Locks => new(_host.Channel);

    private KV.KVClient Keys => new(_host.Channel);

    private Protocol.Etcdserverpb.Lease.LeaseClient Leases => new(_host.Channel);

    public async ValueTask InitializeAsync() => _host = await ApiHost.StartAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task TheKeyIsNameSlashLeaseAndHangsOnTheLease()
    {
        long lease = await GrantAsync();

        LockResponse held = await Locks.LockAsync(Ask("jobs", lease), cancellationToken: Cancel);

        Assert.Equal("jobs/" + lease.ToString("x", CultureInfo.InvariantCulture), held.Key.ToStringUtf8());
        KeyValue kv = Assert.Single(await ListAsync("jobs"));
        Assert.Equal((held.Key, lease, held.Header.Revision, ByteString.Empty), (kv.Key, kv.Lease, kv.CreateRevision, kv.Value));
        UnlockResponse freed = await Locks.UnlockAsync(new UnlockRequest { Key = held.Key }, cancellationToken: Cancel);
        Assert.Equal(held.Header.Revision + 1, freed.Header.Revision);
        Assert.Empty(await ListAsync("jobs"));
    }

    [Fact]
    public async Task WithoutALeaseOneOfAMinuteIsMade()
    {
        LockResponse held = await Locks.LockAsync(Ask("l", 0), cancellationToken: Cancel);

        long lease = Assert.Single(await ListAsync("l")).Lease;
        Assert.EndsWith("/" + lease.ToString("x", CultureInfo.InvariantCulture), held.Key.ToStringUtf8(), StringComparison.Ordinal);
        Assert.Equal(60, (await Leases.LeaseTimeToLiveAsync(new LeaseTimeToLiveRequest { ID = lease }, cancellationToken: Cancel)).GrantedTTL);
    }

    [Fact]
    public async Task ALeaseHasOnePlaceInTheLine()
    {
        long lease = await GrantAsync();
        LockResponse first = await Locks.LockAsync(Ask("l", lease), cancellationToken: Cancel);

        LockResponse again = await Locks.LockAsync(Ask("l", lease), cancellationToken: Cancel);

        Assert.Equal(first.Key, again.Key);
        Assert.Single(await ListAsync("l"));
    }

    [Fact]
    public async Task WhoCameFirstIsServedFirst()
    {
        LockResponse held = await Locks.LockAsync(Ask("l", await GrantAsync()), cancellationToken: Cancel);
        List<AsyncUnaryCall<LockResponse>> waiting = [];
        for (int i = 0; i < 3; i++)
        {
            waiting.Add(Locks.LockAsync(Ask("l", await GrantAsync()), cancellationToken: Cancel));
            await LinesUpAsync("l", i + 2);
        }

        for (int i = 0; i < waiting.Count; i++)
        {
            Assert.All(waiting.Skip(i), call => Assert.False(call.ResponseAsync.IsCompleted));
            await Locks.UnlockAsync(new UnlockRequest { Key = held.Key }, cancellationToken: Cancel);
            held = await waiting[i];
            Assert.Equal(held.Key, (await ListAsync("l")).MinBy(kv => kv.CreateRevision)!.Key);
        }
    }

    [Fact]
    public async Task AKeyThatAClientPutThereItselfStandsInTheSameLine()
    {
        // What etcdctl lock and clientv3's concurrency do.
        await Keys.PutAsync(new PutRequest { Key = Utf8("l/1234"), Lease = await GrantAsync() }, cancellationToken: Cancel);

        AsyncUnaryCall<LockResponse> waiting = Locks.LockAsync(Ask("l", await GrantAsync()), cancellationToken: Cancel);
        await LinesUpAsync("l", 2);
        Assert.False(waiting.ResponseAsync.IsCompleted);
        await Keys.DeleteRangeAsync(new DeleteRangeRequest { Key = Utf8("l/1234") }, cancellationToken: Cancel);

        Assert.Equal(Assert.Single(await ListAsync("l")).Key, (await waiting).Key);
    }

    [Fact]
    public async Task ACompactionDoesNotKeepAWaiterWaiting()
    {
        LockResponse held = await Locks.LockAsync(Ask("l", await GrantAsync()), cancellationToken: Cancel);
        AsyncUnaryCall<LockResponse> waiting = Locks.LockAsync(Ask("l", await GrantAsync()), cancellationToken: Cancel);
        await LinesUpAsync("l", 2);

        UnlockResponse freed = await Locks.UnlockAsync(new UnlockRequest { Key = held.Key }, cancellationToken: Cancel);
        await Keys.CompactAsync(new CompactionRequest { Revision = freed.Header.Revision, Physical = true }, cancellationToken: Cancel);

        Assert.NotEqual(held.Key, (await waiting).Key);
    }

    [Fact]
    public async Task AWaiterThatGivesUpLeavesTheLine()
    {
        LockResponse held = await Locks.LockAsync(Ask("l", await GrantAsync()), cancellationToken: Cancel);
        using var givesUp = new CancellationTokenSource();
        AsyncUnaryCall<LockResponse> waiting = Locks.LockAsync(Ask("l", await GrantAsync()), cancellationToken: givesUp.Token);
        await LinesUpAsync("l", 2);

        await givesUp.CancelAsync();

        await Assert.ThrowsAnyAsync<RpcException>(() => waiting.ResponseAsync);
        await LinesUpAsync("l", 1);
        Assert.Equal(held.Key, Assert.Single(await ListAsync("l")).Key);
    }

    [Fact]
    public async Task AWaiterWhoseTimeIsUpLeavesTheLine()
    {
        await Locks.LockAsync(Ask("l", await GrantAsync()), cancellationToken: Cancel);
        long lease = await GrantAsync();

        RpcException late = await Assert.ThrowsAsync<RpcException>(() => Locks.LockAsync(
            Ask("l", lease), deadline: DateTime.UtcNow + TimeSpan.FromMilliseconds(300), cancellationToken: Cancel).ResponseAsync);

        Assert.Equal(StatusCode.DeadlineExceeded, late.StatusCode);
        await LinesUpAsync("l", 1);
    }

    // Jepsen: no lock for one whose session is over by the time it is first.
    [Fact]
    public async Task AWaiterWhoseLeaseHasEndedDoesNotGetTheLock()
    {
        LockResponse held = await Locks.LockAsync(Ask("l", await GrantAsync()), cancellationToken: Cancel);
        long lease = await GrantAsync();
        AsyncUnaryCall<LockResponse> waiting = Locks.LockAsync(Ask("l", lease), cancellationToken: Cancel);
        await LinesUpAsync("l", 2);

        await Leases.LeaseRevokeAsync(new LeaseRevokeRequest { ID = lease }, cancellationToken: Cancel);
        await Locks.UnlockAsync(new UnlockRequest { Key = held.Key }, cancellationToken: Cancel);

        await FailsAsync("mutex: session is expired", waiting);
    }

    [Fact]
    public async Task ErrorsAreUnknownWithEtcdsTexts()
    {
        await FailsAsync("etcdserver: requested lease not found", Locks.LockAsync(Ask("l", 4711), cancellationToken: Cancel));
        await FailsAsync("etcdserver: key is not provided", Locks.UnlockAsync(new UnlockRequest(), cancellationToken: Cancel));
        Assert.Empty(await ListAsync("l"));
    }

    [Fact]
    public async Task ToFreeALockThatNobodyHoldsIsNoError() =>
        Assert.NotEqual(0, (await Locks.UnlockAsync(new UnlockRequest { Key = Utf8("none") }, cancellationToken: Cancel)).Header.Revision);

    [Fact]
    public async Task AMemberThatStopsSendsItsWaitersAwayAndKeepsTheirPlaces()
    {
        await Locks.LockAsync(Ask("l", await GrantAsync()), cancellationToken: Cancel);
        AsyncUnaryCall<LockResponse> waiting = Locks.LockAsync(Ask("l", await GrantAsync()), cancellationToken: Cancel);
        await LinesUpAsync("l", 2);

        _host.BeginStop();

        RpcException stopped = await Assert.ThrowsAsync<RpcException>(() => waiting.ResponseAsync);
        Assert.Equal((StatusCode.Unavailable, "etcdserver: server stopped"), (stopped.StatusCode, stopped.Status.Detail));
        Assert.Equal(2, (await ListAsync("l")).Count);
    }

    private static LockRequest Ask(string name, long lease) => new() { Name = Utf8(name), Lease = lease };

    private static ByteString Utf8(string text) => ByteString.CopyFromUtf8(text);

    private static async Task FailsAsync<T>(string text, AsyncUnaryCall<T> call)
    {
        RpcException failure = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync);
        Assert.Equal((StatusCode.Unknown, text), (failure.StatusCode, failure.Status.Detail));
    }

    private async Task<long> GrantAsync() =>
        (await Leases.LeaseGrantAsync(new LeaseGrantRequest { TTL = 600 }, cancellationToken: Cancel)).ID;

    private async Task<IReadOnlyList<KeyValue>> ListAsync(string name) =>
        (await Keys.RangeAsync(new RangeRequest { Key = Utf8(name + "/"), RangeEnd = Utf8(name + "0") }, cancellationToken: Cancel)).Kvs;

    private async Task LinesUpAsync(string name, int count)
    {
        int seen = -1;
        await ApiHost.UntilAsync($"{count} keys of {name}", () =>
        {
            seen = Keys.Range(new RangeRequest { Key = Utf8(name + "/"), RangeEnd = Utf8(name + "0") }, cancellationToken: Cancel).Kvs.Count;
            return seen == count;
        });
    }
}
