using System.Diagnostics;
using System.Globalization;
using System.Reflection;

namespace Etcd.Simulation.Runs;

/// <summary>The record of ranges of seeds that were run: docs/consistency.md.</summary>
internal static class ConsistencyLedger
{
    /// <summary>Adds a line.</summary>
    public static void Append(ulong from, int count, TimeSpan simulated, IReadOnlyList<RunResult> failures)
    {
        string root = typeof(ConsistencyLedger).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .First(static a => a.Key == "RepositoryRoot").Value!;
        string findings = failures.Count == 0
            ? "none"
            : string.Join("; ", failures.OrderBy(static f => f.Seed).Take(5).Select(static f => $"seed {f.Seed}: {f.Failure!.Checker}")) + (failures.Count > 5 ? $"; {failures.Count} in all" : "");
        string path = Path.Combine(root, "docs", "consistency.md");
        string line = string.Create(
            CultureInfo.InvariantCulture,
            $"| {DateTime.UtcNow:yyyy-MM-dd} | {Commit(root)} | {from} to {from + (ulong)count - 1} | {simulated.TotalHours:F1} | {findings} |\n");
        File.AppendAllText(path, line);
    }

    private static string Commit(string root)
    {
        try
        {
            using Process git = Process.Start(new ProcessStartInfo("git", ["-C", root, "describe", "--always", "--dirty"]) { RedirectStandardOutput = true })!;
            string said = git.StandardOutput.ReadToEnd().Trim();
            git.WaitForExit();
            return said.Length == 0 ? "?" : said;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "?";
        }
    }
}
