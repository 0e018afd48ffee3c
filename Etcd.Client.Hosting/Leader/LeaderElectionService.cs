using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Etcd.Client.Hosting;

/// <summary>
/// Campaigns for as long as the application runs, and runs the services of the election while this instance leads. They are told to end
/// before the leadership can be lost, and the leadership is given up only when they have ended: so those of two
/// instances never run at the same time, unless one takes longer than it was allowed to.
/// </summary>
internal sealed class LeaderElectionService(
    LeaderElectionState state, IServiceScopeFactory scopes, IEnumerable<LeaderServiceFactory> factories, TimeProvider time, ILogger log)
    : BackgroundService
{
    private static readonly TimeSpan TimerPrecision = TimeSpan.FromMilliseconds(1);

    private EtcdLeaderElectionOptions Options => state.Options;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            if (await CampaignAsync(stoppingToken).ConfigureAwait(false))
                continue;
            await Task.Delay(Options.RetryDelay, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <returns>Whether all went well, so that the next candidacy need not wait.</returns>
    private async Task<bool> CampaignAsync(CancellationToken stopping)
    {
        try
        {
            EtcdSession session = await state.Client.Leases.CreateSessionAsync(Options.TimeToLive, stopping).ConfigureAwait(false);
            await using (session.ConfigureAwait(false))
            {
                EtcdLeadership leadership = await new EtcdElection(session, state.Name)
                    .CampaignAsync(Options.Candidate, stopping).ConfigureAwait(false);
                await using (leadership.ConfigureAwait(false))
                    return await LeadAsync(leadership, stopping).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return true;
        }
        catch (Exception e)
        {
            HostingLog.CandidacyFailed(log, state.Name, Options.RetryDelay, e);
            return false;
        }
    }

    /// <returns>Whether no service has failed.</returns>
    private async Task<bool> LeadAsync(EtcdLeadership leadership, CancellationToken stopping)
    {
        HostingLog.Leads(log, state.Name, leadership.FencingRevision);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping, leadership.LostToken);
        Task watching = EndInTimeAsync(leadership, ending);
        AsyncServiceScope scope = scopes.CreateAsyncScope();
        await using (scope.ConfigureAwait(false))
        {
            var running = new List<LeaderService>();
            bool well = false;
            try
            {
                well = await RunAsync(scope.ServiceProvider, running, leadership, ending.Token).ConfigureAwait(false);
            }
            finally
            {
                state.Leadership = null;
                await CancelAsync(ending).ConfigureAwait(false);
                await StopAsync(running, leadership).ConfigureAwait(false);
                await watching.ConfigureAwait(false);
                HostingLog.HasLed(log, state.Name);
            }

            return well;
        }
    }

    // What the services' callbacks throw must not keep the services from being stopped.
    private static async Task CancelAsync(CancellationTokenSource ending) =>
        await ending.CancelAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    // A renewal may come between: then there is more time again.
    private async Task EndInTimeAsync(EtcdLeadership leadership, CancellationTokenSource ending)
    {
        while (!ending.IsCancellationRequested)
        {
            TimeSpan remaining = leadership.Remaining;
            TimeSpan left = remaining - Options.StopTimeout;
            if (left <= TimeSpan.Zero)
            {
                HostingLog.MayBeLost(log, state.Name, remaining);
                await CancelAsync(ending).ConfigureAwait(false);
                return;
            }

            await Task.Delay(left + TimerPrecision, time, ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<bool> RunAsync(
        IServiceProvider services, List<LeaderService> running, EtcdLeadership leadership, CancellationToken ending)
    {
        string starting = "";
        try
        {
            foreach (LeaderServiceFactory factory in factories)
            {
                LeaderService service = factory.Create(services);
                starting = service.Name;
                running.Add(service);
                await service.StartAsync(leadership, ending).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            return true;
        }
        catch (Exception e)
        {
            HostingLog.ServiceFailed(log, starting, state.Name, e);
            return false;
        }

        state.Leadership = leadership;
        return await UntilEndAsync(running, ending).ConfigureAwait(false);
    }

    // One that has done its work does not end the leadership: another instance would do the work again.
    private async Task<bool> UntilEndAsync(List<LeaderService> running, CancellationToken ending)
    {
        Task end = Task.Delay(Timeout.InfiniteTimeSpan, ending);
        List<LeaderService> open = [.. running.Where(service => service.Completion is not null)];
        while (!ending.IsCancellationRequested)
        {
            Task ended = await Task.WhenAny([end, .. open.Select(service => service.Completion!)]).ConfigureAwait(false);
            if (ended == end || ending.IsCancellationRequested)
                break;
            LeaderService service = open.First(service => service.Completion == ended);
            if (ended.Exception?.InnerException is { } failure)
            {
                HostingLog.ServiceFailed(log, service.Name, state.Name, failure);
                return false;
            }

            open.Remove(service);
        }

        return true;
    }

    private async Task StopAsync(List<LeaderService> running, EtcdLeadership leadership)
    {
        Task stopping = Task.WhenAll(Enumerable.Reverse(running).Select(service => StopAsync(service, leadership.LostToken)));
        await stopping.WaitAsync(leadership.LostToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!stopping.IsCompleted)
            HostingLog.StoppedTooLate(log, state.Name);
        await stopping.ConfigureAwait(false);
    }

    private async Task StopAsync(LeaderService service, CancellationToken limit)
    {
        try
        {
            await service.StopAsync(limit).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            HostingLog.StopFailed(log, service.Name, state.Name, e);
        }
    }
}
