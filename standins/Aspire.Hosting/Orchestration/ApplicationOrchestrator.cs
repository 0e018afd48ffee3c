using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Orchestration.Processes;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Orchestration;

/// <summary>
/// Starts all resources with the application and stops them with it. Starting returns once every endpoint has its address and
/// every process is being started; a resource that fails is in state FailedToStart, and the others go on. Stopping ends those
/// that wait for others before these.
/// </summary>
internal sealed class ApplicationOrchestrator : IHostedService, IAsyncDisposable
{
    private readonly DistributedApplicationModel _model;
    private readonly OrchestrationServices _services;
    private readonly EndpointAllocator _endpoints;
    private readonly ChildGuard _guard;
    private readonly AppHostInfo _appHost;
    private readonly List<ProcessController> _controllers = [];
    private readonly CancellationTokenSource _stopping = new();
    private Task _starting = Task.CompletedTask;
    private int _disposed;

    public ApplicationOrchestrator(
        AppHostInfo appHost,
        DistributedApplicationModel model,
        DistributedApplicationOptions options,
        DistributedApplicationExecutionContext executionContext,
        ResourceNotificationService notifications,
        ResourceLoggerService loggers,
        IDistributedApplicationEventing eventing,
        IConfiguration configuration,
        IServiceProvider provider,
        ILoggerFactory loggerFactory)
    {
        _appHost = appHost;
        _model = model;
        var logger = loggerFactory.CreateLogger<DistributedApplication>();
        _guard = new ChildGuard(logger);
        _endpoints = new EndpointAllocator(configuration);
        _services = new OrchestrationServices(
            notifications, loggers, eventing, executionContext, new ProjectExecutable(appHost), _guard, provider, logger);
        if (options.EnableResourceLogging)
        {
            var application = appHost.Assembly?.GetName().Name ?? "AppHost";
            loggers.LineAdded += (name, line) => ForwardLine(loggerFactory, $"{application}.Resources.{name}", line);
        }
    }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _services.Logger.ApplicationStarts();
        _services.Logger.ApplicationDirectory(_appHost.Directory);
        foreach (var resource in _model.Resources)
        {
            await PrepareAsync(resource).ConfigureAwait(false);
        }

        foreach (var resource in _model.Resources)
        {
            _ = InitializeAsync(resource);
        }

        await AllocateEndpointsAsync(cancellationToken).ConfigureAwait(false);
        foreach (var value in _model.Resources.Where(r => r is ParameterResource or ConnectionStringResource))
        {
            _ = PublishValueAsync(value);
        }

        _starting = StartProcessesAsync();
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        foreach (var wave in StopOrder.Waves(_controllers))
        {
            await Task.WhenAll(wave.Select(c => StopOneAsync(c, cancellationToken))).ConfigureAwait(false);
        }

