using System.Collections.Concurrent;
using AppHost.Cluster;
using AppHost.Supervision;
using Aspire.Hosting.ApplicationModel;

namespace AppHost.Output;

/// <summary>
/// Looks up the state of each member's process, asks those that run what they say of themselves, and prints the table. Safe for
/// concurrent use.
/// </summary>
internal sealed class MemberBoard(ClusterLayout cluster, ResourceNotificationService notifications, ConsoleWriter console)
{
    // A resource's state is found by the id of its instance, which has more in it than the name.
    private readonly ConcurrentDictionary<string, string> _ids = new();

    /// <summary>Notes which instance a resource is.</summary>
    public void Note(ResourceEvent e) => _ids[e.Resource.Name] = e.ResourceId;

    /// <summary>Asks all members at once and prints what they say.</summary>
    public async Task PrintAsync(CancellationToken cancellationToken)
    {
        var statuses = await Task.WhenAll(cluster.Members.Select(m => StatusAsync(m, cancellationToken)));
        console.Write(["", .. MemberTable.Format(statuses), "", MemberTable.Summary(statuses, cluster.Quorum), ""]);
    }

    private Task<MemberStatus> StatusAsync(MemberLayout member, CancellationToken cancellationToken)
    {
        var state = StateOf(member);
        return state is null || state == KnownResourceStates.Running || state == KnownResourceStates.RuntimeUnhealthy
            ? MemberStatus.AskAsync(member, cancellationToken)
            : Task.FromResult(MemberStatus.Down(member, Describe(state)));
    }

    /// <summary>As it is now, not as the last event told it: who has just stopped a member is to see that.</summary>
    private string? StateOf(MemberLayout member)
    {
        if (!_ids.TryGetValue(member.Name, out var id) || !notifications.TryGetCurrentState(id, out var now))
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
