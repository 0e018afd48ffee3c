using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Comparison;

/// <summary>Goal: as <see cref="EtcdctlTests"/>, by raw calls where etcdctl cannot ask.</summary>
public sealed class CallTests
{
    public static TheoryData<string> Names => [.. CallScenarios.All.Select(s => s.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Answers_are_etcds(string scenario)
    {
        RealEtcd.Require();
        await Comparer.CompareAsync(
            CallScenarios.All.Single(s => s.Name == scenario), ServerProgram.Real, ServerProgram.Tested, KnownDifferences.Of(ServerProgram.Tested));
    }
}
