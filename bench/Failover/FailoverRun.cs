using System.Diagnostics;
using Etcd.Bench.Compare;

namespace Etcd.Bench.Failover;

/// <summary>
/// Kills the leader of one side's cluster again and again. After each kill puts begin at short intervals, each at the next
/// survivor, without waiting for those before: one that a member had taken for the dead leader may hang for seconds, as etcd's do,
/// while the next is acknowledged. The time from the signal to the first acknowledgement counts.
/// </summary>
internal sealed class FailoverRun(RunningServer server, int kills)
{
    private const int WarmUpPuts = 2000;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan OutageMax = TimeSpan.FromSeconds(30);

    /// <summary>Milliseconds without a leader that serves, for each kill.</summary>
    public List<double> Outages { get; } = [];

    public void Run(CancellationToken cancellationToken)
    {
        WarmUp(cancellationToken);
        while (Outages.Count < kills)
        {
            ServerMember leader = server.WaitForLeader(cancellationToken);
            Outages.Add(Kill(leader, cancellationToken).TotalMilliseconds);
            leader.Restart();
        }
        server.WaitForLeader(cancellationToken);
    }

    // Field 1 is the key, field 2 the value.
    internal static byte[] PutRequest(int number) =>
        [0x0A, 8, .. System.Text.Encoding.ASCII.GetBytes(number.ToString("D8", System.Globalization.CultureInfo.InvariantCulture)), 0x12, 1, (byte)'v'];

    private void WarmUp(CancellationToken cancellationToken)
    {
        IReadOnlyList<int> ports = server.Ports(LoadTarget.All);
        for (int i = 0; i < WarmUpPuts; i++)
        {
            if (!GrpcCall.PutAsync(ports[i % ports.Count], PutRequest(i), cancellationToken).GetAwaiter().GetResult())
                throw server.Explain("a put failed before any kill");
        }
    }

    private TimeSpan Kill(ServerMember leader, CancellationToken cancellationToken)
    {
        int[] survivors = [.. server.Members.Where(member => member != leader).Select(member => member.Port)];
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var acknowledged = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        var puts = new List<Task>();
        long killed = Stopwatch.GetTimestamp();
        leader.Kill();
        for (int i = 0; !acknowledged.Task.Wait(Interval, cancellationToken); i++)
        {
            if (Stopwatch.GetElapsedTime(killed) > OutageMax)
                throw server.Explain($"no put was acknowledged in {OutageMax.TotalSeconds} s after a kill");
            puts.Add(PutAsync(survivors[i % survivors.Length], i, acknowledged, end.Token));
        }
        TimeSpan outage = Stopwatch.GetElapsedTime(killed, acknowledged.Task.Result);
        end.Cancel();
        Task.WaitAll(puts, cancellationToken);
        return outage;
    }

    private static async Task PutAsync(int port, int number, TaskCompletionSource<long> acknowledged, CancellationToken cancellationToken)
    {
        if (await GrpcCall.PutAsync(port, PutRequest(number), cancellationToken).ConfigureAwait(false))
            acknowledged.TrySetResult(Stopwatch.GetTimestamp());
    }
}
