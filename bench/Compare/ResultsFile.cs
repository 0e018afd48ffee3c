namespace Etcd.Bench.Compare;

/// <summary>
/// Where reports are kept. The file of the clusters has a section for each command, so that one of them can be measured anew.
/// </summary>
internal static class ResultsFile
{
    private const string Title = "# Clusters beside the real etcd\n\nWritten by `bench`; each section says by which command.\n";

    public static string PathOf(int members) =>
        Path.Combine(Repository.Root, "bench", members == 1 ? "RESULTS.md" : "RESULTS-cluster.md");

    /// <summary>Where the figures of watches are kept.</summary>
    public static string OfWatches => Path.Combine(Repository.Root, "bench", "RESULTS-watch.md");

    /// <summary>Writes a report: over the whole file, or in its section's place.</summary>
    /// <param name="path">The file.</param>
    /// <param name="section">The section; null for the whole.</param>
    /// <param name="text">The report.</param>
    /// <param name="title">What a new file of sections begins with; null for that of the clusters.</param>
    public static void Write(string path, string? section, string text, string? title = null) =>
        File.WriteAllText(path, section is null ? text : WithSection(File.Exists(path) ? File.ReadAllText(path) : title ?? Title, section, text));

    /// <summary>The file with that section put in, in the place of an earlier one or at the end.</summary>
    public static string WithSection(string file, string section, string text)
    {
        string begin = $"<!-- {section} -->\n", end = $"<!-- end of {section} -->\n";
        string whole = begin + text.TrimEnd() + "\n\n" + end;
        int from = file.IndexOf(begin, StringComparison.Ordinal);
        int to = file.IndexOf(end, StringComparison.Ordinal);
        return from >= 0 && to > from
            ? file[..from] + whole + file[(to + end.Length)..]
            : file.TrimEnd() + "\n\n" + whole;
    }
}
