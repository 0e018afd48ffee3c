using System.Collections.Concurrent;
using AppHost.Cluster;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Lifecycle;

namespace AppHost.Output;

/// <summary>
/// Forwards the logs from the start on, and prints the table of members once all of them are ready, and again whenever one
/// became ready once more.
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
            foreach (var resource in e.Model.Resources.Where(r => Find(r) is not null))
            {
                logs.Forward(resource);
            }

            return Task.CompletedTask;
        });
        eventing.Subscribe<ResourceReadyEvent>((e, ct) => Find(e.Resource) is { } member ? ReadyAsync(member, ct) : Task.CompletedTask);
        return Task.CompletedTask;
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
