using Etcd.TestKit.Processes;
using Etcd.TestKit.Processes.Clusters;

namespace Etcd.Interop.Tests.Comparison;

/// <summary>
/// Goal: etcdctl cannot tell a cluster of this project's members from one of etcd's. Method: as <see cref="EtcdctlTests"/>, but
/// one cluster after the other, on the same ports: so their ids, which come from addresses, are the same.
/// </summary>
public sealed class ClusterTests
{
    private const int Members = 3;

    public static TheoryData<string> Names => [.. ClusterScenarios.All.Select(s => s.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Answers_are_etcds(string name)
    {
        RealEtcd.Require();
        Scenario scenario = ClusterScenarios.All.Single(s => s.Name == name);
        IReadOnlyList<MemberPlace> places = MemberPlace.OnLoopback(Members + 1);
        IReadOnlyList<Answer> expected = await AskAsync(scenario, ServerProgram.Real, places);
        IReadOnlyList<Answer> actual = await AskAsync(scenario, ServerProgram.Tested, places);
        string report = Comparer.Report(
            expected, actual, [.. KnownDifferences.Of(ServerProgram.Tested).Where(d => d.Scenario == scenario.Name)]);
        Assert.True(report.Length == 0, $"scenario \"{scenario.Name}\":\n{report}");
    }

    private static async Task<IReadOnlyList<Answer>> AskAsync(Scenario scenario, ServerProgram program, IReadOnlyList<MemberPlace> places)
    {
        await using ServerCluster cluster = ServerCluster.Create(program, [.. places.Take(Members)], "--unsafe-no-fsync");
        await cluster.StartAsync(Session.Cancellation);
        using var session = new Session(Target.Of(cluster, places[Members]));
        foreach ((int i, ClusterMember member) in cluster.Members.Index())
        {
            session.Name($"id-{i}", Target.Hex(member.Id), $"<id-{i}>");
        }

        try
        {
            await new Steps.Lead(0).RunAsync(session);
            return await scenario.RunAsync(session);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{program.Name}: {e.Message}\n{cluster.Logs()}", e);
        }
    }
}
