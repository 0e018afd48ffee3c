using System.Reflection;
using Etcd.Behaviour.Asking;
using Etcd.Behaviour.Cases;
using Etcd.TestKit.Processes;

namespace Etcd.Behaviour.Tests;

/// <summary>
/// Goal: the finest of etcd's answers are this server's too. Method: one suite of conversations over raw gRPC, held against what is
/// written down in testdata, with three runners: one member of ours, three members of ours, the real etcd 3.5.16. The last shows that
/// what is written down is true: its answers must be the same after they were lifted to 3.7.1 by the known differences.
/// UPDATE_GOLDEN=1 writes down what the real etcd says; the change is then reviewed as a diff.
/// </summary>
public abstract class BehaviourTests(Runner runner)
{
    public static TheoryData<string> Names => [.. AllCases.List.Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Answers_are_as_written_down(string name)
    {
        if (runner is RealMember)
        {
            RealEtcd.Require();
        }

        Case it = AllCases.List.Single(c => c.Name == name);
        Asked server = await runner.ServerFor(it);
        await using Session session = await Session.BeginAsync(server, TestContext.Current.CancellationToken);
        var talk = new Talk(session);
        try
        {
            await it.RunAsync(talk);
        }
        catch (Exception e)
        {
            Assert.Fail($"after:\n{string.Join('\n', talk.Lines)}\n{e}\nlog:\n{server.Log}");
        }

        if (runner is RealMember)
        {
            Assert.Equal(it.Shows.Select(d => d.Name).Order(StringComparer.Ordinal), session.Differences.Order(StringComparer.Ordinal));
        }

        Golden.Check(name + ".txt", talk.Lines, mayWrite: runner is RealMember);
    }
}

public sealed class OneMemberTests(OneMember runner) : BehaviourTests(runner), IClassFixture<OneMember>;

public sealed class ThreeMemberTests(ThreeMembers runner) : BehaviourTests(runner), IClassFixture<ThreeMembers>
{
    [Fact]
    public void Every_known_difference_is_shown_by_a_case() =>
        Assert.Equal(
            KnownDifferences.All.Select(d => d.Name).Order(StringComparer.Ordinal),
            AllCases.List.SelectMany(c => c.Shows).Select(d => d.Name).Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public void Every_file_belongs_to_a_case() =>
        Assert.Equal(
            AllCases.List.Select(c => c.Name + ".txt").Order(StringComparer.Ordinal),
            Directory.EnumerateFiles(Golden.Folder).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
}

public sealed class RealMemberTests(RealMember runner) : BehaviourTests(runner), IClassFixture<RealMember>;

/// <summary>What is written down.</summary>
internal static class Golden
{
    public static string Folder { get; } = Path.Combine(AppContext.BaseDirectory, "testdata");

    /// <summary>Compares, or writes down if that is asked for and allowed.</summary>
    public static void Check(string file, IEnumerable<string> lines, bool mayWrite)
    {
        string actual = string.Concat(lines.Select(line => line + "\n"));
        if (mayWrite && Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(Path.Combine(Source(), file), actual);
            return;
        }

        string expected = File.ReadAllText(Path.Combine(Folder, file)).ReplaceLineEndings("\n");
        Assert.True(expected == actual, Difference(file, expected.Split('\n'), actual.Split('\n')));
    }

    /// <summary>The first lines that differ, with what came before them.</summary>
    private static string Difference(string file, string[] expected, string[] actual)
    {
        int at = 0;
        while (at < expected.Length && at < actual.Length && expected[at] == actual[at])
        {
            at++;
        }

        string[] Around(string[] lines) => [.. lines.Skip(Math.Max(0, at - 4)).Take(12)];
        return $"{file}, line {at + 1}; written down:\n{string.Join('\n', Around(expected))}\nanswered:\n{string.Join('\n', Around(actual))}";
    }

    private static string Source() => Path.Combine(
        typeof(Golden).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(a => a.Key == "RepositoryRoot").Value!,
        "tests",
        "Etcd.Behaviour",
        "testdata");
}
