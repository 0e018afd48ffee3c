using System.Reflection;

namespace Etcd.Protocol.Tests;

/// <summary>
/// Compares text with a file of testdata. With UPDATE_GOLDEN=1 the file is rewritten instead: the change is then
/// reviewed as a diff.
/// </summary>
internal static class Golden
{
    public static void Check(string file, IEnumerable<string> lines)
    {
        var actual = string.Concat(lines.Select(line => line + "\n"));
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(Path.Combine(SourceFolder(), file), actual);
            return;
        }

        var expected = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "testdata", file)).ReplaceLineEndings("\n");
        Assert.Equal(expected, actual);
    }

    private static string SourceFolder() => typeof(Golden).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key == "TestDataSource").Value!;
}
