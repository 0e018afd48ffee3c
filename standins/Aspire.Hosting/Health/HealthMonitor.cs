using System.Collections.Immutable;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Health;

/// <summary>
/// Runs the health checks of every resource while it runs: often until it is healthy, seldom after that. The first time that it
/// is, it becomes ready.
/// </summary>
internal sealed class HealthMonitor(
    ResourceNotificationService notifications,
    IDistributedApplicationEventing eventing,
    HealthCheckService checks,
    IServiceProvider services,
    ILogger<HealthMonitor> logger) : BackgroundService
{
    private static readonly TimeSpan s_firstDelay = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_unhealthyDelayMax = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_healthyDelay = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var monitored = new Dictionary<string, CancellationTokenSource>();
        try
        {
            await foreach (var e in notifications.WatchAsync(stoppingToken).ConfigureAwait(false))
            {
                var runs = e.Snapshot.State?.Text == KnownResourceStates.Running;
                if (runs && !monitored.ContainsKey(e.ResourceId))
                {
                    var stop = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
                    monitored.Add(e.ResourceId, stop);
                    _ = Task.Run(() => MonitorAsync(e.Resource, e.ResourceId, stop.Token), stop.Token);
                }
                else if (!runs && monitored.Remove(e.ResourceId, out var stop))
                {
                    await stop.CancelAsync().ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The application stops, and monitoring with it.
        }
    }

    private async Task MonitorAsync(IResource resource, string resourceId, CancellationToken cancellationToken)
    {
        try
        {
            var keys = resource.Annotations.OfType<HealthCheckAnnotation>().Select(a => a.Key).ToHashSet();
            if (keys.Count == 0)
            {
                await BecomeReadyAsync(resource, resourceId, cancellationToken).ConfigureAwait(false);
                return;
            }

            await CheckUntilStoppedAsync(resource, resourceId, keys, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The resource no longer runs.
        }
    }

    private async Task CheckUntilStoppedAsync(
        IResource resource, string resourceId, HashSet<string> keys, CancellationToken cancellationToken)
    {
        var isReady = false;
        var delay = s_firstDelay;
        while (true)
        {
            var report = await checks.CheckHealthAsync(r => keys.Contains(r.Name), cancellationToken).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            await PublishAsync(resource, resourceId, keys, report).ConfigureAwait(false);
            var isHealthy = report.Status == HealthStatus.Healthy && keys.All(report.Entries.ContainsKey);
            if (isHealthy && !isReady)
            {
                isReady = true;
                await BecomeReadyAsync(resource, resourceId, cancellationToken).ConfigureAwait(false);
            }

            delay = isHealthy ? s_healthyDelay : isReady ? s_unhealthyDelayMax : Longer(delay);
            await Task.Delay(delay, cancellationToken).ConfigureAwait(false);
        }
    }

    private static TimeSpan Longer(TimeSpan delay) => delay * 1.5 < s_unhealthyDelayMax ? delay * 1.5 : s_unhealthyDelayMax;

    private Task PublishAsync(IResource resource, string resourceId, HashSet<string> keys, HealthReport report)
    {
        var now = DateTime.UtcNow;
        ImmutableArray<HealthReportSnapshot> reports =
        [
            .. keys.Select(key => report.Entries.TryGetValue(key, out var entry)
                ? new HealthReportSnapshot(key, entry.Status, entry.Description, entry.Exception?.ToString()) { LastRunAt = now }
                : new HealthReportSnapshot(key, null, $"No health check is registered with the key '{key}'.", null)),
        ];
        return notifications.PublishUpdateAsync(
            resource,
            resourceId,
            s => s.State?.Text == KnownResourceStates.Running ? s with { HealthReports = reports } : s);
    }

    private async Task BecomeReadyAsync(IResource resource, string resourceId, CancellationToken cancellationToken)
    {
        var subscribers = eventing.PublishAsync(new ResourceReadyEvent(resource, services), cancellationToken);
        await notifications.PublishUpdateAsync(
            resource,
            resourceId,
            s => s.State?.Text == KnownResourceStates.Running ? s with { Ready = subscribers } : s).ConfigureAwait(false);
        try
        {
            await subscribers.ConfigureAwait(false);
        }
#pragma warning disable CA1031 // A failing subscriber must not end the monitoring; who waits for readiness sees the failure.
        catch (Exception e) when (e is not OperationCanceledException)
#pragma warning restore CA1031
        {
            logger.SubscriberFailed(e, nameof(ResourceReadyEvent), resource.Name);
        }
    }
}
