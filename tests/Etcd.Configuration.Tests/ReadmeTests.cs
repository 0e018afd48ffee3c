namespace Etcd.Configuration.Tests;

/// <summary>Goal: what the READMEs show compiles. Method: each of their code blocks stands in Examples.cs, but for the indentation.</summary>
public sealed class ReadmeTests
{
    [Theory]
    [InlineData("Etcd.Configuration/README.md", 7)]
    [InlineData("Etcd.Configuration.Hosting/README.md", 2)]
    public void Every_code_block_is_an_example_that_compiles(string readme, int atLeast)
    {
        string examples = Normalize(File.ReadAllText(Path.Combine(Repository.Root, "tests/Etcd.Configuration.Tests/Examples.cs")));
        string[] parts = File.ReadAllText(Path.Combine(Repository.Root, readme)).Split("```");
        string[] blocks = [.. parts
            .Where((_, i) => i % 2 == 1)
            .Where(part => part.StartsWith("csharp", StringComparison.Ordinal) && !part.Contains("Projects.", StringComparison.Ordinal))
            .Select(part => part["csharp".Length..])];

        Assert.True(blocks.Length >= atLeast);
        Assert.All(blocks, block => Assert.Contains(Normalize(block), examples, StringComparison.Ordinal));
    }

    private static string Normalize(string code) =>
        string.Join('\n', code.Split('\n').Select(line => line.Trim()).Where(line => line.Length != 0));
}
