using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>
/// What is known of every resource now, and a stream of changes. Safe for concurrent use. Updates of one resource are applied
/// one after another, and every watcher sees them in that order; a watcher that reads slowly holds nobody up.
/// </summary>
public partial class ResourceNotificationService : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, ResourceEvent> _current = new(ResourceNames.Comparer);
    private readonly CancellationTokenSource _disposed = new();
    private readonly ILogger<ResourceNotificationService> _logger;
    private readonly IServiceProvider _services;
    private readonly ResourceLoggerService _loggers;
    private readonly CancellationToken _applicationStopping;
    private ImmutableArray<Channel<ResourceEvent>> _watchers = [];

    public ResourceNotificationService(
        ILogger<ResourceNotificationService> logger,
        IHostApplicationLifetime hostApplicationLifetime,
        IServiceProvider serviceProvider,
        ResourceLoggerService resourceLoggerService)
    {
        ArgumentNullException.ThrowIfNull(hostApplicationLifetime);
        _logger = logger;
        _services = serviceProvider;
        _loggers = resourceLoggerService;
        _applicationStopping = hostApplicationLifetime.ApplicationStopping;
    }

    private WaitBehavior DefaultWaitBehavior =>
        _services.GetRequiredService<IOptions<ResourceNotificationServiceOptions>>().Value.DefaultWaitBehavior;

    /// <summary>Changes what is known of a resource; the factory gets the last snapshot and must be quick and pure.</summary>
    public Task PublishUpdateAsync(IResource resource, Func<CustomResourceSnapshot, CustomResourceSnapshot> stateFactory) =>
        PublishUpdateAsync(resource, IdOf(resource), stateFactory);

    /// <inheritdoc cref="PublishUpdateAsync(IResource, Func{CustomResourceSnapshot, CustomResourceSnapshot})"/>
    public Task PublishUpdateAsync(
        IResource resource, string resourceId, Func<CustomResourceSnapshot, CustomResourceSnapshot> stateFactory)
    {
        ArgumentNullException.ThrowIfNull(resource);
        ArgumentNullException.ThrowIfNull(stateFactory);
        lock (_gate)
        {
            var before = _current.TryGetValue(resourceId, out var known) ? known.Snapshot : InitialSnapshot(resource);
            var after = stateFactory(before);
            if (after.State?.Text != KnownResourceStates.Running)
            {
                // What was found out about an earlier run says nothing about the next one.
                after = after with { Ready = null, HealthReports = UnknownHealth(resource) };
            }

            after = after with { Commands = CommandStates(resource, after) };
            var update = new ResourceEvent(resource, resourceId, after);
            _current[resourceId] = update;
            foreach (var watcher in _watchers)
            {
                watcher.Writer.TryWrite(update);
            }

            if (before.State?.Text != after.State?.Text && after.State is { } state)
            {
                _logger.StateChanged(resource.Name, resourceId, before.State?.Text, state.Text);
            }
        }

        return Task.CompletedTask;
    }

    public bool TryGetCurrentState(
        string resourceId, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out ResourceEvent? resourceEvent)
    {
        lock (_gate)
        {
            return _current.TryGetValue(resourceId, out resourceEvent);
        }
    }

    /// <summary>Yields what is known of every resource now, then every change, until cancelled or the service is disposed.</summary>
    public async IAsyncEnumerable<ResourceEvent> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _disposed.Token);
        var channel = Channel.CreateUnbounded<ResourceEvent>(new UnboundedChannelOptions { SingleReader = true });
        ResourceEvent[] known;
        lock (_gate)
        {
            known = [.. _current.Values];
            _watchers = _watchers.Add(channel);
        }

        try
        {
            foreach (var item in known)
            {
                yield return item;
            }

            await foreach (var item in channel.Reader.ReadAllAsync(either.Token).ConfigureAwait(false))
            {
                yield return item;
            }
        }
        finally
        {
            lock (_gate)
            {
                _watchers = _watchers.Remove(channel);
            }
        }
    }

    public void Dispose()
    {
        _disposed.Cancel();
        GC.SuppressFinalize(this);
    }

    /// <summary>The id of the running instance, or the name where a resource has no such thing.</summary>
    internal static string IdOf(IResource resource) =>
        resource.Annotations.OfType<InstanceAnnotation>().LastOrDefault()?.ResourceId ?? resource.Name;

    internal ResourceEvent? Find(string nameOrId)
    {
        lock (_gate)
        {
            return _current.TryGetValue(nameOrId, out var exact)
                ? exact
                : _current.Values.FirstOrDefault(e => ResourceNames.Comparer.Equals(e.Resource.Name, nameOrId));
        }
    }

    private static CustomResourceSnapshot InitialSnapshot(IResource resource)
    {
        var initial = resource.Annotations.OfType<ResourceSnapshotAnnotation>().LastOrDefault()?.InitialSnapshot
            ?? new CustomResourceSnapshot { ResourceType = resource.GetType().Name, Properties = [] };
        var icon = resource.Annotations.OfType<ResourceIconAnnotation>().LastOrDefault();
        return initial with
        {
            CreationTimeStamp = initial.CreationTimeStamp ?? DateTime.UtcNow,
            HealthReports = UnknownHealth(resource),
            IconName = icon?.IconName ?? initial.IconName,
            IconVariant = icon?.IconVariant ?? initial.IconVariant,
            Relationships = Relationships(resource),
        };
    }

    private static ImmutableArray<HealthReportSnapshot> UnknownHealth(IResource resource) =>
        [.. resource.Annotations.OfType<HealthCheckAnnotation>().Select(a => new HealthReportSnapshot(a.Key, null, null, null))];

    private static ImmutableArray<RelationshipSnapshot> Relationships(IResource resource)
    {
        var declared = resource.Annotations.OfType<ResourceRelationshipAnnotation>()
            .Select(r => new RelationshipSnapshot(r.Resource.Name, r.Type));
        var parent = resource is IResourceWithParent child ? [new RelationshipSnapshot(child.Parent.Name, "Parent")] : Array.Empty<RelationshipSnapshot>();
        return [.. declared.Concat(parent).Distinct()];
    }

    private ImmutableArray<ResourceCommandSnapshot> CommandStates(IResource resource, CustomResourceSnapshot snapshot)
    {
        var context = new UpdateCommandStateContext { ResourceSnapshot = snapshot, ServiceProvider = _services };
        return
        [
            .. resource.Annotations.OfType<ResourceCommandAnnotation>().Select(c => new ResourceCommandSnapshot(
                c.Name,
                c.UpdateState(context),
                c.DisplayName,
                c.DisplayDescription,
                c.CommandParameter,
                c.ConfirmationMessage,
                c.IconName,
                c.IconVariant,
                c.IsHighlighted)),
        ];
    }
}

/// <summary>Settings of <see cref="ResourceNotificationService"/>.</summary>
public sealed class ResourceNotificationServiceOptions
{
    public WaitBehavior DefaultWaitBehavior { get; set; }
}
