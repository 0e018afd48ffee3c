using System.Collections.Concurrent;
using AppHost.Cluster;
using AppHost.Samples;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Lifecycle;

namespace AppHost.Output;

/// <summary>
/// Forwards the logs of members and samples from the start on, prints the table once all members are ready, and again whenever one
/// became ready once more, and says when a sample is.
/// </summary>
internal sealed class MemberOutput(ClusterLayout cluster, LogForwarder logs, MemberBoard board)
    : IDistributedApplicationEventingSubscriber
{
    private readonly ConcurrentDictionary<string, bool> _ready = new();
    private int _readyCount;

    public Task SubscribeAsync(
        IDistributedApplicationEventing eventing,
        DistributedApplicationExecutionContext executionContext,
        CancellationToken cancellationToken)
    {
        eventing.Subscribe<BeforeStartEvent>((e, _) =>
        {
            foreach (var resource in e.Model.Resources.Where(r => Find(r) is not null || IsSample(r)))
            {
                logs.Forward(resource);
            }

            return Task.CompletedTask;
        });
        eventing.Subscribe<ResourceReadyEvent>((e, ct) => ReadyAsync(e.Resource, ct));
        return Task.CompletedTask;
    }

    private static bool IsSample(IResource resource) => resource.HasAnnotationOfType<SampleAnnotation>();

    private Task ReadyAsync(IResource resource, CancellationToken cancellationToken)
    {
        if (IsSample(resource))
        {
            board.Greet(resource);
        }

        return Find(resource) is { } member ? ReadyAsync(member, cancellationToken) : Task.CompletedTask;
    }

    private MemberLayout? Find(IResource resource) => cluster.Members.FirstOrDefault(m => m.Name == resource.Name);

    private async Task ReadyAsync(MemberLayout member, CancellationToken cancellationToken)
    {
        // Members become ready at the same moment as a rule: only the last of them prints.
        var isFirstTime = _ready.TryAdd(member.Name, true);
        var ready = isFirstTime ? Interlocked.Increment(ref _readyCount) : Volatile.Read(ref _readyCount);
        if (ready == cluster.Members.Count)
        {
            await board.PrintAsync(cancellationToken);
        }
    }
}
