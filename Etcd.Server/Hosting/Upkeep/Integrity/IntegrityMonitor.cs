using Etcd.Protocol.Errors;
using Etcd.Server.Node;
using Etcd.Server.Storage.Disk;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Upkeep.Integrity;

/// <summary>When the data of the members are compared. The leader does it; the others answer.</summary>
/// <param name="node">The node.</param>
/// <param name="hashes">Whose data.</param>
/// <param name="options">How often.</param>
/// <param name="timeout">How long a member may take to answer.</param>
/// <param name="clock">The time.</param>
/// <param name="log">Where it is told.</param>
internal sealed class IntegrityMonitor(
    MemberNode node, IHashSource hashes, IntegrityOptions options, TimeSpan timeout, TimeProvider clock, ILogger log)
{
    // A timer takes no wait of more than 49 days, and a flag may ask for one.
    private static readonly TimeSpan WaitMax = TimeSpan.FromDays(1);

    /// <summary>Compares this member's data with the others' at its start.</summary>
    /// <param name="stop">The member stops.</param>
    /// <exception cref="DataInconsistencyException">They differ: this member must not serve.</exception>
    public async Task CheckAtStartAsync(CancellationToken stop)
    {
        string self = hashes.Self.ToString();
        UpkeepLog.InitialCheckStarting(log, self, timeout.ToString());
        if (!await InitialCheck.PassesAsync(hashes, log, stop).ConfigureAwait(false))
        {
            var failure = new DataInconsistencyException($"{self} found data inconsistency with peers");
            UpkeepLog.InitialCheckFailed(log, failure.Message);
            throw failure;
        }

        UpkeepLog.InitialCheckPassed(log, self);
    }

    /// <summary>Runs until cancelled.</summary>
    /// <param name="stop">The member stops.</param>
    public Task RunAsync(CancellationToken stop) => Task.WhenAll(CheckPeriodicallyAsync(stop), CheckCompactionsAsync(stop));

    private Task CheckPeriodicallyAsync(CancellationToken stop)
    {
        if (options.CheckInterval == TimeSpan.Zero)
        {
            return Task.CompletedTask;
        }

        UpkeepLog.PeriodicCheckEnabled(log, hashes.Self.ToString(), options.CheckInterval.ToString());
        return EachAsync(options.CheckInterval, new PeriodicCheck(hashes, log).RunAsync, stop);
    }

    private Task CheckCompactionsAsync(CancellationToken stop) => options.ChecksCompactions
        ? EachAsync(options.CompactionCheckInterval, new CompactionCheck(hashes, timeout, log).RunAsync, stop)
        : Task.CompletedTask;

    private async Task EachAsync(TimeSpan interval, Func<CancellationToken, Task> check, CancellationToken stop)
    {
        while (true)
        {
            try
            {
                await WaitAsync(interval, stop).ConfigureAwait(false);
                if (node.LeadsIn != default)
                {
                    await check(stop).ConfigureAwait(false);
                }
            }
            catch (Exception) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (EtcdErrorException e)
            {
                UpkeepLog.PeriodicCheckFailed(log, e.Error.Text);
            }
            catch (StoreException e)
            {
                // This member's own data could not be read, which those who repair them know.
                UpkeepLog.PeriodicCheckFailed(log, e.Message);
            }
            catch (Exception e)
            {
                node.Fail(e);
                return;
            }
        }
    }

    private async Task WaitAsync(TimeSpan interval, CancellationToken stop)
    {
        for (TimeSpan left = interval; left > TimeSpan.Zero; left -= WaitMax)
        {
            await Task.Delay(left < WaitMax ? left : WaitMax, clock, stop).ConfigureAwait(false);
        }
    }
}

/// <summary>Which comparisons are made, and how often.</summary>
/// <param name="CheckInterval">Between two comparisons of everything (--corrupt-check-time); zero for none.</param>
/// <param name="ChecksCompactions">Whether the hashes of compactions are compared (the feature gate CompactHashCheck).</param>
/// <param name="CompactionCheckInterval">Between two of those comparisons (--compact-hash-check-time).</param>
internal sealed record IntegrityOptions(TimeSpan CheckInterval, bool ChecksCompactions, TimeSpan CompactionCheckInterval);

/// <summary>This member's data are not those of the others.</summary>
/// <param name="message">As etcd says it.</param>
internal sealed class DataInconsistencyException(string message) : Exception(message);
