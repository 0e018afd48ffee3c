using Etcd.Protocol.Etcdserverpb;
using Etcd.TestKit.Processes;
using Etcd.TestKit.Processes.Clusters;

namespace Etcd.Interop.Tests.Clusters;

/// <summary>
/// Goal: from the data of one member that is left, --force-new-cluster makes a cluster that has all that was acknowledged and no
/// member but that one, and that can grow again (etcd 3.6.11: its learners stayed). Method: processes, and the real etcdctl.
/// </summary>
public sealed class ForceNewClusterTests
{
    private const int Keys = 200;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_of_three_and_a_learner_goes_on_alone_and_finds_new_company()
    {
        RealEtcd.Require();
        IReadOnlyList<MemberPlace> places = MemberPlace.OnLoopback(5);
        await using ServerCluster cluster = ServerCluster.Create(ServerProgram.Tested, [.. places.Take(3)], "--unsafe-no-fsync", "--strict-reconfig-check=false");
        await cluster.StartAsync(Token);
        await CtlAsync(cluster.Members[0], "member", "add", "learner", "--learner", $"--peer-urls={places[3].PeerUrl}");
        await cluster.Add(places[3]).StartAsync(Token);
        ClusterMember left = (await cluster.WaitForLeaderAsync(Token)) == cluster.Members[0] ? cluster.Members[1] : cluster.Members[0];
        await Load.PutAsync(cluster, "k", Keys, Token, [left]);
        ulong id = left.Id;
        await Task.WhenAll(cluster.Members.Select(m => m.KillAsync(Token)));

        IReadOnlyList<string> usual = left.Flags;
        left.Flags = [.. usual, "--force-new-cluster"];
        await left.StartAsync(Token);
        await left.Process.WaitForLineAsync("forcing restart member", Token);
        MemberListResponse members = await ListAsync(left);
        Assert.Equal([id], members.Members.Select(m => m.ID));
        await Load.RequireAsync(left, "k", Keys, Token);
        Assert.Equal("OK\n", await CtlAsync(left, "put", "alone", "yes"));

        // As an operator goes on: without the flag, and with a new member.
        await left.TerminateAsync(Token);
        left.Flags = usual;
        await left.StartAsync(Token);
        await CtlAsync(left, "member", "add", places[4].Name, $"--peer-urls={places[4].PeerUrl}");
        ClusterMember fresh = cluster.Add(places[4]);
        fresh.InitialCluster = $"{left.Name}={left.Place.PeerUrl},{places[4].Name}={places[4].PeerUrl}";
        await fresh.StartAsync(Token);
        Assert.Equal("OK\n", await CtlAsync(fresh, "put", "together", "yes"));
        await cluster.WaitUntilLevelAsync(Token);
        await Load.RequireAsync(fresh, "k", Keys, Token);
        Assert.Equal("alone\nyes\n", await CtlAsync(fresh, "get", "alone"));
        Assert.Equal(2, (await ListAsync(fresh)).Members.Count);
    }

    private static async Task<MemberListResponse> ListAsync(ClusterMember member) =>
        await new Cluster.ClusterClient(member.Channel).MemberListAsync(new MemberListRequest { Linearizable = true }, cancellationToken: Token);

    private static async Task<string> CtlAsync(ClusterMember member, params string[] command)
    {
        CommandResult result = await EtcdCtl.RunAsync(member.Place.Client, command, Token);
        Assert.True(result.ExitCode == 0, result.ToString());
        return result.Stdout;
    }
}
