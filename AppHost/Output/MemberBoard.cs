using System.Collections.Concurrent;
using AppHost.Cluster;
using AppHost.Samples;
using Aspire.Hosting.ApplicationModel;

namespace AppHost.Output;

/// <summary>
/// Knows the state of each process, asks the members that run what they say of themselves, and prints the tables of members and samples.
/// Safe for concurrent use.
/// </summary>
internal sealed class MemberBoard(ClusterLayout cluster, DistributedApplicationModel model, ConsoleWriter console)
{
    private readonly ConcurrentDictionary<string, string> _states = new();

    /// <summary>Notes what became of a resource.</summary>
    public void Note(IResource resource, string? state)
    {
        if (state is not null)
        {
            _states[resource.Name] = state;
        }
    }

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
        new(sample.Name, SampleTable.UrlOf(sample), Describe(_states.GetValueOrDefault(sample.Name) ?? KnownResourceStates.NotStarted));

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
