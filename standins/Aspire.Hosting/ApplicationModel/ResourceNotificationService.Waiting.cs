using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.ApplicationModel;

public partial class ResourceNotificationService
{
    /// <summary>Waits until a resource is in a state, "Running" if none is given.</summary>
    public Task WaitForResourceAsync(
        string resourceName, string? targetState = null, CancellationToken cancellationToken = default) =>
        WaitForResourceAsync(resourceName, [targetState ?? KnownResourceStates.Running], cancellationToken);

    /// <summary>Waits until a resource is in one of the states and returns which.</summary>
    public async Task<string> WaitForResourceAsync(
        string resourceName, IEnumerable<string> targetStates, CancellationToken cancellationToken = default)
    {
        var wanted = targetStates.ToHashSet(StringComparer.OrdinalIgnoreCase);
        var reached = await WaitForResourceAsync(
            resourceName, e => e.Snapshot.State is { } s && wanted.Contains(s.Text), cancellationToken).ConfigureAwait(false);
        return reached.Snapshot.State!.Text;
    }

    /// <summary>Waits until what is known of a resource satisfies a condition.</summary>
    public async Task<ResourceEvent> WaitForResourceAsync(
        string resourceName, Func<ResourceEvent, bool> predicate, CancellationToken cancellationToken = default)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _applicationStopping);
        await foreach (var e in WatchAsync(either.Token).ConfigureAwait(false))
        {
            if ((ResourceNames.Comparer.Equals(e.Resource.Name, resourceName) || e.ResourceId == resourceName) && predicate(e))
            {
                return e;
            }
        }

        throw new OperationCanceledException("The operation was cancelled before the resource reached the target state.");
    }

    public Task<ResourceEvent> WaitForResourceHealthyAsync(string resourceName, CancellationToken cancellationToken = default) =>
        WaitForResourceHealthyAsync(resourceName, DefaultWaitBehavior, cancellationToken);

    /// <summary>Waits until a resource runs, is healthy, and the subscribers of its ready event are through.</summary>
    public async Task<ResourceEvent> WaitForResourceHealthyAsync(
        string resourceName, WaitBehavior waitBehavior, CancellationToken cancellationToken = default)
    {
        var reached = await WaitForResourceAsync(
            resourceName,
            e => (e.Snapshot.HealthStatus == HealthStatus.Healthy && e.Snapshot.Ready is not null)
                || (waitBehavior == WaitBehavior.StopOnResourceUnavailable && HasEnded(e.Snapshot)),
            cancellationToken).ConfigureAwait(false);
        if (HasEnded(reached.Snapshot))
        {
            throw new DistributedApplicationException(
                $"Stopped waiting for resource '{resourceName}' to become healthy because it failed to start.");
        }

        await reached.Snapshot.Ready!.WaitAsync(cancellationToken).ConfigureAwait(false);
        return reached;
    }

    /// <summary>Waits for all that a resource was told to wait for; the resource is in state Waiting meanwhile.</summary>
    public async Task WaitForDependenciesAsync(IResource resource, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(resource);
        var waits = resource.Annotations.OfType<WaitAnnotation>().ToArray();
        if (waits.Length == 0)
        {
            return;
        }

        await PublishUpdateAsync(resource, s => s with { State = KnownResourceStates.Waiting }).ConfigureAwait(false);
        var logger = _loggers.GetLogger(resource);
        await Task.WhenAll(waits.Select(w => WaitForOneAsync(w, logger, cancellationToken))).ConfigureAwait(false);
    }

    private static bool HasEnded(CustomResourceSnapshot snapshot) =>
        KnownResourceStates.TerminalStates.Contains(snapshot.State?.Text ?? "");

    private async Task WaitForOneAsync(WaitAnnotation wait, ILogger logger, CancellationToken cancellationToken)
    {
        var name = wait.Resource.Name;
        var givesUp = (wait.WaitBehavior ?? DefaultWaitBehavior) == WaitBehavior.StopOnResourceUnavailable;
        logger.Waits(name, wait.WaitType);
        var reached = await WaitForResourceAsync(
            name,
            e => IsReached(wait.WaitType, e.Snapshot) || (givesUp && HasEnded(e.Snapshot)) || HasFailedToComplete(wait, e.Snapshot),
            cancellationToken).ConfigureAwait(false);
        if (!IsReached(wait.WaitType, reached.Snapshot) || HasFailedToComplete(wait, reached.Snapshot))
        {
            throw new DistributedApplicationException(Describe(wait, reached.Snapshot));
        }

        if (wait.WaitType == WaitType.WaitUntilHealthy && reached.Snapshot.Ready is { } ready)
        {
            await ready.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private static bool IsReached(WaitType type, CustomResourceSnapshot snapshot) => type switch
    {
        WaitType.WaitForCompletion => HasEnded(snapshot),
        WaitType.WaitUntilStarted => snapshot.State?.Text == KnownResourceStates.Running,
        _ => snapshot.HealthStatus == HealthStatus.Healthy && snapshot.Ready is not null,
    };

    private static bool HasFailedToComplete(WaitAnnotation wait, CustomResourceSnapshot snapshot) =>
        wait.WaitType == WaitType.WaitForCompletion
        && HasEnded(snapshot)
        && (snapshot.State?.Text == KnownResourceStates.FailedToStart || (snapshot.ExitCode ?? 0) != wait.ExitCode);

    private static string Describe(WaitAnnotation wait, CustomResourceSnapshot snapshot) =>
        wait.WaitType == WaitType.WaitForCompletion && snapshot.State?.Text != KnownResourceStates.FailedToStart
            ? $"Resource '{wait.Resource.Name}' has entered the '{snapshot.State?.Text}' state with exit code "
                + $"'{snapshot.ExitCode}', expected '{wait.ExitCode}'."
            : $"Dependency resource '{wait.Resource.Name}' failed to start: it is in state '{snapshot.State?.Text}'.";
}
