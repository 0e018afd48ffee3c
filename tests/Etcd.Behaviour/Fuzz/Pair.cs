using Etcd.Behaviour.Asking;
using Etcd.Behaviour.Cases;
using Etcd.TestKit.Processes;

namespace Etcd.Behaviour.Fuzz;

/// <summary>The real etcd and this project's server, both asked the same. One caller at a time.</summary>
internal sealed class Pair(Asked reference, Asked tested) : IAsyncDisposable
{
    /// <summary>Starts both.</summary>
    /// <param name="kind">What ours is, and what limits both have.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public static async Task<Pair> StartAsync(PairKind kind, CancellationToken cancellation)
    {
        IReadOnlyList<string> flags = kind.IsTight ? Runner.TightFlags : [];
        Task<Asked> reference = Asked.OneAsync(ServerProgram.Real, flags, cancellation);
        Asked tested = kind.IsThree
            ? await Asked.ThreeAsync(ServerProgram.Tested, flags, cancellation)
            : await Asked.OneAsync(ServerProgram.Tested, flags, cancellation);
        return new Pair(await reference, tested);
    }

    /// <summary>Runs a sequence on both.</summary>
    public async Task<Verdict> RunAsync(IReadOnlyList<Step> steps, CancellationToken cancellation)
    {
        Task<IReadOnlyList<string>> expecting = SequenceRun.RunAsync(reference, steps, cancellation);
        IReadOnlyList<string> actual = await SequenceRun.RunAsync(tested, steps, cancellation);
        IReadOnlyList<string> expected = await expecting;
        int at = Enumerable.Range(0, Math.Max(expected.Count, actual.Count))
            .FirstOrDefault(i => i >= expected.Count || i >= actual.Count || expected[i] != actual[i], -1);
        // A failure on both sides is one too: the run itself has found something wrong.
        at = at < 0 && expected[^1].StartsWith("failed:", StringComparison.Ordinal) ? expected.Count - 1 : at;
        return new Verdict(steps, expected, actual, at);
    }

    /// <summary>The shortest sequence within this one that still shows a difference.</summary>
    public async Task<Verdict> ShrinkAsync(Verdict verdict, CancellationToken cancellation)
    {
        for (int size = verdict.Steps.Count / 2; size >= 1; size = size == 1 ? 0 : size / 2)
        {
            for (int at = verdict.Steps.Count - size; at >= 0; at -= size)
            {
                Step[] rest = [.. verdict.Steps.Take(at), .. verdict.Steps.Skip(at + size)];
                Verdict smaller = await RunAsync(rest, cancellation);
                verdict = smaller.IsDifferent ? smaller : verdict;
                at = Math.Min(at, verdict.Steps.Count);
            }
        }

        return await ShrinkTransactionsAsync(verdict, cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await reference.DisposeAsync();
        await tested.DisposeAsync();
    }

    private async Task<Verdict> ShrinkTransactionsAsync(Verdict verdict, CancellationToken cancellation)
    {
        for (int at = 0; at < verdict.Steps.Count; at++)
        {
            bool shrunk = true;
            while (shrunk && verdict.Steps[at] is Ask { Request: Protocol.Etcdserverpb.TxnRequest txn })
            {
                shrunk = false;
                foreach (Protocol.Etcdserverpb.TxnRequest smaller in SmallerTransactions.Of(txn))
                {
                    Step[] steps = [.. verdict.Steps.Take(at), new Ask(smaller), .. verdict.Steps.Skip(at + 1)];
                    Verdict next = await RunAsync(steps, cancellation);
                    if (next.IsDifferent)
                    {
                        (verdict, shrunk) = (next, true);
                        break;
                    }
                }
            }
        }

        return verdict;
    }
}

/// <summary>What runs in a pair.</summary>
/// <param name="IsThree">Ours is a cluster of three.</param>
/// <param name="IsTight">Both have small limits, and tell progress as often as etcd allows.</param>
internal sealed record PairKind(bool IsThree, bool IsTight)
{
    /// <summary>The options of the command line that say so.</summary>
    public override string ToString() => (IsThree ? " --three" : "") + (IsTight ? " --tight" : "");
}

/// <summary>What came of a sequence on both servers.</summary>
/// <param name="Steps">The sequence.</param>
/// <param name="Expected">What the real etcd said to each step, lifted to 3.7.1.</param>
/// <param name="Actual">What the tested server said.</param>
/// <param name="At">Where they differ first; -1 if they do not.</param>
internal sealed record Verdict(IReadOnlyList<Step> Steps, IReadOnlyList<string> Expected, IReadOnlyList<string> Actual, int At)
{
    public bool IsDifferent => At >= 0;

    /// <summary>The sequence up to the difference, and both answers.</summary>
    public string Report() =>
        $"{string.Join('\n', Steps.Take(At + 1))}\n--- etcd:\n{Answer(Expected)}\n--- ours:\n{Answer(Actual)}";

    private string Answer(IReadOnlyList<string> said) => At < said.Count ? said[At] : "(nothing)";
}
