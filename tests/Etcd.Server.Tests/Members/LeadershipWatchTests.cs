using Etcd.Protocol.Errors;
using Etcd.Server.Hosting.Members;
using Etcd.Server.Tests.Node;
using Microsoft.Extensions.Logging.Abstractions;

namespace Etcd.Server.Tests.Members;

/// <summary>
/// Goal: the figures of a leader in trouble tell the truth: heartbeats that leave late, reads that lose their leader. Method:
/// <see cref="TestCluster"/> with its fake clock.
/// </summary>
public sealed class LeadershipWatchTests
{
    private static readonly TimeSpan Heartbeat = TimeSpan.FromMilliseconds(100);

    /// <summary>etcd_server_heartbeat_send_failures_total: one for each other member.</summary>
    [Fact]
    public void ALeadersHeartbeatsThatLeaveLateAreCounted()
    {
        var cluster = new TestCluster(3);
        TestMember leader = cluster.Elect();
        TestMember follower = cluster.Members.Values.First(m => m != leader);
        using LeadershipWatch leads = Watch(cluster, leader);
        using LeadershipWatch follows = Watch(cluster, follower);
        void After(double heartbeats)
        {
            cluster.Clock.Advance(heartbeats * Heartbeat);
            leads.Tick();
            follows.Tick();
        }

        After(1);
        After(1);
        After(2);
        Assert.Equal(0, leader.Node.Figures.HeartbeatsLate);
        After(2.5);
        After(1);
        Assert.Equal(2, leader.Node.Figures.HeartbeatsLate);
        Assert.Equal(0, follower.Node.Figures.HeartbeatsLate);
    }

    /// <summary>etcd_server_read_indexes_failed_total: a read whose question went to a leader that is none any more.</summary>
    [Fact]
    public async Task AReadThatLosesItsLeaderIsCountedAsFailed()
    {
        var cluster = new TestCluster(3);
        TestMember leader = cluster.Elect();
        TestMember reader = cluster.Members.Values.First(m => m != leader);
        cluster.Isolate(leader);
        Task read = reader.Node.LinearizeAsync(TestContext.Current.CancellationToken).AsTask();
        cluster.Run();
        Assert.False(read.IsCompleted);
        for (int i = 0; i < 100 && !read.IsCompleted; i++)
        {
            cluster.Tick();
        }

        EtcdErrorException error = await Assert.ThrowsAsync<EtcdErrorException>(() => read);
        Assert.Equal(EtcdErrors.LeaderChanged, error.Error);
        Assert.Equal(1, reader.Node.Figures.ReadIndexesFailed);
    }

    private static LeadershipWatch Watch(TestCluster cluster, TestMember member) =>
        new(member.Node, member.Id, member.State, Heartbeat, electionTicks: 10, cluster.Clock, NullLogger.Instance);
}
