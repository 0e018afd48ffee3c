using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AppHost.Supervision;

/// <summary>
/// Watches the states of all resources and runs the start command of a marked one whose process ended on its own. One that was
/// stopped (by its stop command, or with the application) went through the state Stopping and stays stopped.
/// </summary>
internal sealed partial class RestartSupervisor(
    ResourceNotificationService notifications, ResourceCommandService commands, ResourceLoggerService loggers) : BackgroundService
{
    private readonly Dictionary<string, (string? State, RestartPolicy Policy)> _known = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (var e in notifications.WatchAsync(stoppingToken))
            {
                if (e.Resource.HasAnnotationOfType<RestartWhenDeadAnnotation>())
                {
                    Observe(e, stoppingToken);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The application stops.
        }
    }

    [LoggerMessage(LogLevel.Warning, "exited with code {ExitCode}; restart {Count} in {Seconds} s")]
    private static partial void LogRestart(ILogger logger, int? exitCode, int count, double seconds);

    [LoggerMessage(LogLevel.Error, "could not be restarted: {Reason}")]
    private static partial void LogFailure(ILogger logger, string? reason);

    private static bool HasEnded(string? state) => state == KnownResourceStates.Finished || state == KnownResourceStates.Exited;

    private void Observe(ResourceEvent e, CancellationToken stoppingToken)
    {
        var (before, policy) = _known.GetValueOrDefault(e.ResourceId, (null, new RestartPolicy()));
        var now = e.Snapshot.State?.Text;
        if (now == before)
        {
            return;
        }

        _known[e.ResourceId] = (now, policy);
        if (now == KnownResourceStates.Running)
        {
            policy.Started(DateTimeOffset.UtcNow);
        }
        else if (HasEnded(now) && before != KnownResourceStates.Stopping)
        {
            var delay = policy.Died(DateTimeOffset.UtcNow);
            LogRestart(loggers.GetLogger(e.Resource), e.Snapshot.ExitCode, policy.Restarts, delay.TotalSeconds);
            _ = RestartAsync(e, delay, stoppingToken);
        }
    }

    private async Task RestartAsync(ResourceEvent e, TimeSpan delay, CancellationToken stoppingToken)
    {
        try
        {
            await Task.Delay(delay, stoppingToken);
            var result = await commands.ExecuteCommandAsync(e.ResourceId, KnownResourceCommands.StartCommand, stoppingToken);
            if (!result.Success && !result.Canceled)
            {
                LogFailure(loggers.GetLogger(e.Resource), result.Message);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The application stops; the resource stays as it is.
        }
    }
}
