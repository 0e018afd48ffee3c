using Etcd.Protocol.Etcdserverpb;
using Etcd.TestKit.Processes;
using Etcd.TestKit.Processes.Clusters;
using Google.Protobuf;
using Grpc.Core;

namespace Etcd.Interop.Tests.Clusters;

/// <summary>
/// Goal: members of etcd 3.5 and of this project, which claims to be 3.5, are one cluster (docs/mixed-clusters.md says what that
/// is good for and where it ends). Method: three processes of the one, a learner of the other that is promoted and made to lead.
/// </summary>
public sealed class MixedClusterTests
{
    private const int Keys = 500;

    private static readonly string[] OursFlags = ["--unsafe-no-fsync", "--strict-reconfig-check=false", "--claimed-version=3.5"];
    private static readonly string[] EtcdFlags = ["--unsafe-no-fsync", "--strict-reconfig-check=false"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_learner_of_the_other_kind_follows_votes_and_leads(bool oursFound)
    {
        RealEtcd.Require();
        (ServerProgram founders, ServerProgram joins) = oursFound ? (ServerProgram.Ours, ServerProgram.Real) : (ServerProgram.Real, ServerProgram.Ours);
        IReadOnlyList<MemberPlace> places = MemberPlace.OnLoopback(4);
        await using ServerCluster cluster = ServerCluster.Create(founders, [.. places.Take(3)], oursFound ? OursFlags : EtcdFlags);
        ClusterMember leader = await cluster.StartAsync(Token);
        await Load.PutAsync(cluster, "before", Keys, Token);
        var members = new Cluster.ClusterClient(leader.Channel);
        MemberAddResponse added = await members.MemberAddAsync(
            new MemberAddRequest { PeerURLs = { places[3].PeerUrl }, IsLearner = true }, cancellationToken: Token);

        ClusterMember joined = cluster.Add(places[3], joins);
        joined.Flags = oursFound ? EtcdFlags : OursFlags;
        await joined.StartAsync(Token);
        await Load.RequireAsync(joined, "before", Keys, Token);
        await cluster.WaitUntilAsync("the learner to be ready", async () => await PromoteAsync(members, added.Member.ID), Token);
        await cluster.WaitUntilAsync("all to know its name", async () => await AllKnowAsync(cluster, joined.Name), Token);
        await Load.PutAsync(cluster, "between", Keys, Token, [joined]);
        await MemberContents.RequireEqualAsync(cluster, Token);

        leader = await cluster.WaitForLeaderAsync(Token);
        await new Maintenance.MaintenanceClient(leader.Channel).MoveLeaderAsync(new MoveLeaderRequest { TargetID = joined.Id }, cancellationToken: Token);
        Assert.Equal(joined, await cluster.WaitForLeaderAsync(Token));
        await Load.PutAsync(cluster, "after", Keys, Token);
        await UseLeaseAsync(leader);
        await MemberContents.RequireEqualAsync(cluster, Token);
        foreach (ClusterMember member in cluster.Members)
        {
            await Load.RequireAsync(member, "after", Keys, Token);
        }
    }

    private static async Task<bool> PromoteAsync(Cluster.ClusterClient members, ulong id)
    {
        try
        {
            await members.MemberPromoteAsync(new MemberPromoteRequest { ID = id }, cancellationToken: Token);
            return true;
        }
        catch (RpcException e) when (e.Status.Detail == "etcdserver: can only promote a learner member which is in sync with leader")
        {
            return false;
        }
    }

    private static async Task<bool> AllKnowAsync(ServerCluster cluster, string name)
    {
        try
        {
            MemberListResponse[] lists = await Task.WhenAll(cluster.Members.Select(
                m => new Cluster.ClusterClient(m.Channel).MemberListAsync(new MemberListRequest(), cancellationToken: Token).ResponseAsync));
            return lists.All(l => l.Members.Any(m => m.Name == name && m.ClientURLs.Count > 0));
        }
        catch (RpcException e) when (e.Status.Detail == "etcdserver: rpc not supported for learner")
        {
            // It has not heard of its promotion yet.
            return false;
        }
    }

    /// <summary>Granted, renewed and revoked through one that does not lead: the leader, of the other kind, keeps its time.</summary>
    private static async Task UseLeaseAsync(ClusterMember follower)
    {
        var leases = new Lease.LeaseClient(follower.Channel);
        LeaseGrantResponse lease = await leases.LeaseGrantAsync(new LeaseGrantRequest { TTL = 100 }, cancellationToken: Token);
        await new KV.KVClient(follower.Channel).PutAsync(
            new PutRequest { Key = ByteString.CopyFromUtf8("leased"), Lease = lease.ID }, cancellationToken: Token);
        using (AsyncDuplexStreamingCall<LeaseKeepAliveRequest, LeaseKeepAliveResponse> alive = leases.LeaseKeepAlive(cancellationToken: Token))
        {
            await alive.RequestStream.WriteAsync(new LeaseKeepAliveRequest { ID = lease.ID }, Token);
            Assert.True(await alive.ResponseStream.MoveNext(Token));
            Assert.Equal(100, alive.ResponseStream.Current.TTL);
        }

        LeaseTimeToLiveResponse left = await leases.LeaseTimeToLiveAsync(
            new LeaseTimeToLiveRequest { ID = lease.ID, Keys = true }, cancellationToken: Token);
        Assert.Equal(["leased"], left.Keys.Select(k => k.ToStringUtf8()));
        await leases.LeaseRevokeAsync(new LeaseRevokeRequest { ID = lease.ID }, cancellationToken: Token);
    }
}
