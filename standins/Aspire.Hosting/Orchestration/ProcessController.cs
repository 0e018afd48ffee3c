using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Orchestration.Processes;

namespace Aspire.Hosting.Orchestration;

/// <summary>
/// The life of one process resource: starts it, once what it waits for is there; says what becomes of it; stops it. Starting,
/// stopping and restarting exclude each other; a stop ends a start that still waits.
/// </summary>
#pragma warning disable CA1001 // Only the wait handle of a semaphore needs disposing, and nobody asks for it.
internal sealed class ProcessController(IResource resource, OrchestrationServices services)
#pragma warning restore CA1001
{
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly ResourceLog _log = services.Loggers.GetLog(resource.Name);
    private readonly Lock _gate = new();
    private CancellationTokenSource? _starting;
    private ChildProcess? _child;
    private Task _ending = Task.CompletedTask;

    public IResource Resource { get; } = resource;

    private bool IsRunning => _child is { Exited.IsCompleted: false };

    /// <summary>Starts the process unless it runs. Returns what went wrong, or null.</summary>
    public async Task<Exception?> StartAsync(CancellationToken cancellationToken)
    {
        using var starting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            lock (_gate)
            {
                _starting = starting;
            }

            await _ending.ConfigureAwait(false);
            return IsRunning ? null : await TryStartAsync(starting.Token).ConfigureAwait(false);
        }
        finally
        {
            lock (_gate)
            {
                _starting = null;
            }

            _turn.Release();
        }
    }

    /// <summary>Asks the process to end, waits, and kills it if it does not.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _starting?.Cancel();
        }

        await _turn.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            if (!IsRunning)
            {
                return;
            }

            await PublishStateAsync(KnownResourceStates.Stopping).ConfigureAwait(false);
            await EndAsync(_child!, cancellationToken).ConfigureAwait(false);
            await _ending.ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task<Exception?> TryStartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await services.Notifications.WaitForDependenciesAsync(Resource, cancellationToken).ConfigureAwait(false);
            await services.Notifications.PublishUpdateAsync(Resource, s => s with
            {
                State = KnownResourceStates.Starting,
                ExitCode = null,
                StopTimeStamp = null,
            }).ConfigureAwait(false);
            await services.Eventing
                .PublishAsync(new BeforeResourceStartedEvent(Resource, services.Provider), cancellationToken)
                .ConfigureAwait(false);
            await StartProcessAsync(cancellationToken).ConfigureAwait(false);
            return null;
        }
        catch (OperationCanceledException e) when (cancellationToken.IsCancellationRequested)
        {
            await PublishStateAsync(KnownResourceStates.NotStarted).ConfigureAwait(false);
            return e;
        }
#pragma warning disable CA1031 // Whatever goes wrong, it is the state of this resource and no reason to end the others.
        catch (Exception e)
#pragma warning restore CA1031
        {
            services.Logger.StartFailed(e, Resource.Name);
            _log.Add(e.Message, isError: true);
            await services.Notifications.PublishUpdateAsync(Resource, s => s with
            {
                State = new ResourceStateSnapshot(KnownResourceStates.FailedToStart, KnownResourceStateStyles.Error),
            }).ConfigureAwait(false);
            return e;
        }
    }

    private async Task StartProcessAsync(CancellationToken cancellationToken)
    {
        var environment = await ProcessConfiguration
            .EnvironmentAsync(Resource, services.ExecutionContext, _log, cancellationToken).ConfigureAwait(false);
        var arguments = await ProcessConfiguration
            .ArgumentsAsync(Resource, services.ExecutionContext, _log, cancellationToken).ConfigureAwait(false);
        var (command, leading, directory) = await ProgramAsync(cancellationToken).ConfigureAwait(false);
        arguments = [.. leading, .. arguments];
        var child = ChildProcess.Start(
            new ChildProcessStart(command, arguments, directory, ProcessConfiguration.WithInherited(environment)), _log.Add);
        services.Guard.Watch(child);
        _child = child;
        await services.Notifications.PublishUpdateAsync(Resource, s => s with
        {
            State = new ResourceStateSnapshot(KnownResourceStates.Running, KnownResourceStateStyles.Success),
            StartTimeStamp = DateTime.UtcNow,
            EnvironmentVariables = [.. environment.Select(v => new EnvironmentVariableSnapshot(v.Key, v.Value, IsFromSpec: true))],
            Properties =
            [
                new("executable.path", command),
                new("executable.workDir", directory),
                new("executable.args", arguments),
                new("executable.pid", child.Id),
            ],
        }).ConfigureAwait(false);
        _ending = PublishEndAsync(child);
    }

    private async Task<(string Command, string[] Leading, string Directory)> ProgramAsync(CancellationToken cancellationToken)
    {
        if (Resource is ExecutableResource executable)
        {
            var command = executable.Command;
            var isPath = command.Contains(Path.DirectorySeparatorChar) || command.Contains(Path.AltDirectorySeparatorChar);
            return (isPath ? Path.GetFullPath(command, executable.WorkingDirectory) : command, [], executable.WorkingDirectory);
        }

        var project = Resource.Annotations.OfType<IProjectMetadata>().SingleOrDefault()
            ?? throw new DistributedApplicationException($"Project resource '{Resource.Name}' has no project metadata.");
        var (host, arguments) = await services.Projects
            .FindAsync(project, text => _log.Add(text, isError: true), cancellationToken).ConfigureAwait(false);
        return (host, arguments, Path.GetDirectoryName(project.ProjectPath)!);
    }

    private async Task PublishEndAsync(ChildProcess child)
    {
        var exitCode = await child.Exited.ConfigureAwait(false);
        services.Guard.Forget(child);
        await services.Notifications.PublishUpdateAsync(Resource, s => s with
        {
            State = new ResourceStateSnapshot(
                KnownResourceStates.Finished, exitCode == 0 ? KnownResourceStateStyles.Info : KnownResourceStateStyles.Error),
            ExitCode = exitCode,
            StopTimeStamp = DateTime.UtcNow,
        }).ConfigureAwait(false);
        _ = PublishStoppedAsync();
    }

    private async Task PublishStoppedAsync()
    {
        var id = ResourceNotificationService.IdOf(Resource);
        if (!services.Notifications.TryGetCurrentState(id, out var now))
        {
            return;
        }

        try
        {
            await services.Eventing
                .PublishAsync(new ResourceStoppedEvent(Resource, services.Provider, now), CancellationToken.None)
                .ConfigureAwait(false);
        }
#pragma warning disable CA1031 // A failing subscriber is reported; nobody waits for it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            services.Logger.SubscriberFailed(e, nameof(ResourceStoppedEvent), Resource.Name);
        }
    }

    private async Task EndAsync(ChildProcess child, CancellationToken cancellationToken)
    {
        child.RequestStop();
        try
        {
            await child.Exited.WaitAsync(services.StopTimeout, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            services.Logger.StopTakesTooLong(child.Id, services.StopTimeout.TotalSeconds);
            child.Kill();
            await child.Exited.ConfigureAwait(false);
        }
    }

    private Task PublishStateAsync(string state) =>
        services.Notifications.PublishUpdateAsync(Resource, s => s with { State = state });
}
