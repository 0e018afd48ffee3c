using System.Globalization;
using Etcd.Protocol.Etcdserverpb;
using Etcd.TestKit.Processes;
using Etcd.TestKit.Processes.Clusters;
using Google.Protobuf;
using Grpc.Core;

namespace Etcd.Interop.Tests.Clusters;

/// <summary>
/// Goal: a minority that is cut off neither accepts writes nor tells of the past as of the present, and finds its way back.
/// Method: each member has a host of its own, made of network namespaces; the cable to its peers is pulled out while clients go
/// on to reach it, and all that they do is recorded. ETCD_PARTITION_SECONDS says how long it stays out.
/// </summary>
public sealed class PartitionTests
{
    private const int SecondsByDefault = 10;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static TimeSpan Cut => TimeSpan.FromSeconds(
        int.TryParse(Environment.GetEnvironmentVariable("ETCD_PARTITION_SECONDS"), CultureInfo.InvariantCulture, out int seconds)
            ? seconds
            : SecondsByDefault);

    [Theory]
    [InlineData("leader")]
    [InlineData("follower")]
    public async Task A_minority_that_is_cut_off_accepts_nothing_and_catches_up_when_it_is_back(string role)
    {
        await MemberNetwork.RequireAsync(Token);
        await using MemberNetwork network = await MemberNetwork.CreateAsync(3, Token);
        await using ServerCluster cluster = ServerCluster.Create(ServerProgram.Tested, network.Places, "--unsafe-no-fsync");
        ClusterMember leader = await cluster.StartAsync(Token);
        ClusterMember lonely = role == "leader" ? leader : cluster.Members.First(m => m != leader);
        ClusterMember[] others = [.. cluster.Members.Where(m => m != lonely)];
        await using var history = new History(cluster);
        await CallsAsync(300);

        await network.CutAsync(cluster.Members.Index().Single(m => m.Item == lonely).Index, Token);
        ClusterMember ruling = await cluster.WaitForLeaderAsync(Token, others);
        int callsBefore = history.Calls;
        Task apart = Task.Delay(Cut, Token);
        await cluster.WaitUntilAsync(
            $"{lonely.Name} to notice", async () => await lonely.StatusAsync(Token) is { Leader: 0 }, Token);
        await RequireAloneAsync(lonely);
        await apart;
        Assert.True(history.Calls > callsBefore + 100, $"only {history.Calls - callsBefore} calls in {Cut.TotalSeconds} s");
        Assert.Equal(ruling, await cluster.WaitForLeaderAsync(Token, others));

        await network.HealAsync(cluster.Members.Index().Single(m => m.Item == lonely).Index, Token);
        await cluster.WaitForLeaderAsync(Token);
        await CallsAsync(300);
        await history.RequireSoundAsync(Token);

        Task CallsAsync(int more)
        {
            int due = history.Calls + more;
            return cluster.WaitUntilAsync($"{due} calls", () => Task.FromResult(history.Calls >= due), Token);
        }
    }

    /// <summary>It answers for itself only: reads of what it has.</summary>
    private static async Task RequireAloneAsync(ClusterMember lonely)
    {
        var kv = new KV.KVClient(lonely.Channel);
        var key = ByteString.CopyFromUtf8("k0");
        DateTime deadline = DateTime.UtcNow + TimeSpan.FromSeconds(2);
        await kv.RangeAsync(new RangeRequest { Key = key, Serializable = true }, deadline: deadline, cancellationToken: Token);
        RpcException read = await Assert.ThrowsAsync<RpcException>(
            () => kv.RangeAsync(new RangeRequest { Key = key }, deadline: deadline, cancellationToken: Token).ResponseAsync);
        RpcException held = await Assert.ThrowsAsync<RpcException>(() => kv.PutAsync(
            new PutRequest { Key = ByteString.CopyFromUtf8("lonely") },
            new Grpc.Core.Metadata { { "hasleader", "true" } },
            cancellationToken: Token).ResponseAsync);

        Assert.True(read.StatusCode is StatusCode.DeadlineExceeded or StatusCode.Unavailable, read.Message);
        Assert.Equal((StatusCode.Unavailable, "etcdserver: no leader"), (held.StatusCode, held.Status.Detail));
    }
}
