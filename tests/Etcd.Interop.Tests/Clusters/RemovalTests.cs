using Etcd.Protocol.Etcdserverpb;
using Etcd.TestKit.Processes;
using Etcd.TestKit.Processes.Clusters;

namespace Etcd.Interop.Tests.Clusters;

/// <summary>Goal: a leader that removes itself ends by itself, saying why, and leaves a cluster that works. Method: processes.</summary>
public sealed class RemovalTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_leader_that_is_removed_ends_and_strands_nobody(int members)
    {
        await using ServerCluster cluster = ServerCluster.Create(
            ServerProgram.Tested, MemberPlace.OnLoopback(members), "--unsafe-no-fsync", "--strict-reconfig-check=false");
        ClusterMember leader = await cluster.StartAsync(Token);
        ClusterMember[] others = [.. cluster.Members.Where(m => m != leader)];
        await new ClusterClient([leader]).PutAsync("k", "before", Token);

        await new Cluster.ClusterClient(leader.Channel).MemberRemoveAsync(new MemberRemoveRequest { ID = leader.Id }, cancellationToken: Token);
        CommandResult ended = await leader.Process.WaitForExitAsync(Token);

        Assert.Equal(0, ended.ExitCode);
        Assert.Contains("the member has been permanently removed from the cluster", ended.Output, StringComparison.Ordinal);
        await cluster.WaitForLeaderAsync(Token, others);
        await new ClusterClient(others).PutAsync("k", "after", Token);
        MemberListResponse list = await new Cluster.ClusterClient(others[0].Channel).MemberListAsync(
            new MemberListRequest { Linearizable = true }, cancellationToken: Token);
        Assert.Equal(others.Select(m => m.Id).Order(), list.Members.Select(m => m.ID).Order());
    }
}
