using System.Collections.Concurrent;
using AppHost.Cluster;
using AppHost.Supervision;
using Aspire.Hosting.ApplicationModel;

namespace AppHost.Output;

/// <summary>
/// Knows the state of each member's process, asks those that run what they say of themselves, and prints the table. Safe for
/// concurrent use.
/// </summary>
internal sealed class MemberBoard(ClusterLayout cluster, ConsoleWriter console)
{
    private readonly ConcurrentDictionary<string, string> _states = new();

    /// <summary>Notes what became of a resource.</summary>
    public void Note(IResource resource, CustomResourceSnapshot snapshot)
    {
        var ended = snapshot.Properties.FirstOrDefault(p => p.Name == RestartSupervisor.EndedForGood)?.Value as string;
        if ((ended ?? snapshot.State?.Text) is { } state)
        {
            _states[resource.Name] = state;
        }
    }

    /// <summary>Asks all members at once and prints what they say.</summary>
    public async Task PrintAsync(CancellationToken cancellationToken)
    {
        var statuses = await Task.WhenAll(cluster.Members.Select(m => StatusAsync(m, cancellationToken)));
        console.Write(["", .. MemberTable.Format(statuses), "", MemberTable.Summary(statuses, cluster.Quorum), ""]);
    }

    private Task<MemberStatus> StatusAsync(MemberLayout member, CancellationToken cancellationToken)
    {
        var state = _states.GetValueOrDefault(member.Name);
        return state is null || state == KnownResourceStates.Running || state == KnownResourceStates.RuntimeUnhealthy
            ? MemberStatus.AskAsync(member, cancellationToken)
            : Task.FromResult(MemberStatus.Down(member, Describe(state)));
    }

    private static string Describe(string state) =>
        state == KnownResourceStates.Finished || state == KnownResourceStates.Exited || state == KnownResourceStates.NotStarted ? "stopped"
        : state == KnownResourceStates.FailedToStart ? "failed to start"
        : state.ToLowerInvariant();
}
