using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Hosting;

namespace AppHost.Output;

/// <summary>Tells the board which instances the resources are.</summary>
internal sealed class StateWatcher(ResourceNotificationService notifications, MemberBoard board) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (var e in notifications.WatchAsync(stoppingToken))
            {
                board.Note(e);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The application stops.
        }
    }
}
