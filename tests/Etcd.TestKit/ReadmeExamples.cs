using Xunit;

namespace Etcd.TestKit;

/// <summary>What READMEs show must compile: each of their C# blocks stands, but for the indentation, in a file that is compiled.</summary>
public static class ReadmeExamples
{
    private const string Language = "csharp";

    /// <summary>Looks for every C# block of a README in a source file.</summary>
    /// <param name="readme">The README, from the repository's root on.</param>
    /// <param name="source">The source file, from there on.</param>
    /// <param name="least">How many blocks there are at least, so that none being found is no success.</param>
    /// <param name="ignore">Blocks with this text are left out: what they show is the work of a generator that the tests have not got.</param>
    public static void AssertCompiled(string readme, string source, int least, string? ignore = null)
    {
        string examples = Normalize(File.ReadAllText(Path.Combine(Repository.Root, source)));
        string[] blocks = [.. File.ReadAllText(Path.Combine(Repository.Root, readme)).Split("```")
            .Where((part, i) => i % 2 == 1 && part.StartsWith(Language, StringComparison.Ordinal))
            .Where(part => ignore is null || !part.Contains(ignore, StringComparison.Ordinal))
            .Select(part => part[Language.Length..])];

        Assert.True(blocks.Length >= least, $"{readme} has {blocks.Length} blocks of C#");
        Assert.All(blocks, block => Assert.Contains(Normalize(block), examples, StringComparison.Ordinal));
    }

    private static string Normalize(string code) =>
        string.Join('\n', code.Split('\n').Select(line => line.Trim()).Where(line => line.Length != 0));
}
