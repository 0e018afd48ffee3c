using System.Globalization;
using Etcd.Client;
using Etcd.Client.Hosting;

namespace LeaderWorker;

/// <summary>
/// The work that only the leader does: it counts, once a second, in the key samples/count. The key goes up by one at a time whatever
/// happens, because each put is made only if the leadership still holds.
/// </summary>
internal sealed class Counter(IEtcdClient etcd) : ILeaderService
{
    private const string Key = "samples/count";

    public async Task RunAsync(EtcdLeadership leadership, CancellationToken stoppingToken)
    {
        EtcdKeyValue? last = await etcd.Kv.GetAsync(Key, cancellationToken: stoppingToken);
        long count = last is null ? 0 : long.Parse(last.Value.ToString(), CultureInfo.InvariantCulture);
        using var second = new PeriodicTimer(TimeSpan.FromSeconds(1));
        while (await second.WaitForNextTickAsync(stoppingToken))
        {
            count++;
            EtcdTxnResult result = await etcd.Kv.CommitAsync(
                new EtcdTxn().If(leadership.StillHeld).Then(EtcdOp.Put(Key, count.ToString(CultureInfo.InvariantCulture))),
                cancellationToken: stoppingToken);
            if (!result.Succeeded)
            {
                return;
            }
        }
    }
}
