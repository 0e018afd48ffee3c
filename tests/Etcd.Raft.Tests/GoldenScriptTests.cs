using Etcd.Raft.Tests.Interaction;

namespace Etcd.Raft.Tests;

/// <summary>
/// Scenarios as scripts whose full trace is the expected output, in testdata (README.md there has the language). With
/// UPDATE_GOLDEN=1 in the environment the files are rewritten with what happens now; the difference is then to be read.
/// </summary>
public sealed class GoldenScriptTests
{
    public static TheoryData<string> Scripts =>
        [.. Directory.GetFiles(Folder(), "*.txt").Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Scripts))]
    public void AScriptHappensAsItIsWritten(string name)
    {
        string file = Path.Combine(Folder(), name);
        string written = File.ReadAllText(file);
        string happened = new Script(written).Run(new Cluster().Execute);
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(file, happened);
            return;
        }

        Assert.Equal(written, happened);
    }

    private static string Folder()
    {
        string? root = AppContext.BaseDirectory;
        while (root is not null && !File.Exists(Path.Combine(root, "Etcd.Aspire.sln")))
        {
            root = Path.GetDirectoryName(root);
        }

        return Path.Combine(root ?? throw new DirectoryNotFoundException("the repository is not above the tests"), "tests", "Etcd.Raft.Tests", "testdata");
    }
}
