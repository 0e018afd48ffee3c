using Etcd.Behaviour.Fuzz;
using Etcd.TestKit.Processes;

namespace Etcd.Behaviour.Tests;

/// <summary>
/// Goal: whatever is asked in whatever order, the answers are etcd's. Method: sequences drawn from seeds go to both servers. This is a
/// sample; the long runs are made by the command line: dotnet run --project tests/Etcd.Behaviour -- --from 1 --count 5000.
/// ETCD_FUZZ_FROM=n begins the sample elsewhere.
/// </summary>
public sealed class FuzzTests
{
    private const int Sequences = 25;

    private static readonly PairKind Kind = new(IsThree: false, IsTight: false);

    private static ulong First => ulong.TryParse(Environment.GetEnvironmentVariable("ETCD_FUZZ_FROM"), out ulong from) ? from : 1;

    [Fact]
    public async Task Sequences_are_answered_as_etcd_answers_them()
    {
        RealEtcd.Require();
        await using Pair pair = await Pair.StartAsync(Kind, TestContext.Current.CancellationToken);
        for (ulong seed = First; seed < First + Sequences; seed++)
        {
            await CheckAsync(pair, seed);
        }
    }

    private static async Task CheckAsync(Pair pair, ulong seed)
    {
        Verdict verdict = await pair.RunAsync(new SequenceGenerator(seed).Draw(), TestContext.Current.CancellationToken);
        if (verdict.IsDifferent)
        {
            verdict = await pair.ShrinkAsync(verdict, TestContext.Current.CancellationToken);
            Assert.Fail($"{FuzzCommands.Again(seed, Kind)}\n{verdict.Report()}");
        }
    }
}
