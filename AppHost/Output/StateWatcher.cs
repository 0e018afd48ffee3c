using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Hosting;

namespace AppHost.Output;

/// <summary>Tells the board what becomes of the processes.</summary>
internal sealed class StateWatcher(ResourceNotificationService notifications, MemberBoard board) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (var e in notifications.WatchAsync(stoppingToken))
            {
                board.Note(e.Resource, e.Snapshot);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The application stops.
        }
    }
}
