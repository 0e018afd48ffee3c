using System.Collections.Concurrent;
using AppHost.Cluster;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Lifecycle;

namespace AppHost.Output;

/// <summary>
/// Forwards the logs from the start on, and prints the table of members once all of them are ready, and again whenever one
/// became ready once more after it had died.
/// </summary>
internal sealed class MemberOutput(ClusterLayout cluster, LogForwarder logs, ConsoleWriter console)
    : IDistributedApplicationEventingSubscriber
{
    private readonly ConcurrentDictionary<string, bool> _ready = new();

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
        _ready[member.Name] = true;
        if (_ready.Count < cluster.Members.Count)
        {
            return;
        }

        var statuses = await Task.WhenAll(cluster.Members.Select(m => MemberStatus.AskAsync(m, cancellationToken)));
        console.Write(["", .. MemberTable.Format(statuses), "", "Ctrl+C stops the cluster.", ""]);
    }
}
