using System.Text;
using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Comparison;

/// <summary>Runs a scenario against a fresh member of either program and compares the answers line by line.</summary>
internal static class Comparer
{
    /// <summary>Compares; fails the test with both answers to each step that differs.</summary>
    /// <param name="scenario">What to ask.</param>
    /// <param name="reference">The program that is right, but for the differences.</param>
    /// <param name="tested">The program in question.</param>
    /// <param name="differences">What is allowed, and required, to differ.</param>
    public static async Task CompareAsync(
        Scenario scenario, ServerProgram reference, ServerProgram tested, IReadOnlyList<KnownDifference> differences)
    {
        Task<IReadOnlyList<Answer>> expecting = AskAsync(scenario, reference);
        Task<IReadOnlyList<Answer>> asking = AskAsync(scenario, tested);
        await Task.WhenAll(expecting, asking);
        string report = Report(await expecting, await asking, [.. differences.Where(d => d.Scenario == scenario.Name)]);
        Assert.True(report.Length == 0, $"scenario \"{scenario.Name}\":\n{report}");
    }

    /// <summary>What is wrong, empty if nothing is.</summary>
    public static string Report(
        IReadOnlyList<Answer> expected, IReadOnlyList<Answer> actual, IReadOnlyList<KnownDifference> differences)
    {
        var report = new StringBuilder();
        var unmet = differences.ToList();
        foreach ((Answer one, Answer other) in expected.Zip(actual))
        {
            string should = string.Join('\n', one.Lines);
            foreach (KnownDifference difference in unmet.Where(d => d.Step == one.Step).ToList())
            {
                if (difference.Apply(should) is { } applied)
                {
                    should = applied;
                    unmet.Remove(difference);
                }
            }

            string does = string.Join('\n', other.Lines);
            if (should != does)
            {
                report.Append($"\n--- {one.Step}\nexpected:\n{should}\nactual:\n{does}\n");
            }
        }

        foreach (KnownDifference difference in unmet)
        {
            report.Append($"\na listed difference does not occur: {difference}\n");
        }

        return report.ToString();
    }

    private static async Task<IReadOnlyList<Answer>> AskAsync(Scenario scenario, ServerProgram program)
    {
        await using ServerProcess server = await ServerProcess.StartAsync(
            program, program == ServerProgram.Ours ? [.. scenario.Flags, .. scenario.OurFlags] : scenario.Flags, Session.Cancellation);
        using var session = new Session(Target.Of(server));
        try
        {
            return await scenario.RunAsync(session);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{program.Name}: {e.Message}\nlog:\n{string.Join('\n', server.Process.Lines)}", e);
        }
    }
}
