using Etcd.Protocol.Etcdserverpb;
using Etcd.TestKit.Processes;
using Etcd.TestKit.Processes.Clusters;
using Google.Protobuf;
using Grpc.Core;
using Metadata = Grpc.Core.Metadata;

namespace Etcd.Interop.Tests.Users;

/// <summary>
/// Goal: a cluster has one set of users, whoever was asked and whatever kind its members are. Method: three processes; users are changed at
/// one while the others are asked, a member is killed and comes back, and what all say is compared; among ours by etcd's hash of everything.
/// </summary>
public sealed class UserClusterTests
{
    private static readonly string[] OursFlags = ["--unsafe-no-fsync", "--bcrypt-cost=4", "--strict-reconfig-check=false"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>etcd's issues 14571 and 11651: members went apart when authentication was turned on while one was away, or started again.</summary>
    [Fact]
    public async Task Members_agree_on_users_while_they_change_and_members_come_and_go()
    {
        RealEtcd.Require();
        await using ServerCluster cluster = ServerCluster.Create(ServerProgram.Ours, MemberPlace.OnLoopback(3), OursFlags);
        ClusterMember leader = await cluster.StartAsync(Token);
        await Setup.WriteAsync(cluster.Members[0].Place.Client);
        foreach (ClusterMember member in cluster.Members)
        {
            await Setup.RequireAsync(member.Place.Client);
        }

        // A token of one member is known to the others at once.
        for (int i = 0; i < 20; i++)
        {
            string token = await SignInAsync(cluster.Members[i % 3]);
            ClusterMember asked = cluster.Members[(i + 1) % 3];
            await new KV.KVClient(asked.Channel).RangeAsync(
                new RangeRequest { Key = ByteString.CopyFromUtf8("app/k"), Serializable = true }, [new("token", token)], cancellationToken: Token);
        }

        ClusterMember away = cluster.Members.First(m => m != leader);
        await away.KillAsync(Token);
        for (int i = 0; i < 10; i++)
        {
            await Setup.OkAsync(leader.Place.Client, $"--user root:toor user add u{i}:pw");
            await Setup.OkAsync(leader.Place.Client, $"--user alice:pw put app/{i} v");
        }

        await away.LaunchAsync();
        await cluster.WaitUntilAsync("the member that was away to let users in", () => LetsInAsync(away), Token);
        await Setup.OkAsync(away.Place.Client, "--user root:toor user delete u0");
        await SameAsync(cluster, "u1", "u9");
        await Setup.OkAsync(away.Place.Client, "--user root:toor auth disable");
        await SameAsync(cluster);
        await Setup.OkAsync(away.Place.Client, "auth enable");
        await SameAsync(cluster);
    }

    /// <summary>The requests, the header with the user and the records are etcd's: members of both kinds apply the same log to the same state.</summary>
    [Fact]
    public async Task Members_of_both_kinds_let_in_and_refuse_the_same()
    {
        RealEtcd.Require();
        IReadOnlyList<MemberPlace> places = MemberPlace.OnLoopback(4);
        await using ServerCluster cluster = ServerCluster.Create(ServerProgram.Real, [.. places.Take(3)], ["--unsafe-no-fsync", "--strict-reconfig-check=false", "--bcrypt-cost=4"]);
        ClusterMember leader = await cluster.StartAsync(Token);
        var members = new Cluster.ClusterClient(leader.Channel);
        await members.MemberAddAsync(new MemberAddRequest { PeerURLs = { places[3].PeerUrl } }, cancellationToken: Token);
        ClusterMember ours = cluster.Add(places[3], ServerProgram.Ours);
        ours.Flags = [.. OursFlags, "--claimed-version=3.5"];
        await ours.StartAsync(Token);
        await Setup.WriteAsync(ours.Place.Client);
        await Setup.RequireAsync(ours.Place.Client);
        await Setup.RequireAsync(cluster.Members[0].Place.Client);
        await Setup.OkAsync(cluster.Members[1].Place.Client, "--user root:toor user add from-etcd:pw");
        await Setup.OkAsync(ours.Place.Client, "--user root:toor user grant-role from-etcd app");
        string token = await SignInAsync(cluster.Members[0]);
        await new KV.KVClient(ours.Channel).PutAsync(
            new PutRequest { Key = ByteString.CopyFromUtf8("app/k"), Value = ByteString.CopyFromUtf8("v") }, [new("token", token)], cancellationToken: Token);
        string other = await SignInAsync(ours);
        await new KV.KVClient(cluster.Members[2].Channel).PutAsync(
            new PutRequest { Key = ByteString.CopyFromUtf8("app/k"), Value = ByteString.CopyFromUtf8("v") }, [new("token", other)], cancellationToken: Token);
        // Their databases differ in what is not about users, so their hashes of everything do too.
        foreach (ClusterMember member in cluster.Members)
        {
            await Setup.OkAsync(member.Place.Client, "--user root:toor get app/k");
        }

        var told = new HashSet<string>(StringComparer.Ordinal);
        foreach (ClusterMember member in cluster.Members)
        {
            string all = "";
            foreach (string question in new[] { "user list", "user get alice", "user get from-etcd", "role list", "role get app", "auth status" })
            {
                all += await Setup.OkAsync(member.Place.Client, "--user root:toor " + question);
            }

            told.Add(all);
        }

        Assert.Single(told);
    }

    private static async Task<bool> LetsInAsync(ClusterMember member)
    {
        try
        {
            await SignInAsync(member);
            return true;
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded)
        {
            return false;
        }
    }

    private static async Task<string> SignInAsync(ClusterMember member, string user = "alice", string password = "pw") =>
        (await new Protocol.Etcdserverpb.Auth.AuthClient(member.Channel).AuthenticateAsync(
            new AuthenticateRequest { Name = user, Password = password }, cancellationToken: Token)).Token;

    /// <summary>Waits until all have applied the same, and compares the hash of the whole state, users and all.</summary>
    private static async Task SameAsync(ServerCluster cluster, params string[] users)
    {
        foreach (string user in users)
        {
            await SignInAsync(cluster.Members[0], user);
        }

        await cluster.WaitUntilAsync("equal hashes of the whole state", async () =>
        {
            var hashes = new HashSet<uint>();
            foreach (ClusterMember member in cluster.Members)
            {
                Metadata root = [];
                try
                {
                    root = [new("token", await SignInAsync(member, "root", "toor"))];
                }
                catch (RpcException e) when (e.Status.Detail == "etcdserver: authentication is not enabled")
                {
                    // Then nobody need sign in.
                }

                hashes.Add((await new Maintenance.MaintenanceClient(member.Channel).HashAsync(new HashRequest(), root, cancellationToken: Token)).Hash);
            }

            return hashes.Count == 1;
        }, Token);
    }
}
