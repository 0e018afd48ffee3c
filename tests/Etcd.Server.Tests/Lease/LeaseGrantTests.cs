using Etcd.Server.Lease;
using Etcd.Server.Primitives;

namespace Etcd.Server.Tests.Lease;

/// <summary>Grants, revokes and keys: what is replicated.</summary>
public sealed class LeaseGrantTests
{
    private readonly LeaseBench _bench = new();

    [Theory]
    [InlineData(1000, 100, 2)]
    [InlineData(5000, 500, 8)]
    [InlineData(50_000, 100, 75)]
    [InlineData(300, 100, 1)]
    public void The_shortest_ttl_is_one_and_a_half_election_timeouts(int election, int heartbeat, long seconds) =>
        Assert.Equal(seconds, LeaseOptions.MinimumTtl(election, heartbeat));

    [Theory]
    [InlineData(10, 10)]
    [InlineData(2, 2)]
    [InlineData(1, 2)]
    [InlineData(0, 2)]
    [InlineData(-5, 2)]
    [InlineData(9_000_000_000, 9_000_000_000)]
    public void Short_ttls_are_raised(long asked, long granted) =>
        Assert.Equal(new LeaseGrant(LeaseStatus.Ok, granted), _bench.Leases.Grant(LeaseBench.Id(1), asked));

    [Fact]
    public void The_largest_ttl_can_be_counted()
    {
        _bench.Leases.Promote(TimeSpan.Zero);
        _bench.Grant(1, 9_000_000_000);
        _bench.Advance(10);

        Assert.Equal(8_999_999_990, _bench.Remaining(1));
    }

    [Fact]
    public void A_larger_ttl_is_refused_before_anything_else()
    {
        _bench.Grant(1, 10);

        Assert.Equal(LeaseStatus.TtlTooLarge, _bench.Leases.Grant(LeaseBench.Id(1), 9_000_000_001).Status);
        Assert.Equal(LeaseStatus.Exists, _bench.Leases.Grant(LeaseBench.Id(1), 10).Status);
        Assert.Equal(LeaseStatus.NotFound, _bench.Leases.Grant(LeaseId.None, 10).Status);
    }

    [Fact]
    public void A_revoke_deletes_the_keys_in_byte_order()
    {
        _bench.Grant(7, 10);
        foreach (string key in new[] { "b", "a", "é", "B", "aa" })
        {
            _bench.Leases.Attach(LeaseBench.Id(7), LeaseBench.Key(key));
        }

        _bench.Leases.Attach(LeaseBench.Id(7), LeaseBench.Key("a"));
        _bench.Leases.Detach(LeaseBench.Id(7), LeaseBench.Key("aa"));

        Assert.Equal(LeaseStatus.Ok, _bench.Revoke(7));
        Assert.Equal("B a b é", Assert.Single(_bench.Deletions));
        Assert.False(_bench.Leases.Exists(LeaseBench.Id(7)));
        Assert.Equal(LeaseStatus.NotFound, _bench.Revoke(7));
    }

    [Fact]
    public void A_revoke_without_keys_deletes_nothing()
    {
        _bench.Grant(7, 10);

        Assert.Equal(LeaseStatus.Ok, _bench.Revoke(7));
        Assert.Empty(_bench.Deletions);
    }

    /// <summary>etcd issue 14019: leases that were listed for ever and could not be revoked.</summary>
    [Fact]
    public void A_revoked_lease_leaves_no_trace_14019()
    {
        _bench.Leases.Promote(TimeSpan.Zero);
        for (int i = 1; i <= 1000; i++)
        {
            _bench.Grant(i, 5);
            _bench.Leases.Attach(LeaseBench.Id(i), LeaseBench.Key("k" + i));
        }

        _bench.Leases.Demote();
        _bench.Leases.Promote(TimeSpan.FromSeconds(1));
        for (int i = 1; i <= 1000; i++)
        {
            Assert.Equal(LeaseStatus.Ok, _bench.Revoke(i));
        }

        Assert.Equal(0, _bench.Leases.Count);
        Assert.Empty(_bench.Leases.List());
        Assert.Empty(_bench.Leases.Records());
        _bench.Advance(3600);
        Assert.Empty(_bench.Expired());
    }

    /// <summary>etcd issue 14019, the other half: a key is never tied to a lease that is gone.</summary>
    [Fact]
    public void To_attach_to_a_revoked_lease_is_a_broken_invariant_14019()
    {
        _bench.Grant(1, 5);
        _bench.Revoke(1);

        Assert.Throws<InvariantException>(() => _bench.Leases.Attach(LeaseBench.Id(1), LeaseBench.Key("k")));
        _bench.Leases.Detach(LeaseBench.Id(1), LeaseBench.Key("k"));
    }

    [Fact]
    public void What_is_stored_comes_back()
    {
        _bench.Grant(3, 100);
        _bench.Grant(1, 200);
        _bench.Leases.Checkpoint(LeaseBench.Id(1), 40);
        _bench.Leases.Checkpoint(LeaseBench.Id(99), 40);
        IReadOnlyList<LeaseRecord> records = [.. _bench.Leases.Records().OrderBy(r => r.Id.Value)];
        Assert.Equal([new LeaseRecord(LeaseBench.Id(1), 200, 40), new LeaseRecord(LeaseBench.Id(3), 100, 0)], records);

        var restarted = new LeaseBench();
        restarted.Grant(8, 10);
        restarted.Leases.Restore([.. records, new LeaseRecord(LeaseBench.Id(5), 1, 0)]);
        restarted.Leases.Promote(TimeSpan.Zero);

        Assert.Equal([5, 1, 3], restarted.Leases.List().Select(id => id.Value));
        Assert.Equal(2, restarted.Remaining(5));
        Assert.Equal(40, restarted.Remaining(1));
    }
}
