using System.Text.RegularExpressions;
using Etcd.TestKit;

namespace Etcd.Client.Tests;

/// <summary>Goal: the table of features names tests that exist, and one at least for each feature that it claims.</summary>
public sealed partial class FeatureTableTests
{
    [Fact]
    public void Each_claim_names_tests_that_exist()
    {
        string[] rows = [.. File.ReadLines(Path.Combine(Repository.Root, "docs", "client-features.md")).Where(line => line.StartsWith('|')).Skip(2)];
        HashSet<string> tests = FindTests();

        Assert.True(rows.Length > 30);
        Assert.All(rows, row =>
        {
            string[] cells = row.Split('|');
            string[] named = [.. Quoted().Matches(cells[3]).Select(match => match.Groups[1].Value)];
            Assert.Equal(cells[2].Trim().StartsWith("yes", StringComparison.Ordinal), named.Length != 0);
            Assert.All(named, name => Assert.Contains(name, tests));
        });
    }

    private static HashSet<string> FindTests()
    {
        var tests = new HashSet<string>();
        foreach (string project in (string[])["Etcd.Client.Tests", "Etcd.Interop.Tests"])
        {
            foreach (string file in Directory.EnumerateFiles(Path.Combine(Repository.Root, "tests", project), "*.cs", SearchOption.AllDirectories))
            {
                string source = File.ReadAllText(file);
                tests.UnionWith(Method().Matches(source).Select(match => $"{Path.GetFileNameWithoutExtension(file)}.{match.Groups[1].Value}"));
            }
        }

        return tests;
    }

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"\[(?:Fact|Theory)[^\n]*\n(?:\s*\[[^\n]*\n)*\s*public (?:async )?(?:Task|void) (\w+)\(")]
    private static partial Regex Method();
}
