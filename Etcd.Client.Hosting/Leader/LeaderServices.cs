using Microsoft.Extensions.Hosting;

namespace Etcd.Client.Hosting;

/// <summary>Makes a service of the leader, from the services of a scope.</summary>
internal sealed record LeaderServiceFactory(Func<IServiceProvider, LeaderService> Create);

/// <summary>A service while this instance leads. For one caller at a time.</summary>
internal abstract class LeaderService
{
    /// <summary>What logs call it.</summary>
    public abstract string Name { get; }

    /// <summary>Ends when the service has done all its work, or failed; null where that cannot be known. Once it is started.</summary>
    public abstract Task? Completion { get; }

    /// <summary>Starts it.</summary>
    /// <param name="leadership">The leadership.</param>
    /// <param name="stopping">Fires when it must end.</param>
    public abstract Task StartAsync(EtcdLeadership leadership, CancellationToken stopping);

    /// <summary>Waits for its end, which the token of the start has begun. It returns only when the service has ended.</summary>
    /// <param name="limit">Fires when it should have ended.</param>
    public abstract Task StopAsync(CancellationToken limit);
}

/// <summary>A hosted service as .NET knows it.</summary>
internal sealed class HostedLeaderService(IHostedService service) : LeaderService
{
    public override string Name => service.GetType().Name;

    public override Task? Completion => (service as BackgroundService)?.ExecuteTask;

    public override Task StartAsync(EtcdLeadership leadership, CancellationToken stopping) => service.StartAsync(stopping);

    public override async Task StopAsync(CancellationToken limit)
    {
        await service.StopAsync(limit).ConfigureAwait(false);
        // It returns at the limit, whether its work has ended or not.
        if (service is BackgroundService { ExecuteTask: { } work })
            await work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}

/// <summary>A service that is one task.</summary>
internal sealed class RunningLeaderService(ILeaderService service) : LeaderService
{
    private Task _work = Task.CompletedTask;

    public override string Name => service.GetType().Name;

    public override Task? Completion => _work;

    public override Task StartAsync(EtcdLeadership leadership, CancellationToken stopping)
    {
        // The token ends the work, but not the wait for its beginning: it is told in every case.
        _work = Task.Run(() => service.RunAsync(leadership, stopping), CancellationToken.None);
        return Task.CompletedTask;
    }

    public override async Task StopAsync(CancellationToken limit) =>
        await _work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
