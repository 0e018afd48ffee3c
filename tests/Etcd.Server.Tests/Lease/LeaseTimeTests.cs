using Etcd.Server.Lease;

namespace Etcd.Server.Tests.Lease;

/// <summary>Time: who counts it, when a lease ends, and what happens around the end.</summary>
public sealed class LeaseTimeTests
{
    private readonly LeaseBench _bench = new();

    public LeaseTimeTests() => _bench.Leases.Promote(TimeSpan.Zero);

    [Fact]
    public void A_lease_expires_after_its_ttl_and_not_before()
    {
        _bench.Grant(1, 10);
        _bench.Grant(2, 5);
        _bench.Advance(4.9);
        Assert.Empty(_bench.Expired());
        _bench.Advance(0.1);
        Assert.Equal([2], _bench.Expired());
        _bench.Advance(5);
        Assert.Equal([1], _bench.Expired());
    }

    [Fact]
    public void A_renewal_begins_the_time_anew()
    {
        _bench.Grant(1, 10);
        _bench.Advance(9);
        Assert.Equal(new LeaseRenewal(LeaseStatus.Ok, 10), _bench.Leases.Renew(LeaseBench.Id(1)));
        Assert.Equal(10, _bench.Remaining(1));
        _bench.Advance(9.5);
        Assert.Empty(_bench.Expired());
        _bench.Advance(0.5);
        Assert.Equal([1], _bench.Expired());
    }

    [Fact]
    public void A_revoke_is_asked_for_once_until_the_retry_time_has_passed()
    {
        _bench.Grant(1, 5);
        _bench.Advance(5);
        Assert.Equal([1], _bench.Expired());
        _bench.Advance(6.9);
        Assert.Empty(_bench.Expired());
        _bench.Advance(0.1);
        Assert.Equal([1], _bench.Expired());
        _bench.Revoke(1);
        _bench.Advance(100);
        Assert.Empty(_bench.Expired());
    }

    /// <summary>etcd 3.6.5: a renewal was answered with success although the lease was revoked.</summary>
    [Fact]
    public void A_renewal_after_the_end_is_never_a_success_3_6_5()
    {
        _bench.Grant(1, 5);
        _bench.Advance(5);
        Assert.Equal(LeaseStatus.ExpiredPending, _bench.Leases.Renew(LeaseBench.Id(1)).Status);
        _bench.Expired();
        Assert.Equal(LeaseStatus.ExpiredPending, _bench.Leases.Renew(LeaseBench.Id(1)).Status);
        _bench.Revoke(1);
        Assert.Equal(LeaseStatus.NotFound, _bench.Leases.Renew(LeaseBench.Id(1)).Status);
    }

    [Fact]
    public void A_renewal_just_before_the_revoke_does_not_save_the_lease()
    {
        _bench.Grant(1, 5);
        Assert.Equal(LeaseStatus.Ok, _bench.Leases.Renew(LeaseBench.Id(1)).Status);
        _bench.Revoke(1);

        Assert.Equal(LeaseStatus.NotFound, _bench.Leases.Renew(LeaseBench.Id(1)).Status);
        _bench.Advance(100);
        Assert.Empty(_bench.Expired());
    }

    [Fact]
    public void A_lease_that_is_granted_again_under_its_old_id_has_its_own_time()
    {
        _bench.Grant(1, 5);
        _bench.Advance(4);
        _bench.Revoke(1);
        _bench.Grant(1, 5);
        _bench.Advance(4);
        Assert.Empty(_bench.Expired());
        _bench.Advance(1);
        Assert.Equal([1], _bench.Expired());
    }

    [Fact]
    public void Whoever_waits_for_the_end_is_told_once()
    {
        List<LeaseEnd> told = [];
        _bench.Grant(1, 5);
        _bench.Grant(2, 5);
        _bench.Leases.NotifyEnd(LeaseBench.Id(1), told.Add);
        IDisposable gone = _bench.Leases.NotifyEnd(LeaseBench.Id(1), _ => Assert.Fail("no longer waits"));
        gone.Dispose();
        _bench.Revoke(1);
        Assert.Equal([LeaseEnd.Revoked], told);

        _bench.Leases.NotifyEnd(LeaseBench.Id(1), told.Add);
        Assert.Equal([LeaseEnd.Revoked, LeaseEnd.Revoked], told);
        _bench.Leases.NotifyEnd(LeaseBench.Id(2), told.Add);
        _bench.Leases.Demote();
        _bench.Leases.Demote();
        _bench.Leases.NotifyEnd(LeaseBench.Id(2), told.Add);
        Assert.Equal([LeaseEnd.Revoked, LeaseEnd.Revoked, LeaseEnd.Demoted, LeaseEnd.Demoted], told);
    }

