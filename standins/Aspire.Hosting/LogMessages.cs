using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting;

internal static partial class LogMessages
{
    [LoggerMessage(1, LogLevel.Information, "Distributed application starting.")]
    public static partial void ApplicationStarts(this ILogger logger);

    [LoggerMessage(2, LogLevel.Information, "Application host directory is: {Directory}")]
    public static partial void ApplicationDirectory(this ILogger logger, string directory);

    [LoggerMessage(3, LogLevel.Information, "Distributed application started. Press Ctrl+C to shut down.")]
    public static partial void ApplicationStarted(this ILogger logger);

    [LoggerMessage(10, LogLevel.Debug, "Resource {Resource}/{ResourceId} changed state: {Before} -> {After}")]
    public static partial void StateChanged(this ILogger logger, string resource, string resourceId, string? before, string after);

    [LoggerMessage(11, LogLevel.Information, "Waiting for '{Resource}' ({WaitType}).")]
    public static partial void Waits(this ILogger logger, string resource, WaitType waitType);

    [LoggerMessage(12, LogLevel.Information, "Executing command '{Command}'.")]
    public static partial void CommandRuns(this ILogger logger, string command);

    [LoggerMessage(13, LogLevel.Error, "Error executing command '{Command}'.")]
    public static partial void CommandFailed(this ILogger logger, Exception exception, string command);

    [LoggerMessage(14, LogLevel.Error, "Failed to start resource '{Resource}'.")]
    public static partial void StartFailed(this ILogger logger, Exception exception, string resource);

    [LoggerMessage(15, LogLevel.Warning, "Process {Pid} did not end within {Seconds} seconds of being asked to; it is killed.")]
    public static partial void StopTakesTooLong(this ILogger logger, int pid, double seconds);

    [LoggerMessage(16, LogLevel.Warning, "The process that ends the resources if this one is killed could not be started.")]
    public static partial void WatchdogFailed(this ILogger logger, Exception exception);

    [LoggerMessage(17, LogLevel.Error, "A subscriber of the event {Event} of resource '{Resource}' failed.")]
    public static partial void SubscriberFailed(this ILogger logger, Exception exception, string @event, string resource);

    [LoggerMessage(18, LogLevel.Warning, "Stopping resource '{Resource}' failed.")]
    public static partial void StopFailed(this ILogger logger, Exception exception, string resource);
}
