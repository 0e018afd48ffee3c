using Etcd.Client;
using Etcd.Client.Tests.Suites;
using Etcd.Protocol.Errors;
using Etcd.TestKit.Processes;
using Etcd.TestKit.Processes.Clusters;

namespace Etcd.Interop.Tests.Client;

/// <summary>Goal: the leadership is handed over, whichever endpoint comes first.</summary>
public sealed class MoveLeaderTests : ClientSuite
{
    protected override string Url => throw new NotSupportedException();

    [Fact]
    public async Task The_leader_is_found_among_the_endpoints()
    {
        await using ServerCluster cluster = await ServerCluster.StartAsync(ServerProgram.Ours, 3, Token);
        ClusterMember leader = await cluster.WaitForLeaderAsync(Token);
        ClusterMember next = cluster.Members.First(m => m != leader);
        EtcdClient client = NewClient(string.Join(',', cluster.Members.OrderBy(m => m == leader).Select(m => "http://" + m.Place.Client)));
        EtcdClient elsewhere = NewClient("http://" + next.Place.Client);

        var refused = await Assert.ThrowsAsync<EtcdException>(async () => await elsewhere.Maintenance.MoveLeaderAsync(next.Id, cancellationToken: Token));
        await client.Maintenance.MoveLeaderAsync(next.Id, cancellationToken: Token);

        Assert.Equal(EtcdErrorId.NotLeader, refused.ErrorId);
        Assert.Same(next, await cluster.WaitForLeaderAsync(Token));
    }
}
