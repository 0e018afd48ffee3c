namespace Etcd.Client.Tests;

/// <summary>Goal: what the README shows compiles. Method: each of its code blocks stands in Examples.cs, but for the indentation.</summary>
public sealed class ReadmeTests
{
    [Fact]
    public void Every_code_block_is_an_example_that_compiles()
    {
        string root = FindRoot();
        string examples = Normalize(File.ReadAllText(Path.Combine(root, "tests/Etcd.Client.Tests/Examples.cs")));
        string[] parts = File.ReadAllText(Path.Combine(root, "Etcd.Client/README.md")).Split("```");
        string[] blocks = [.. parts.Where((_, i) => i % 2 == 1).Where(part => part.StartsWith("csharp", StringComparison.Ordinal)).Select(part => part["csharp".Length..])];

        Assert.True(blocks.Length > 5);
        Assert.All(blocks, block => Assert.Contains(Normalize(block), examples, StringComparison.Ordinal));
    }

    private static string Normalize(string code) =>
        string.Join('\n', code.Split('\n').Select(line => line.Trim()).Where(line => line.Length != 0));

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Etcd.Aspire.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new InvalidOperationException("the tests do not run inside of the repository");
    }
}
