namespace Etcd.Client.Tests;

/// <summary>Goal: what the README shows compiles. Method: each of its code blocks stands in Examples.cs, but for the indentation.</summary>
public sealed class ReadmeTests
{
    [Theory]
    [InlineData("Etcd.Client", 5)]
    [InlineData("Etcd.Client.Hosting", 3)]
    public void Every_code_block_is_an_example_that_compiles(string package, int least)
    {
        string root = Repository.Root;
        string examples = Normalize(File.ReadAllText(Path.Combine(root, "tests/Etcd.Client.Tests/Examples.cs")));
        string[] parts = File.ReadAllText(Path.Combine(root, package, "README.md")).Split("```");
        string[] blocks = [.. parts.Where((_, i) => i % 2 == 1).Where(part => part.StartsWith("csharp", StringComparison.Ordinal)).Select(part => part["csharp".Length..])];

        Assert.True(blocks.Length >= least);
        Assert.All(blocks, block => Assert.Contains(Normalize(block), examples, StringComparison.Ordinal));
    }

    private static string Normalize(string code) =>
        string.Join('\n', code.Split('\n').Select(line => line.Trim()).Where(line => line.Length != 0));
}
