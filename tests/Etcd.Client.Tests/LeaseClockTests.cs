using Etcd.Client.Tests.Suites;
using Etcd.TestKit;
using Etcd.TestKit.Network;

namespace Etcd.Client.Tests;

/// <summary>
/// Goal: renewals and losses come when the client's own clock says so. Method: a clock that the test moves; the server's clock stands
/// still in comparison, so a lease ends on the server only if it is revoked.
/// </summary>
public sealed class LeaseClockTests(OurMember member) : ClientSuite, IClassFixture<OurMember>
{
    private static readonly TimeSpan TimeToLive = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Third = TimeSpan.FromSeconds(10) + TimeSpan.FromMilliseconds(2);

    private readonly FakeTimeProvider _time = new();

    protected override string Url => member.Url;

    [Fact]
    public async Task A_session_is_renewed_at_a_third_of_its_time_for_as_long_as_it_lasts()
    {
        EtcdSession session = await NewSessionAsync(Url);
        await RenewAsync(session);

        for (int i = 0; i < 10; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(9));
            Assert.InRange(session.Remaining, TimeSpan.FromSeconds(18), TimeSpan.FromSeconds(20));
            await RenewAsync(session);
        }

        Assert.False(session.LostToken.IsCancellationRequested);
    }

    /// <summary>The last second is left for clocks that run apart.</summary>
    [Fact]
    public async Task A_session_that_cannot_be_renewed_is_lost_before_the_lease_can_have_ended()
    {
        FaultProxy proxy = NewProxy();
        EtcdSession session = await NewSessionAsync(proxy.Url);
        await proxy.RefuseAsync();
        proxy.Reset();

        _time.Advance(TimeSpan.FromSeconds(28.9));
        Assert.False(session.IsLost);
        Assert.False(session.LostToken.IsCancellationRequested);
        _time.Advance(TimeSpan.FromSeconds(0.2));

        Assert.True(session.IsLost);
        await FiresAsync(session.LostToken);
        Assert.NotNull(await NewClient().Leases.TimeToLiveAsync(session.LeaseId, cancellationToken: Token));
    }

    /// <summary>An answer that comes late counts from the request, not from its own arrival.</summary>
    [Fact]
    public async Task A_renewal_counts_from_the_moment_in_which_it_was_sent()
    {
        FaultProxy proxy = NewProxy();
        EtcdSession session = await NewSessionAsync(proxy.Url);
        // The first renewal shows that the stream is there.
        await RenewAsync(session);

        proxy.Hold(ProxyDirection.ToClient);
        _time.Advance(Third);
        _time.Advance(TimeSpan.FromSeconds(9));
        TimeSpan before = session.Remaining;
        proxy.Release();
        await UntilAsync(() => session.Remaining > before);

        Assert.InRange(session.Remaining, TimeSpan.FromSeconds(19), TimeSpan.FromSeconds(20));
    }

    /// <summary>No reset tells that the connection is dead; the silence of one renewal has to do.</summary>
    [Fact]
    public async Task A_renewal_without_an_answer_goes_to_another_endpoint_in_time()
    {
        FaultProxy dead = NewProxy();
        FaultProxy other = NewProxy();
        await other.RefuseAsync();
        EtcdSession session = await NewSessionAsync($"{dead.Url},{other.Url}");
        await RenewAsync(session);
        other.Accept();
        dead.BlackHole();

        _time.Advance(Third);
        _time.Advance(Third);

        await RenewAsync(session);
        Assert.False(session.LostToken.IsCancellationRequested);
    }

    /// <summary>After many failures the pauses are long, but never so long that a lease is lost to them alone.</summary>
    [Fact]
    public async Task A_cluster_that_comes_back_in_time_finds_the_lease_renewed()
    {
        TimeSpan timeToLive = TimeSpan.FromMinutes(10);
        FaultProxy proxy = NewProxy();
        EtcdClient client = NewClient(proxy.Url, options =>
        {
            options.TimeProvider = _time;
            options.Retry.MaxDelay = TimeSpan.FromHours(5);
        });
        EtcdSession session = Keep(await client.Leases.CreateSessionAsync(timeToLive, Token));
        await proxy.RefuseAsync();
        proxy.Reset();
        await UntilAsync(() =>
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            return session.Remaining < timeToLive / 5;
        });

        proxy.Accept();

        await PassAsync(() => session.Remaining > timeToLive * 0.9);
        Assert.False(session.IsLost);
    }

    [Fact]
    public async Task An_orphan_is_told_when_its_time_has_passed()
    {
        EtcdSession session = await NewSessionAsync(Url);

        session.Orphan();
        _time.Advance(TimeSpan.FromSeconds(28));
        Assert.False(session.IsLost);
        _time.Advance(TimeSpan.FromSeconds(2));

        await FiresAsync(session.LostToken);
        Assert.NotNull(await NewClient().Leases.TimeToLiveAsync(session.LeaseId, cancellationToken: Token));
    }

    [Fact]
    public async Task Two_keepers_of_one_lease_end_one_by_one()
    {
        EtcdClient client = NewClient(configure: options => options.TimeProvider = _time);
        EtcdLeaseGrant grant = await client.Leases.GrantAsync(TimeToLive, cancellationToken: Token);
        EtcdLeaseKeeper one = await client.Leases.KeepAliveAsync(grant.Id, Token);
        await using EtcdLeaseKeeper two = await client.Leases.KeepAliveAsync(grant.Id, Token);

        await one.DisposeAsync();
        await PassAsync(() => two.Remaining < TimeSpan.FromSeconds(20));
        await PassAsync(() => two.Remaining > TimeSpan.FromSeconds(28));
        await client.Leases.RevokeAsync(grant.Id, cancellationToken: Token);

        await PassAsync(() => two.LostToken.IsCancellationRequested);
        Assert.False(one.LostToken.IsCancellationRequested);
    }

    /// <summary>Goes on to the next renewal and waits for its answer.</summary>
    private async Task RenewAsync(EtcdSession session)
    {
        await PassAsync(() => session.Remaining < TimeSpan.FromSeconds(20));
        await PassAsync(() => session.Remaining > TimeSpan.FromSeconds(28));
    }

    // A step for each look: what another thread has set for a moment ago happens with the next step.
    private Task PassAsync(Func<bool> condition)
    {
        return UntilAsync(() =>
        {
            if (condition())
            {
                return true;
            }

            _time.Advance(TimeSpan.FromMilliseconds(20));
            return false;
        });
    }

    private async Task<EtcdSession> NewSessionAsync(string url)
    {
        EtcdClient client = NewClient(url, options => options.TimeProvider = _time);
        EtcdSession session = Keep(await client.Leases.CreateSessionAsync(TimeToLive, Token));
        Assert.Equal(TimeToLive, session.TimeToLive);
        Assert.Equal(TimeSpan.FromSeconds(29), session.Remaining);
        return session;
    }
}