        await _starting.ConfigureAwait(false);
        foreach (var resource in _model.Resources)
        {
            _services.Loggers.Complete(resource);
        }
    }

    public async ValueTask DisposeAsync()
    {
        // The container knows it as a service and as a hosted service, and disposes both.
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        // Without a stop before it (a test that only disposes the application) the processes must end all the same.
        await StopAsync(CancellationToken.None).ConfigureAwait(false);
        await _endpoints.DisposeAsync().ConfigureAwait(false);
        _guard.Dispose();
        _stopping.Dispose();
    }

    private static void ForwardLine(ILoggerFactory factory, string category, LogLine line)
    {
#pragma warning disable CA1848, CA2254 // The line is what another program wrote.
        factory.CreateLogger(category).Log(
            line.IsErrorMessage ? LogLevel.Error : LogLevel.Information, "{LineNumber}: {Line}", line.LineNumber, line.Content);
#pragma warning restore CA1848, CA2254
    }

    private async Task PrepareAsync(IResource resource)
    {
        if (resource is ExecutableResource or ProjectResource)
        {
            var instance = InstanceAnnotation.CreateFor(resource);
            resource.Annotations.Add(instance);
            _services.Loggers.AddAlias(resource, instance.ResourceId);
            var controller = new ProcessController(resource, _services);
            LifecycleCommands.Add(controller);
            _controllers.Add(controller);
        }

        var type = resource is ProjectResource ? "Project" : resource is ExecutableResource ? "Executable" : null;
        await _services.Notifications
            .PublishUpdateAsync(resource, s => type is null ? s : s with { ResourceType = type })
            .ConfigureAwait(false);
    }

    private async Task InitializeAsync(IResource resource)
    {
        var e = new InitializeResourceEvent(
            resource, _services.Eventing, _services.Loggers, _services.Notifications, _services.Provider);
        await PublishGuardedAsync(e, resource).ConfigureAwait(false);
    }

    private async Task AllocateEndpointsAsync(CancellationToken cancellationToken)
    {
        var resources = _controllers.Select(c => c.Resource).ToArray();
        _endpoints.Allocate([.. resources.SelectMany(r => r.Annotations.OfType<EndpointAnnotation>())]);
        foreach (var resource in resources)
        {
            await UrlPublisher.PublishAsync(resource, _services, cancellationToken).ConfigureAwait(false);
            if (resource.HasAnnotationOfType<EndpointAnnotation>())
            {
                await _services.Eventing
                    .PublishAsync(new ResourceEndpointsAllocatedEvent(resource, _services.Provider), cancellationToken)
                    .ConfigureAwait(false);
            }

            if (resource is IResourceWithConnectionString)
            {
                await _services.Eventing
                    .PublishAsync(new ConnectionStringAvailableEvent(resource, _services.Provider), cancellationToken)
                    .ConfigureAwait(false);
            }
        }
    }

    /// <summary>A value has no process: it "runs" once it can be read.</summary>
    private async Task PublishValueAsync(IResource resource)
    {
        try
        {
            await ((IValueProvider)resource).GetValueAsync(_stopping.Token).ConfigureAwait(false);
            if (resource is IResourceWithConnectionString)
            {
                await PublishGuardedAsync(new ConnectionStringAvailableEvent(resource, _services.Provider), resource).ConfigureAwait(false);
            }

            await _services.Notifications.PublishUpdateAsync(resource, s => s with { State = KnownResourceStates.Running }).ConfigureAwait(false);
        }
        catch (Exception e) when (e is DistributedApplicationException or OperationCanceledException)
        {
            _services.Loggers.GetLog(resource.Name).Add(e.Message, isError: true);
            await _services.Notifications.PublishUpdateAsync(resource, s => s with
            {
                State = new ResourceStateSnapshot(KnownResourceStates.ValueMissing, KnownResourceStateStyles.Error),
            }).ConfigureAwait(false);
        }
    }

    private async Task StartProcessesAsync()
    {
        var starts = new List<Task>();
        foreach (var controller in _controllers)
        {
            if (controller.Resource.HasAnnotationOfType<ExplicitStartupAnnotation>())
            {
                await _services.Notifications
                    .PublishUpdateAsync(controller.Resource, s => s with { State = KnownResourceStates.NotStarted })
                    .ConfigureAwait(false);
                continue;
            }

            starts.Add(controller.StartAsync(_stopping.Token));
        }

        await Task.WhenAll(starts).ConfigureAwait(false);
        if (!_stopping.IsCancellationRequested)
        {
            await _services.Eventing
                .PublishAsync(new AfterResourcesCreatedEvent(_services.Provider, _model), CancellationToken.None)
                .ConfigureAwait(false);
        }
    }

    private async Task StopOneAsync(ProcessController controller, CancellationToken cancellationToken)
    {
        try
        {
            await controller.StopAsync(cancellationToken).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // One that cannot be stopped must not keep the others from being stopped.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _services.Logger.StopFailed(e, controller.Resource.Name);
        }
    }

    private async Task PublishGuardedAsync<T>(T e, IResource resource)
        where T : IDistributedApplicationResourceEvent
    {
        try
        {
            await _services.Eventing.PublishAsync(e, _stopping.Token).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // A failing subscriber is the resource's failure.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            if (_stopping.IsCancellationRequested)
            {
                return;
            }

            _services.Logger.SubscriberFailed(failure, typeof(T).Name, resource.Name);
            await _services.Notifications.PublishUpdateAsync(resource, s => s with
            {
                State = new ResourceStateSnapshot(KnownResourceStates.FailedToStart, KnownResourceStateStyles.Error),
            }).ConfigureAwait(false);
        }
    }
}
