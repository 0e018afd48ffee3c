using Etcd.TestKit.Processes;
using Etcd.TestKit.Processes.Clusters;

namespace Etcd.Interop.Tests.Clusters;

/// <summary>
/// Goal: to its clients a cluster is one store that carries out one operation at a time, whatever befalls its members. Method:
/// clients record all that they ask and are answered while leaders are killed, paused and asked to stop; the history is then
/// searched for an order that explains it.
/// </summary>
public sealed class HistoryTests
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_clients_saw_through_kills_and_pauses_is_linearizable()
    {
        await using ServerCluster cluster = ServerCluster.Create(
            ServerProgram.Tested, MemberPlace.OnLoopback(3), "--unsafe-no-fsync", "--heartbeat-interval=50", "--election-timeout=500");
        await cluster.StartAsync(Token);
        await using var history = new History(cluster);
        await CallsAsync(300);

        for (int round = 0; round < 2; round++)
        {
            ClusterMember killed = await cluster.WaitForLeaderAsync(Token);
            await killed.KillAsync(Token);
            await cluster.WaitForLeaderAsync(Token);
            await CallsAsync(300);
            await killed.StartAsync(Token);
            await CallsAsync(300);

            ClusterMember paused = await cluster.WaitForLeaderAsync(Token);
            paused.Pause();
            await cluster.WaitForLeaderAsync(Token);
            await CallsAsync(300);
            await Task.Delay(Pause, Token);
            paused.Resume();
            await CallsAsync(300);

            ClusterMember stopped = await cluster.WaitForLeaderAsync(Token);
            await stopped.TerminateAsync(Token);
            await CallsAsync(300);
            await stopped.StartAsync(Token);
            await CallsAsync(300);
        }

        await Task.WhenAll(cluster.Members.Select(m => m.KillAsync(Token)));
        await cluster.StartAsync(Token);
        await CallsAsync(300);
        await history.RequireSoundAsync(Token);

        Task CallsAsync(int more)
        {
            int due = history.Calls + more;
            return cluster.WaitUntilAsync($"{due} calls", () => Task.FromResult(history.Calls >= due), Token);
        }
    }
}
