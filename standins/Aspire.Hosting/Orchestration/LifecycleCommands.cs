using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Orchestration;

/// <summary>The commands start, stop and restart of a process.</summary>
internal static class LifecycleCommands
{
    public static void Add(ProcessController controller)
    {
        Add(controller.Resource, KnownResourceCommands.StartCommand, "Start", "Play", IsStopped, async context =>
        {
            var problem = await controller.StartAsync(context.CancellationToken).ConfigureAwait(false);
            return problem is null ? CommandResults.Success() : CommandResults.Failure(problem);
        });
        Add(controller.Resource, KnownResourceCommands.StopCommand, "Stop", "Stop", IsStarted, async context =>
        {
            await controller.StopAsync(context.CancellationToken).ConfigureAwait(false);
            return CommandResults.Success();
        });
        Add(controller.Resource, KnownResourceCommands.RestartCommand, "Restart", "ArrowCounterclockwise", IsStarted, async context =>
        {
            await controller.StopAsync(context.CancellationToken).ConfigureAwait(false);
            var problem = await controller.StartAsync(context.CancellationToken).ConfigureAwait(false);
            return problem is null ? CommandResults.Success() : CommandResults.Failure(problem);
        });
    }

    private static bool IsStopped(string? state) =>
        state is null || state == KnownResourceStates.NotStarted || KnownResourceStates.TerminalStates.Contains(state);

    private static bool IsStarted(string? state) =>
        state == KnownResourceStates.Running || state == KnownResourceStates.Waiting || state == KnownResourceStates.RuntimeUnhealthy;

    private static void Add(
        IResource resource,
        string name,
        string displayName,
        string icon,
        Func<string?, bool> isOffered,
        Func<ExecuteCommandContext, Task<ExecuteCommandResult>> execute)
    {
        if (resource.Annotations.OfType<ResourceCommandAnnotation>().Any(a => a.Name == name))
        {
            return;
        }

        resource.Annotations.Add(new ResourceCommandAnnotation(
            name,
            displayName,
            context => isOffered(context.ResourceSnapshot.State?.Text) ? ResourceCommandState.Enabled : ResourceCommandState.Hidden,
            execute,
            displayDescription: null,
            parameter: null,
            confirmationMessage: null,
            iconName: icon,
            iconVariant: IconVariant.Filled,
            isHighlighted: true));
    }
}
