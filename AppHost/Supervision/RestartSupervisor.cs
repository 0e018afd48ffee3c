using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AppHost.Supervision;

/// <summary>
/// Watches the states of all resources and runs the start command of a marked one whose process ended on its own. One that was
/// stopped (by its stop command, or with the application) went through the state Stopping and stays stopped; so does one whose
/// last words were that it must not come back.
/// </summary>
internal sealed partial class RestartSupervisor(
    ResourceNotificationService notifications, ResourceCommandService commands, ResourceLoggerService loggers) : BackgroundService
{
    /// <summary>What a stopped resource's snapshot holds if it must not come back: a word that says why.</summary>
    public const string EndedForGood = "etcd.ended";

    // The last lines of a log may come after the state that they explain.
    private static readonly TimeSpan s_lastWordsMax = TimeSpan.FromMilliseconds(100);

    private readonly Dictionary<string, Supervised> _known = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (var e in notifications.WatchAsync(stoppingToken))
            {
                if (e.Resource.TryGetLastAnnotation<RestartWhenDeadAnnotation>(out var marked))
                {
                    Observe(e, marked, stoppingToken);
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

    [LoggerMessage(LogLevel.Warning, "exited for good: {Reason}")]
    private static partial void LogEnd(ILogger logger, string reason);

    [LoggerMessage(LogLevel.Error, "could not be restarted: {Reason}")]
    private static partial void LogFailure(ILogger logger, string? reason);

    private static bool HasEnded(string? state) => state == KnownResourceStates.Finished || state == KnownResourceStates.Exited;

    private void Observe(ResourceEvent e, RestartWhenDeadAnnotation marked, CancellationToken stoppingToken)
    {
        if (!_known.TryGetValue(e.ResourceId, out var known))
        {
            _known[e.ResourceId] = known = new Supervised();
            _ = ListenAsync(e.Resource, known, marked, stoppingToken);
        }

        var (before, now) = (known.State, e.Snapshot.State?.Text);
        if (now == before)
        {
            return;
        }

        known.State = now;
        if (now == KnownResourceStates.Running)
        {
            known.SaidItsLast = false;
            known.Policy.Started(DateTimeOffset.UtcNow);
        }
        else if (HasEnded(now) && before != KnownResourceStates.Stopping)
        {
            _ = BringBackAsync(e, known, marked, known.Policy.Died(DateTimeOffset.UtcNow), stoppingToken);
        }
    }

    /// <summary>Listens for the words after which a process must not come back.</summary>
    private async Task ListenAsync(IResource resource, Supervised known, RestartWhenDeadAnnotation marked, CancellationToken stoppingToken)
    {
        try
        {
            await foreach (var lines in loggers.WatchAsync(resource).WithCancellation(stoppingToken))
            {
                if (lines.Any(line => line.Content.Contains(marked.LastWords, StringComparison.Ordinal)))
                {
                    known.SaidItsLast = true;
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The application stops.
        }
    }

    private async Task BringBackAsync(
        ResourceEvent e, Supervised known, RestartWhenDeadAnnotation marked, TimeSpan delay, CancellationToken stoppingToken)
    {
        try
        {
            var log = loggers.GetLogger(e.Resource);
            if (e.Snapshot.ExitCode == 0 && !known.SaidItsLast)
            {
                // Who ends well and was not asked to has something to say.
                await Task.Delay(s_lastWordsMax, stoppingToken);
            }

            if (known.SaidItsLast)
            {
                await notifications.PublishUpdateAsync(e.Resource, e.ResourceId, s => s with
                {
                    State = new ResourceStateSnapshot(s.State?.Text ?? KnownResourceStates.Exited, KnownResourceStateStyles.Error),
                    Properties = [.. s.Properties, new ResourcePropertySnapshot(EndedForGood, marked.Word)],
                });
                LogEnd(log, marked.Meaning);
                return;
            }

            LogRestart(log, e.Snapshot.ExitCode, known.Policy.Restarts, delay.TotalSeconds);
            await Task.Delay(delay, stoppingToken);
            await StartAsync(e, log, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The application stops; the resource stays as it is.
        }
    }

    private async Task StartAsync(ResourceEvent e, ILogger log, CancellationToken stoppingToken)
    {
        if (notifications.TryGetCurrentState(e.ResourceId, out var now) && !HasEnded(now.Snapshot.State?.Text))
        {
            // Somebody else has started it meanwhile.
            return;
        }

        var result = await commands.ExecuteCommandAsync(e.ResourceId, KnownResourceCommands.StartCommand, stoppingToken);
        if (!result.Success && !result.Canceled)
        {
            LogFailure(log, result.Message);
        }
    }

    /// <summary>What is known of one resource. All but <see cref="SaidItsLast"/> belongs to who watches the states.</summary>
    private sealed class Supervised
    {
        private volatile bool _saidItsLast;

        public string? State { get; set; }

        public RestartPolicy Policy { get; } = new();

        public bool SaidItsLast
        {
            get => _saidItsLast;
            set => _saidItsLast = value;
        }
    }
}