    [Fact]
    public void Who_is_not_primary_lets_nothing_expire_and_renews_nothing()
    {
        var follower = new LeaseBench();
        follower.Grant(1, 5);
        follower.Advance(1000);

        Assert.Empty(follower.Expired());
        Assert.Equal(LeaseStatus.NotPrimary, follower.Leases.Renew(LeaseBench.Id(1)).Status);
        Assert.Equal(LeaseStatus.NotPrimary, follower.Leases.Renew(LeaseBench.Id(2)).Status);
        Assert.Equal(LeaseStatus.NotPrimary, follower.Leases.TimeToLive(LeaseBench.Id(1), true).Status);
        Assert.Equal(LeaseStatus.NotFound, follower.Leases.TimeToLive(LeaseBench.Id(2), true).Status);
    }

    /// <summary>etcd issue 15247: a leader that was stuck, and deposed meanwhile, revoked all leases when it went on.</summary>
    [Fact]
    public void A_deposed_primary_asks_for_no_revoke_however_long_it_was_stuck_15247()
    {
        for (int i = 1; i <= 100; i++)
        {
            _bench.Grant(i, 10);
        }

        _bench.Advance(600);
        _bench.Leases.Demote();
        Assert.Empty(_bench.Expired());

        // And it renews nothing that the new leader counts.
        Assert.Equal(LeaseStatus.NotPrimary, _bench.Leases.Renew(LeaseBench.Id(1)).Status);

        // As leader again it begins anew rather than with what it counted then.
        _bench.Leases.Promote(TimeSpan.FromSeconds(1));
        Assert.Empty(_bench.Expired());
        Assert.Equal(11, _bench.Remaining(1));
    }

    /// <summary>etcd issue 15247: what was decided before the pause must not be carried out after a change of leader.</summary>
    [Fact]
    public void A_revoke_that_was_asked_for_before_a_change_of_leader_is_not_asked_for_again_15247()
    {
        _bench.Grant(1, 10);
        _bench.Advance(10);
        Assert.Equal([1], _bench.Expired());
        _bench.Leases.Demote();
        _bench.Leases.Promote(TimeSpan.FromSeconds(1));
        _bench.Advance(10.9);
        Assert.Empty(_bench.Expired());
        Assert.Equal(LeaseStatus.Ok, _bench.Leases.Renew(LeaseBench.Id(1)).Status);
    }

    /// <summary>etcd issue 9395: each change of leader gave every lease its whole TTL again.</summary>
    [Fact]
    public void A_checkpoint_survives_the_change_of_leader_9395()
    {
        _bench.Grant(1, 600);
        _bench.Grant(2, 600);
        _bench.Leases.Checkpoint(LeaseBench.Id(1), 300);
        for (int i = 0; i < 3; i++)
        {
            _bench.Leases.Demote();
            _bench.Leases.Promote(TimeSpan.FromSeconds(1));
            Assert.Equal(301, _bench.Remaining(1));
            Assert.Equal(601, _bench.Remaining(2));
        }

        // After a renewal the whole TTL counts again, for the next leader once the checkpoint of zero is applied.
        Assert.Equal(new LeaseRenewal(LeaseStatus.Ok, 600, HasCheckpoint: true), _bench.Leases.Renew(LeaseBench.Id(1)));
        Assert.Equal(600, _bench.Remaining(1));
        _bench.Leases.Checkpoint(LeaseBench.Id(1), 0);
        Assert.False(_bench.Leases.Renew(LeaseBench.Id(1)).HasCheckpoint);
        _bench.Leases.Demote();
        _bench.Leases.Promote(TimeSpan.FromSeconds(1));
        Assert.Equal(601, _bench.Remaining(1));
    }

