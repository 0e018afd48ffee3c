using System.Collections.Concurrent;
using AppHost.Cluster;
using AppHost.Samples;
using AppHost.Supervision;
using Aspire.Hosting.ApplicationModel;

namespace AppHost.Output;

/// <summary>
/// Looks up the state of each process, asks the members that run what they say of themselves, and prints the tables of members and
/// samples. Safe for concurrent use.
/// </summary>
internal sealed class MemberBoard(
    ClusterLayout cluster, DistributedApplicationModel model, ResourceNotificationService notifications, ConsoleWriter console)
{
    // A resource's state is found by the id of its instance, which has more in it than the name.
    private readonly ConcurrentDictionary<string, string> _ids = new();

    /// <summary>Notes which instance a resource is.</summary>
    public void Note(ResourceEvent e) => _ids[e.Resource.Name] = e.ResourceId;

    /// <summary>Asks all members at once and prints what they say.</summary>
    public async Task PrintAsync(CancellationToken cancellationToken)
    {
        var statuses = await Task.WhenAll(cluster.Members.Select(m => StatusAsync(m, cancellationToken)));
        var samples = SampleTable.In(model).Select(Describe).ToArray();
        console.Write(
            ["", .. MemberTable.Format(statuses), .. SampleTable.Format(samples), "", MemberTable.Summary(statuses, cluster.Quorum), ""]);
    }

    /// <summary>Says that a sample has come up.</summary>
    public void Greet(IResource sample) => console.Write([SampleTable.Greeting(sample)]);

    private SampleStatus Describe(IResource sample) =>
        new(sample.Name, SampleTable.UrlOf(sample), Describe(StateOf(sample.Name) ?? KnownResourceStates.NotStarted));

    private Task<MemberStatus> StatusAsync(MemberLayout member, CancellationToken cancellationToken)
    {
        var state = StateOf(member.Name);
        return state is null || state == KnownResourceStates.Running || state == KnownResourceStates.RuntimeUnhealthy
            ? MemberStatus.AskAsync(member, cancellationToken)
            : Task.FromResult(MemberStatus.Down(member, Describe(state)));
    }

    /// <summary>As it is now, not as the last event told it: who has just stopped a member is to see that.</summary>
    private string? StateOf(string name)
    {
        if (!_ids.TryGetValue(name, out var id) || !notifications.TryGetCurrentState(id, out var now))
        {
            return null;
        }

        var ended = now.Snapshot.Properties.FirstOrDefault(p => p.Name == RestartSupervisor.EndedForGood)?.Value as string;
        return ended ?? now.Snapshot.State?.Text;
    }

    private static string Describe(string state) =>
        state == KnownResourceStates.Finished || state == KnownResourceStates.Exited || state == KnownResourceStates.NotStarted ? "stopped"
        : state == KnownResourceStates.FailedToStart ? "failed to start"
        : state.ToLowerInvariant();
}
