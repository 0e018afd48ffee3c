using System.Text.RegularExpressions;
using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Comparison.Steps;

/// <summary>
/// Saves a snapshot by etcdctl, has its status told in each format, restores it, and does each wrongly. What the file's bytes decide, its
/// hash, its size and how many records it has in all buckets, is not compared here; Snapshots/SnapshotInteropTests holds the content.
/// </summary>
internal sealed partial record SnapshotFile : IStep
{
    public async Task RunAsync(Session session)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("etcdctl-snapshot-");
        try
        {
            string file = Path.Combine(folder.FullName, "saved.db");
            foreach (string line in new[]
            {
                $"snapshot save {file}", $"snapshot save {file} -w json", "snapshot save", $"snapshot save {folder.FullName}/none/saved.db",
                $"snapshot status {file}", $"snapshot status {file} -w json", $"snapshot status {file} -w fields", $"snapshot status {file} -w table",
                "snapshot status", $"snapshot status {file}-none",
                $"snapshot restore {file} --data-dir {folder.FullName}/restored", $"snapshot restore {file} --data-dir {folder.FullName}/restored",
                "snapshot restore",
            })
            {
                CommandResult result = await EtcdCtl.RunAsync(session.Target.Endpoint, CommandLine.Split(line), Session.Cancellation);
                session.Add(
                    line.Replace(folder.FullName, "<folder>", StringComparison.Ordinal),
                    AnswerLines.Of(result, session.Target).Select(l => Hide(l, folder.FullName)).Where(l => !IsOfTheRun().IsMatch(l)));
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Hide(string line, string folder)
    {
        line = line.Replace(folder, "<folder>", StringComparison.Ordinal);
        line = OfTheBytes().Replace(line, "$1<of the bytes>");
        line = Columns().Replace(line, "$1<hash>$2<records>");
        return Time().Replace(line, "<time>");
    }

    // How long it took, in words; a stack of Go's.
    [GeneratedRegex("^err: (took|stack|goroutine|\\t) ?")]
    private static partial Regex IsOfTheRun();

    [GeneratedRegex("((?:hash|totalKey|totalSize) = |\"(?:Hash|Keys|Size)\" : )[0-9]+")]
    private static partial Regex OfTheBytes();

    // "5ad7c1b2, 4, 12, <size>" and "| 5ad7c1b2 | 4 | 12 | <size> |".
    [GeneratedRegex("^(out: (?:\\| )?)[0-9a-f]+((?:,| \\|) [0-9]+(?:,| \\|) )[0-9]+")]
    private static partial Regex Columns();

    [GeneratedRegex("[0-9-]+T[0-9:]+Z")]
    private static partial Regex Time();
}