    [Fact]
    public void Time_to_live_counts_down_and_shows_keys_when_asked()
    {
        _bench.Grant(1, 10);
        _bench.Leases.Attach(LeaseBench.Id(1), LeaseBench.Key("b"));
        _bench.Leases.Attach(LeaseBench.Id(1), LeaseBench.Key("a"));
        _bench.Advance(0.1);

        LeaseTimeToLive found = _bench.Leases.TimeToLive(LeaseBench.Id(1), withKeys: true);
        Assert.Equal((LeaseStatus.Ok, 9L, 10L), (found.Status, found.RemainingSeconds, found.GrantedSeconds));
        Assert.Equal(["a", "b"], found.Keys.Select(k => System.Text.Encoding.UTF8.GetString(k.Span)));
        Assert.Empty(_bench.Leases.TimeToLive(LeaseBench.Id(1), withKeys: false).Keys);

        LeaseTimeToLive unknown = _bench.Leases.TimeToLive(LeaseBench.Id(9), withKeys: true);
        Assert.Equal((LeaseStatus.NotFound, -1L, 0L), (unknown.Status, unknown.RemainingSeconds, unknown.GrantedSeconds));
        _bench.Advance(13);
        Assert.Equal(-3, _bench.Remaining(1));
    }

    [Fact]
    public void Leases_are_listed_by_what_is_left()
    {
        _bench.Grant(1, 30);
        _bench.Grant(2, 10);
        _bench.Grant(3, 20);
        _bench.Grant(4, 10);
        _bench.Advance(5);
        _bench.Leases.Renew(LeaseBench.Id(2));

        Assert.Equal([4, 2, 3, 1], _bench.Leases.List().Select(id => id.Value));
    }

    [Fact]
    public void Ten_thousand_that_expire_at_once_are_revoked_at_the_rate()
    {
        const int Count = 10_000;
        for (int i = 1; i <= Count; i++)
        {
            _bench.Grant(i, 10);
        }

        _bench.Advance(10);
        HashSet<long> seen = [];
        for (int tick = 0; tick < 20; tick++)
        {
            List<long> first = _bench.Expired();
            // Asked more often than it ticks, it does not say more.
            _bench.Advance(0.2);
            List<long> second = _bench.Expired();
            Assert.Equal(500, first.Count + second.Count);
            foreach (long id in first.Concat(second))
            {
                Assert.True(seen.Add(id));
                _bench.Revoke(id);
            }

            _bench.Advance(0.3);
        }

        Assert.Equal(Count, seen.Count);
        Assert.Equal(0, _bench.Leases.Count);
    }

    [Fact]
    public void After_a_change_of_leader_a_mass_expiry_is_spread()
    {
        const int Count = 10_000;
        for (int i = 1; i <= Count; i++)
        {
            _bench.Grant(i, 10);
        }

        _bench.Leases.Demote();
        _bench.Leases.Promote(TimeSpan.FromSeconds(1));

        long[] remaining = [.. Enumerable.Range(1, Count).Select(i => _bench.Remaining(i)).Order()];
        Assert.Equal(11, remaining[0]);
        Assert.All(remaining.GroupBy(seconds => seconds), second => Assert.InRange(second.Count(), 1, 1000));
        Assert.InRange(remaining[^1], 11 + (Count / 1000), 11 + (Count / 500));
    }

    [Fact]
    public void Few_leases_are_not_spread()
    {
        for (int i = 1; i <= 999; i++)
        {
            _bench.Grant(i, 10);
        }

        _bench.Leases.Promote(TimeSpan.FromSeconds(1));

        Assert.All(Enumerable.Range(1, 999), i => Assert.Equal(11, _bench.Remaining(i)));
    }

    [Fact]
    public void It_is_run_by_ticks_while_primary_and_not_at_all_otherwise()
    {
        Assert.Equal(TimeSpan.FromMilliseconds(500), _bench.Leases.RunOnce([]));
        _bench.Leases.Demote();
        Assert.Equal(Timeout.InfiniteTimeSpan, _bench.Leases.RunOnce([]));
    }
}
