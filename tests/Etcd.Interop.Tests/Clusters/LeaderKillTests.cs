using System.Globalization;
using Etcd.Protocol.Mvccpb;
using Etcd.TestKit.Processes;
using Etcd.TestKit.Processes.Clusters;

namespace Etcd.Interop.Tests.Clusters;

/// <summary>
/// Goal: no acknowledged write is lost, and members stay equal, when leaders die. Method: writers put each key of their own until
/// it is acknowledged, by whichever member answers, while the leader of the moment is killed and started again.
/// </summary>
public sealed class LeaderKillTests
{
    private const int Puts = 20_000;
    private const int Kills = 10;
    private const int Writers = 50;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_acknowledged_put_is_lost_by_ten_kills_of_the_leader()
    {
        // Elections twice as fast as by default, or most of the test would be waiting for them. Disks are synced.
        await using ServerCluster cluster = ServerCluster.Create(
            ServerProgram.Tested, MemberPlace.OnLoopback(3), "--heartbeat-interval=50", "--election-timeout=500");
        await cluster.StartAsync(Token);
        var client = new ClusterClient(cluster.Members);
        int count = 0;
        Task[] writers = [.. Enumerable.Range(0, Writers).Select(WriteAsync)];
        for (int kill = 1; kill <= Kills; kill++)
        {
            int due = Puts * kill / (Kills + 1);
            await cluster.WaitUntilAsync($"{due} puts", () => Task.FromResult(Volatile.Read(ref count) >= due), Token);
            ClusterMember leader = await cluster.WaitForLeaderAsync(Token);
            await leader.KillAsync(Token);
            await cluster.WaitForLeaderAsync(Token);
            await leader.StartAsync(Token);
        }

        await Task.WhenAll(writers);
        TestContext.Current.SendDiagnosticMessage($"{count} acknowledged, {client.Failures} unanswered");
        await MemberContents.RequireEqualAsync(cluster, Token);
        IReadOnlyList<KeyValue> keys = await MemberContents.KeysAsync(cluster.Members[0], Token);

        Assert.True(client.Failures > 0, "no kill cut a put off");
        Assert.Equal(Puts, keys.Count);
        Assert.All(keys, k => Assert.Equal(k.Key.ToStringUtf8()[1..], k.Value.ToStringUtf8()));

        // Every put made a revision, an unanswered one perhaps another: nothing was undone or counted twice.
        Assert.InRange(keys.Max(k => k.ModRevision), 1 + Puts, 1 + Puts + client.Failures);
        Assert.InRange(keys.Sum(k => k.Version), Puts, Puts + client.Failures);

        async Task WriteAsync(int writer)
        {
            for (int i = writer; i < Puts; i += Writers)
            {
                string number = i.ToString("D5", CultureInfo.InvariantCulture);
                await client.PutAsync("k" + number, number, Token);
                Interlocked.Increment(ref count);
            }
        }
    }
}
