using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Comparison;

/// <summary>
/// Goal: etcdctl cannot tell this project's member from etcd's. Each scenario runs against a fresh member of either and
/// every line of every answer must be the same, but for <see cref="KnownDifferences"/>. Not here: the checks, which take a minute
/// (<see cref="EtcdctlCheckTests"/>); the changes of members (<see cref="ClusterTests"/>).
/// </summary>
public sealed class EtcdctlTests
{
    public static TheoryData<string> Names => [.. Scenarios.All.Select(s => s.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Answers_are_etcds(string scenario)
    {
        RealEtcd.Require();
        await Comparer.CompareAsync(
            Scenarios.All.Single(s => s.Name == scenario), ServerProgram.Real, ServerProgram.Tested, KnownDifferences.Of(ServerProgram.Tested));
    }

    [Fact]
    public void Every_listed_difference_belongs_to_a_scenario() =>
        Assert.All(KnownDifferences.All, d => Assert.Contains(Scenarios.All.Concat(CallScenarios.All).Concat(ClusterScenarios.All), s => s.Name == d.Scenario));
}
