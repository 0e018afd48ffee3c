using System.Globalization;
using Etcd.Simulation.Mutations;
using Etcd.Simulation.Runs;

namespace Etcd.Simulation.Tests;

/// <summary>
/// Goal: nothing that must never happen happens, whatever goes wrong. Method: whole clusters of real members in the simulator,
/// each run drawn from its seed. The long runs are made by the command line (docs/simulation.md); this is a sample, and the
/// seeds that have found something before. ETCD_SIM_FROM=n begins the sample elsewhere.
/// </summary>
public sealed class SeedTests
{
    private const int SeedsPerTest = 20;

    public static TheoryData<ulong> Samples => [.. Enumerable.Range(0, 10).Select(static i => First + (ulong)(i * SeedsPerTest))];

    public static TheoryData<ulong, string> Regressions => RegressionSeeds.All;

    private static ulong First =>
        Environment.GetEnvironmentVariable("ETCD_SIM_FROM") is { } from ? ulong.Parse(from, CultureInfo.InvariantCulture) : 1;

    [Theory]
    [MemberData(nameof(Samples))]
    public void NothingForbiddenHappens(ulong from)
    {
        for (ulong seed = from; seed < from + SeedsPerTest; seed++)
        {
            RunResult result = new Simulator(seed).Run();
            Assert.True(result.Failure is null, result.Failure is null ? null : result.FailureLine());
        }
    }

    [Theory]
    [MemberData(nameof(Regressions))]
    public void SeedsThatFoundSomethingFindNothingAnyMore(ulong seed, string what)
    {
        RunResult result = new Simulator(seed).Run();
        Assert.True(result.Failure is null, result.Failure is null ? null : $"{what}: {result.FailureLine()}");
    }

    [Theory]
    [InlineData(3)]
    [InlineData(6)]
    [InlineData(77)]
    public void ASeedGivesTheSameRunAgain(ulong seed)
    {
        var first = new StringWriter();
        var second = new StringWriter();
        RunResult one = new Simulator(seed, first).Run();
        RunResult two = new Simulator(seed, second).Run();
        Assert.Equal(one.TraceHash, two.TraceHash);
        Assert.Equal(one.Counts, two.Counts);
        Assert.Equal(first.ToString(), second.ToString());

        // And whether anybody reads the trace makes no difference.
        Assert.Equal(one.TraceHash, new Simulator(seed).Run().TraceHash);
    }

    /// <summary>The harness can fail. The command line's --mutations tells the seeds.</summary>
    [Theory]
    [InlineData("answer-before-sync")]
    [InlineData("commit-old-term")]
    [InlineData("count-own-append-early")]
    [InlineData("read-unconfirmed")]
    [InlineData("vote-twice")]
    public void AMutationIsFound(string name)
    {
        (RunResult? found, int seeds) = SimulatorCommands.Find(name, 1, SimulatorCommands.MutationSeeds);
        Assert.True(found is not null, $"{name} was not found in {seeds} seeds");
    }

    [Fact]
    public void EveryMutationIsTested()
    {
        string[] tested = [.. typeof(SeedTests).GetMethod(nameof(AMutationIsFound))!
            .GetCustomAttributes(typeof(InlineDataAttribute), false).Cast<InlineDataAttribute>().Select(static a => (string)a.Data[0]!)];
        Assert.Equal(AllMutations.ByName.Keys.Order(StringComparer.Ordinal), tested.Order(StringComparer.Ordinal));
    }
}
