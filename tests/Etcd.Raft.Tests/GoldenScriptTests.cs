using Etcd.Raft.Tests.Interaction;
using Etcd.TestKit;

namespace Etcd.Raft.Tests;

/// <summary>
/// Scenarios as scripts whose full trace is the expected output, in testdata (README.md there has the language). With
/// UPDATE_GOLDEN=1 in the environment the files are rewritten with what happens now; the difference is then to be read.
/// </summary>
public sealed class GoldenScriptTests
{
    private static readonly string Folder = Path.Combine(Repository.Root, "tests", "Etcd.Raft.Tests", "testdata");

    public static TheoryData<string> Scripts =>
        [.. Directory.GetFiles(Folder, "*.txt").Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Scripts))]
    public void AScriptHappensAsItIsWritten(string name)
    {
        string file = Path.Combine(Folder, name);
        string written = File.ReadAllText(file);
        string happened = new Script(written).Run(new Cluster().Execute);
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(file, happened);
            return;
        }

        Assert.Equal(written, happened);
    }
}
