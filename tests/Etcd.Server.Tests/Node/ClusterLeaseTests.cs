using Etcd.Server.Apply;
using Etcd.Server.Lease;
using Etcd.Server.Primitives;

namespace Etcd.Server.Tests.Node;

/// <summary>
/// Leases across members: only the leader lets one end, and only while it knows that it leads; a new leader neither cuts a lease
/// short nor lets it begin anew. Method: <see cref="TestCluster"/> with its fake clock.
/// </summary>
public sealed class ClusterLeaseTests
{
    private static readonly LeaseId Lease = new(7);

    [Fact]
    public void AnExpiredLeaseEndsOnEveryMember()
    {
        var cluster = new TestCluster(3);
        TestMember leader = Granted(cluster, 5);
        Assert.True(leader.Leases.IsPrimary);
        Assert.All(cluster.Members.Values.Where(m => m != leader), m => Assert.False(m.Leases.IsPrimary));
        cluster.Tick(45);
        Assert.All(cluster.Members.Values, m => Assert.NotNull(m.Get("leased")));
        cluster.Tick(15);
        Assert.All(cluster.Members.Values, m => Assert.Null(m.Get("leased")));
        Assert.All(cluster.Members.Values, m => Assert.False(m.Leases.Exists(Lease)));
    }

    [Fact]
    public void ANewLeaderGivesALeaseItsWholeTimeAgain()
    {
        var cluster = new TestCluster(3);
        TestMember leader = Granted(cluster, 10);
        cluster.Tick(80);
        leader.Crash();
        TestMember next = cluster.Elect();
        Assert.True(next.Leases.IsPrimary);
        cluster.Tick(90);
        Assert.NotNull(next.Get("leased"));
        cluster.Tick(30);
        Assert.Null(next.Get("leased"));
    }

    [Fact]
    public void ALeaderThatIsReplacedStopsKeepingTime()
    {
        var cluster = new TestCluster(3);
        TestMember leader = Granted(cluster, 10);
        TestMember next = cluster.Members.Values.First(m => m != leader);
        _ = leader.Node.TransferLeadershipAsync(next.Id, TimeSpan.FromSeconds(7));
        cluster.Tick(3);
        Assert.False(leader.Leases.IsPrimary);
        Assert.True(next.Leases.IsPrimary);
    }

    /// <summary>
    /// etcd issue 15247: a leader that was paused wakes up with leases that are over by its clock, and which clients have renewed
    /// with its successor meanwhile.
    /// </summary>
    [Fact]
    public void ALeaderThatWasPausedRevokesNothingThatItsSuccessorRenewed()
    {
        var cluster = new TestCluster(3);
        TestMember old = Granted(cluster, 10);
        old.IsPaused = true;
        cluster.Tick(40);
        TestMember next = cluster.Leader!;
        Assert.NotEqual(old, next);
        for (int i = 0; i < 20; i++)
        {
            cluster.Tick(5);
            Assert.Equal(LeaseStatus.Ok, next.Leases.Renew(Lease).Status);
        }

        // It believes that it leads, that the lease is over, and that it has heard of nobody yet.
        Assert.True(old.Leases.IsPrimary);
        Assert.True(old.Leases.HasDue);
        old.IsPaused = false;
        old.Node.Tick();
        cluster.Tick(20);
        Assert.All(cluster.Members.Values, m => Assert.NotNull(m.Get("leased")));
        Assert.True(next.Leases.Exists(Lease));
    }

    [Fact]
    public void ALeaderThatCannotProveItRevokesNothing()
    {
        var cluster = new TestCluster(3);
        TestMember leader = Granted(cluster, 5);
        cluster.Clock.Advance(TimeSpan.FromSeconds(6));
        cluster.Isolate(leader);
        LogIndex last = leader.Node.Committed;
        cluster.Tick(5);
        cluster.Heal();
        Assert.NotNull(leader.Get("leased"));
        Assert.Equal(last, leader.Node.Committed);
    }

    [Fact]
    public void WhatIsLeftOfALongLeaseSurvivesItsLeader()
    {
        var cluster = new TestCluster(3);
        TestMember leader = Granted(cluster, 1000);
        cluster.Clock.Advance(TimeSpan.FromSeconds(400));
        cluster.Tick(10);
        leader.Crash();
        TestMember next = cluster.Elect();
        Assert.InRange(next.Leases.TimeToLive(Lease, withKeys: false).RemainingSeconds, 580, 605);
        LeaseRenewal renewal = next.Leases.Renew(Lease);
        Assert.True(renewal.HasCheckpoint);
        Task<ApplyOutcome> forget = next.Node.ProposeAsync(Etcd.Server.Node.RaftCommand.Create(
            Etcd.Server.Node.RaftCommandKind.LeaseCheckpoint, LeaseCommands.Checkpoint([new LeaseRecord(Lease, 1000, 0)])));
        cluster.Run();
        Assert.True(forget.IsCompletedSuccessfully);
        Assert.False(next.Leases.Renew(Lease).HasCheckpoint);
    }

    [Fact]
    public void AShortLeaseIsNotWorthACheckpoint()
    {
        var cluster = new TestCluster(1);
        TestMember leader = Granted(cluster, Limits.LeaseCheckpointSeconds);
        LogIndex before = leader.Node.Committed;
        cluster.Clock.Advance(TimeSpan.FromSeconds(Limits.LeaseCheckpointSeconds - 10));
        cluster.Tick(10);
        Assert.Equal(before, leader.Node.Committed);
    }

    private static TestMember Granted(TestCluster cluster, long ttl)
    {
        TestMember leader = cluster.Elect();
        Task<ApplyOutcome> grant = leader.Grant(Lease.Value, ttl);
        cluster.Run();
        Assert.True(grant.IsCompletedSuccessfully);
        Task<ApplyOutcome> put = leader.Put("leased", lease: Lease.Value);
        cluster.Run();
        Assert.True(put.IsCompletedSuccessfully);
        cluster.Tick();
        return leader;
    }
}
