using Etcd.Client;
using Etcd.Client.Hosting;

namespace LeaderWorker;

/// <summary>Says who leads, in every instance.</summary>
internal sealed partial class LeaderLog(IEtcdLeaderElection election, ILogger<LeaderLog> log) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (EtcdKeyValue leader in election.ObserveAsync(stoppingToken))
        {
            LeaderIs(log, leader.Value.ToString());
        }
    }

    [LoggerMessage(1, LogLevel.Information, "{Leader} leads")]
    private static partial void LeaderIs(ILogger log, string leader);
}
