using System.Diagnostics;
using Etcd.Protocol.Etcdserverpb;
using Etcd.TestKit.Processes;
using Etcd.TestKit.Processes.Clusters;
using Google.Protobuf;
using Grpc.Core;

namespace Etcd.Interop.Tests.Clusters;

/// <summary>Goal: what clients were told stays true through the outages that clusters have. Method: one outage each, on processes.</summary>
public sealed class OutageTests
{
    private const int Keys = 2_000;

    private static readonly TimeSpan Standstill = TimeSpan.FromSeconds(5);
    private static readonly ByteString Key = ByteString.CopyFromUtf8("x");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task All_members_killed_at_once_come_back_with_all_that_was_acknowledged()
    {
        await using ServerCluster cluster = ServerCluster.Create(ServerProgram.Tested, MemberPlace.OnLoopback(3));
        await cluster.StartAsync(Token);
        await Load.PutAsync(cluster, "before", Keys, Token);

        await Task.WhenAll(cluster.Members.Select(m => m.KillAsync(Token)));
        await cluster.StartAsync(Token);
        await Load.PutAsync(cluster, "after", Keys, Token);

        await MemberContents.RequireEqualAsync(cluster, Token);
        await Load.RequireAsync(cluster.Members[2], "before", Keys, Token);
        await Load.RequireAsync(cluster.Members[2], "after", Keys, Token);
    }

    [Fact]
    public async Task A_leader_that_stood_still_serves_no_stale_linearizable_read()
    {
        await using ServerCluster cluster = await ServerCluster.StartAsync(ServerProgram.Tested, 3, Token);
        ClusterMember old = await cluster.WaitForLeaderAsync(Token);
        ClusterMember[] others = [.. cluster.Members.Where(m => m != old)];
        await new ClusterClient([old]).PutAsync("x", "old", Token);
        await ReadAsync(old);

        long since = Stopwatch.GetTimestamp();
        old.Pause();
        await cluster.WaitForLeaderAsync(Token);
        await new ClusterClient(others).PutAsync("x", "new", Token);

        // These wait in the sleeper's sockets: it finds them before it hears that it leads no more.
        Task<string?>[] early = [.. Enumerable.Range(0, 20).Select(_ => ReadAsync(old))];
        await Task.Delay(Standstill - Stopwatch.GetElapsedTime(since), Token);
        old.Resume();
        string?[] answers = await Task.WhenAll(early);
        await cluster.WaitForLeaderAsync(Token);

        Assert.All(answers, a => Assert.True(a is null or "new", $"a read told of '{a}'"));
        await cluster.WaitUntilAsync("the sleeper to serve again", async () => await ReadAsync(old) is { } read && Expect("new", read), Token);
        await MemberContents.RequireEqualAsync(cluster, Token);
    }

    [Fact]
    public async Task A_member_whose_data_is_gone_comes_back_by_remove_and_add()
    {
        // More entries than are kept for a follower that lags: it can only catch up by a snapshot.
        const int Many = 3_000;
        string[] flags = ["--unsafe-no-fsync", "--snapshot-catchup-entries=500"];
        await using ServerCluster cluster = ServerCluster.Create(
            ServerProgram.Tested, MemberPlace.OnLoopback(3), [.. flags, "--snapshot-count=500"]);
        ClusterMember leader = await cluster.StartAsync(Token);
        ClusterMember lost = cluster.Members.First(m => m != leader);
        ulong lostId = lost.Id;
        await Load.PutAsync(cluster, "before", Keys, Token);
        await lost.KillAsync(Token);
        lost.Wipe();
        await Load.PutAsync(cluster, "between", Many, Token);

        var members = new Cluster.ClusterClient(leader.Channel);
        await members.MemberRemoveAsync(new MemberRemoveRequest { ID = lostId }, cancellationToken: Token);
        MemberAddResponse added = await AddAsync(members, lost.Place.PeerUrl);
        lost.InitialClusterState = "existing";
        await lost.StartAsync(Token);
        await Load.PutAsync(cluster, "after", Keys, Token);

        Assert.NotEqual(lostId, added.Member.ID);
        await MemberContents.RequireEqualAsync(cluster, Token);
        Assert.Equal(added.Member.ID, lost.Id);
        await Load.RequireAsync(lost, "before", Keys, Token);
        await Load.RequireAsync(lost, "between", Many, Token);
        await Load.RequireAsync(lost, "after", Keys, Token);
    }

    [Fact]
    public async Task A_member_without_a_quorum_that_is_asked_to_stop_answers_the_calls_that_wait()
    {
        await using ServerCluster cluster = await ServerCluster.StartAsync(ServerProgram.Tested, 3, Token);
        ClusterMember last = await cluster.WaitForLeaderAsync(Token);
        await Task.WhenAll(cluster.Members.Where(m => m != last).Select(m => m.KillAsync(Token)));
        var put = new PutRequest { Key = Key };
        Task<PutResponse>[] puts = [.. Enumerable.Range(0, 20).Select(_ => new KV.KVClient(last.Channel).PutAsync(put, cancellationToken: Token).ResponseAsync)];
        // They have arrived when a later call of the same connection is answered.
        Assert.NotNull(await last.StatusAsync(Token));
        CommandResult ended = await last.TerminateAsync(Token);

        Assert.Equal(0, ended.ExitCode);
        foreach (Task<PutResponse> waiting in puts)
        {
            RpcException error = await Assert.ThrowsAsync<RpcException>(() => waiting);
            Assert.Equal((StatusCode.Unavailable, "etcdserver: server stopped"), (error.StatusCode, error.Status.Detail));
        }
    }

    private static bool Expect(string expected, string actual)
    {
        Assert.Equal(expected, actual);
        return true;
    }

    /// <summary>Right after a removal the cluster may still find itself too unhealthy for an addition.</summary>
    private static async Task<MemberAddResponse> AddAsync(Cluster.ClusterClient members, string peerUrl)
    {
        var request = new MemberAddRequest { PeerURLs = { peerUrl } };
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                return await members.MemberAddAsync(request, cancellationToken: Token);
            }
            catch (RpcException e) when (e.StatusCode == StatusCode.Unavailable && Stopwatch.GetElapsedTime(started) < CapturedProcess.Patience)
            {
                await Task.Delay(100, Token);
            }
        }
    }

    /// <summary>What a linearizable read of x finds; null if it is refused or not answered.</summary>
    private static async Task<string?> ReadAsync(ClusterMember member)
    {
        try
        {
            RangeResponse answer = await new KV.KVClient(member.Channel).RangeAsync(
                new RangeRequest { Key = Key }, deadline: DateTime.UtcNow + 3 * Standstill, cancellationToken: Token);
            return answer.Kvs.Single().Value.ToStringUtf8();
        }
        catch (RpcException)
        {
            return null;
        }
    }
}
