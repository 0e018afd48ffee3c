using Etcd.Client;
using Etcd.Client.Tests.Suites;
using Etcd.TestKit.Network;
using Etcd.TestKit.Processes;
using Etcd.TestKit.Processes.Clusters;

namespace Etcd.Interop.Tests.Client.Proofs;

/// <summary>
/// Goal: a watch delivers every revision once and in order, whatever happens to connections and members. Method: a cluster of three that
/// only this test writes to, so that its revisions are numbers without a gap; the reader is behind proxies, which make fault after fault as
/// it goes on, and leaders are killed. ETCD_PROOF=full makes it 100,000 events.
/// </summary>
public sealed class WatchProofTests : ClientSuite
{
    private const int Writers = 20;

    private static readonly int Events = ProofSize.Of(4_000, 100_000);
    private static readonly int Faults = ProofSize.Of(18, 180);
    private static readonly int Kills = ProofSize.Of(2, 20);

    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(ProofSize.Of(3, 30));

    private static readonly EtcdKey End = "end";

    private long _written;

    protected override string Url => throw new NotSupportedException();

    [Fact]
    public async Task Every_revision_comes_once_and_in_order_over_faults_of_connections_and_members()
    {
        await using ServerCluster cluster = ServerCluster.Create(
            ServerProgram.Tested, MemberPlace.OnLoopback(3), "--unsafe-no-fsync", "--heartbeat-interval=50", "--election-timeout=500");
        await cluster.StartAsync(Token);
        FaultProxy[] proxies = [.. cluster.Members.Select(member => Keep(FaultProxy.Start(member.Place.ClientUrl)))];
        var trouble = new Troublemaker(proxies, ProofSize.Seed);
        EtcdClient writer = NewClient(string.Join(',', cluster.Members.Select(member => member.Place.ClientUrl)));
        EtcdClient reader = NewClient(string.Join(',', proxies.Select(proxy => proxy.Url)), options =>
        {
            options.KeepAliveInterval = TimeSpan.FromSeconds(1);
            options.KeepAliveTimeout = TimeSpan.FromSeconds(1);
            options.Retry.MaxDelay = TimeSpan.FromMilliseconds(100);
        });
        await using EtcdWatcher watcher = await reader.Watch.StartAsync(EtcdRange.All, cancellationToken: Token);
        using var longest = CancellationTokenSource.CreateLinkedTokenSource(Token);
        longest.CancelAfter(Longest);

        Task writing = WriteAllAsync(writer, longest.Token);
        Task killing = KillAsync(cluster, longest.Token);
        var told = new List<long>();
        await using CancellationTokenRegistration late = longest.Token.Register(() => TestContext.Current.SendDiagnosticMessage(
            $"too late: {told.Count} revisions told, {_written} written, {string.Join(' ', trouble.Made)}, seed {ProofSize.Seed}"));
        await foreach (EtcdWatchBatch batch in watcher.WithCancellation(longest.Token))
        {
            told.Add(batch.Revision);
            if (told.Count > trouble.Made.Count * (Events / Faults) && trouble.Made.Count < Faults)
            {
                trouble.Next();
            }

            if (batch.Events[0].Key == End)
            {
                break;
            }
        }

        await writing;
        await killing;
        TestContext.Current.SendDiagnosticMessage(
            $"{told.Count} revisions, {trouble.Made.Count} faults, {Kills} leaders killed, {proxies.Sum(proxy => proxy.Accepted)} connections, seed {ProofSize.Seed}");
        // An unanswered put may have made a revision too; none has a gap before it.
        long[] expected = [.. Enumerable.Range(0, told.Count).Select(i => watcher.StartRevision + i)];
        Assert.Equal(expected, told);
        Assert.True(told.Count >= Events, $"{told.Count} revisions");
        Assert.Equal(Faults, trouble.Made.Count);
    }

    private async Task WriteAllAsync(EtcdClient client, CancellationToken cancellation)
    {
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(async writer =>
        {
            while (Interlocked.Increment(ref _written) <= Events)
            {
                await PutAsync(client, $"k{writer}", cancellation);
            }
        }));
        await PutAsync(client, End, cancellation);
    }

    // A put without an answer was perhaps carried out; then there is one more revision.
    private static async Task PutAsync(EtcdClient client, EtcdKey key, CancellationToken cancellation)
    {
        bool done = false;
        while (!done)
        {
            try
            {
                await client.Kv.PutAsync(key, new byte[100], cancellationToken: cancellation);
                done = true;
            }
            catch (EtcdException e) when (e.IsTransient)
            {
                cancellation.ThrowIfCancellationRequested();
            }
        }
    }

    private async Task KillAsync(ServerCluster cluster, CancellationToken cancellation)
    {
        for (int kill = 1; kill <= Kills; kill++)
        {
            int due = Events * kill / (Kills + 1);
            await UntilWrittenAsync(due, cancellation);
            ClusterMember leader = await cluster.WaitForLeaderAsync(cancellation);
            await leader.KillAsync(cancellation);
            await cluster.WaitForLeaderAsync(cancellation);
            await leader.StartAsync(cancellation);
        }
    }

    private async Task UntilWrittenAsync(long due, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (Interlocked.Read(ref _written) < due)
        {
            await timer.WaitForNextTickAsync(cancellation);
        }
    }
}
