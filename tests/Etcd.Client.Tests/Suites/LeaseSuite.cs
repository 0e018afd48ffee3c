using Etcd.Protocol.Errors;
using Etcd.TestKit;
using Etcd.TestKit.Network;

namespace Etcd.Client.Tests.Suites;

/// <summary>Goal: leases and sessions do what they promise, with real time. What takes long is tested with a fake clock.</summary>
public abstract class LeaseSuite : ClientSuite
{
    [Fact]
    public async Task A_lease_is_granted_told_renewed_and_revoked()
    {
        EtcdClient client = NewClient();
        EtcdLeaseGrant grant = await client.Leases.GrantAsync(TimeSpan.FromSeconds(99.5), cancellationToken: Token);
        await client.Kv.PutAsync(Prefix + "k", "v", new EtcdPutOptions { Lease = grant.Id }, Token);

        EtcdLeaseInfo? info = await client.Leases.TimeToLiveAsync(grant.Id, keys: true, cancellationToken: Token);
        TimeSpan renewed = await client.Leases.KeepAliveOnceAsync(grant.Id, cancellationToken: Token);
        IReadOnlyList<EtcdLeaseId> all = await client.Leases.ListAsync(cancellationToken: Token);
        await client.Leases.RevokeAsync(grant.Id, cancellationToken: Token);

        Assert.Equal(TimeSpan.FromSeconds(100), grant.TimeToLive);
        Assert.Equal(Prefix + "k", info!.Keys.Single().ToString());
        Assert.Equal(TimeSpan.FromSeconds(100), info.Granted);
        Assert.Equal(TimeSpan.FromSeconds(100), renewed);
        Assert.Contains(grant.Id, all);
        Assert.Null(await client.Kv.GetAsync(Prefix + "k", cancellationToken: Token));
        Assert.Null(await client.Leases.TimeToLiveAsync(grant.Id, cancellationToken: Token));
        await Assert.ThrowsAsync<EtcdLeaseNotFoundException>(async () => await client.Leases.KeepAliveOnceAsync(grant.Id, cancellationToken: Token));
        await Assert.ThrowsAsync<EtcdLeaseNotFoundException>(async () => await client.Leases.RevokeAsync(grant.Id, cancellationToken: Token));
        await Assert.ThrowsAsync<EtcdLeaseNotFoundException>(async () => await client.Leases.ResumeSessionAsync(grant.Id, Token));
    }

    [Fact]
    public async Task An_id_of_the_callers_choice_is_taken_once()
    {
        EtcdClient client = NewClient();
        var options = new EtcdGrantOptions { Id = new EtcdLeaseId(Random.Shared.NextInt64(1, long.MaxValue)) };

        EtcdLeaseGrant grant = await client.Leases.GrantAsync(TimeSpan.FromMinutes(1), options, Token);
        var again = await Assert.ThrowsAsync<EtcdException>(async () => await client.Leases.GrantAsync(TimeSpan.FromMinutes(1), options, Token));

        Assert.Equal(options.Id, grant.Id);
        Assert.Equal(EtcdErrorId.LeaseExists, again.ErrorId);
    }

    [Fact]
    public async Task A_sessions_end_deletes_its_keys_and_an_orphans_does_not()
    {
        EtcdClient client = NewClient();
        EtcdSession ended = await client.Leases.CreateSessionAsync(TimeSpan.FromMinutes(1), Token);
        EtcdSession orphaned = await client.Leases.CreateSessionAsync(TimeSpan.FromMinutes(1), Token);
        await client.Kv.PutAsync(Prefix + "ended", "", new EtcdPutOptions { Lease = ended.LeaseId }, Token);
        await client.Kv.PutAsync(Prefix + "orphaned", "", new EtcdPutOptions { Lease = orphaned.LeaseId }, Token);

        await ended.DisposeAsync();
        orphaned.Orphan();
        await orphaned.DisposeAsync();

        Assert.True(ended.LostToken.IsCancellationRequested);
        Assert.Null(await client.Kv.GetAsync(Prefix + "ended", cancellationToken: Token));
        Assert.False(orphaned.LostToken.IsCancellationRequested);
        Assert.NotNull(await client.Kv.GetAsync(Prefix + "orphaned", cancellationToken: Token));
        await using EtcdSession resumed = await client.Leases.ResumeSessionAsync(orphaned.LeaseId, Token);
        Assert.False(resumed.IsLost);
    }

    [Fact]
    public async Task A_session_whose_lease_is_revoked_by_another_is_lost_with_the_next_renewal()
    {
        EtcdClient client = NewClient();
        await using EtcdSession session = await client.Leases.CreateSessionAsync(TimeSpan.FromSeconds(3), Token);

        await client.Leases.RevokeAsync(session.LeaseId, cancellationToken: Token);

        await FiresAsync(session.LostToken);
        Assert.True(session.IsLost);
    }

    /// <summary>
    /// Whenever renewals are due their connection has just been lost, for three times as long as the leases last without them. The client's
    /// clock is moved by the test, so that a busy machine costs time and no lease.
    /// </summary>
    [Fact]
    public async Task Sessions_outlive_lost_connections()
    {
        const int Sessions = 20;
        TimeSpan timeToLive = TimeSpan.FromSeconds(600);
        TimeSpan step = TimeSpan.FromMilliseconds(20);
        var time = new FakeTimeProvider();
        FaultProxy proxy = NewProxy();
        EtcdClient client = NewClient(proxy.Url, options => options.TimeProvider = time);
        EtcdSession[] sessions = await Task.WhenAll(Enumerable.Range(0, Sessions).Select(
            _ => client.Leases.CreateSessionAsync(timeToLive, Token).AsTask()));

        while (time.Elapsed < 3 * timeToLive)
        {
            proxy.Reset();
            time.Advance(timeToLive / 3);
            // The pauses between attempts go by this clock too.
            await UntilAsync(() =>
            {
                time.Advance(step);
                return sessions.All(session => session.Remaining > timeToLive * 0.9);
            });
        }

        Assert.True(proxy.Accepted >= 9, $"{proxy.Accepted} connections");
        foreach (EtcdSession session in sessions)
        {
            Assert.False(session.IsLost);
            Assert.NotNull(await NewClient().Leases.TimeToLiveAsync(session.LeaseId, cancellationToken: Token));
            await session.DisposeAsync();
        }
    }
}
