using System.Text.Json;
using System.Text.RegularExpressions;
using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Comparison;

/// <summary>
/// Turns what a program printed into lines to compare: JSON into a line per field (<c>out: kvs[0].key = "YQ=="</c>), other
/// text as it is. What depends on the run and not on the server's behaviour is replaced by a name: the endpoint's port,
/// times taken and left, the size of the database, the addresses in a client's own log, leases in keys of locks.
/// </summary>
internal static partial class AnswerLines
{
    /// <summary>The lines of a command's end.</summary>
    public static IReadOnlyList<string> Of(CommandResult result, Target target) =>
    [
        $"exit: {result.ExitCode}",
        .. Of("out", Split(result.Stdout), target),
        .. Of("err", Split(result.Stderr), target),
    ];

    /// <summary>The lines of an output.</summary>
    public static IEnumerable<string> Of(string name, IEnumerable<string> output, Target target) =>
        WithoutRetries(output).SelectMany(FieldsOrText).Where(l => !IsOfTheRun().IsMatch(l)).Select(l => $"{name}: {Normalize(l, target)}");

    /// <summary>The fields of a JSON value, in its order.</summary>
    public static IEnumerable<string> Fields(JsonElement json, string path = "") => json.ValueKind switch
    {
        JsonValueKind.Object => json.EnumerateObject().SelectMany(p => Fields(p.Value, path.Length == 0 ? p.Name : $"{path}.{p.Name}")),
        JsonValueKind.Array => json.EnumerateArray().SelectMany((item, i) => Fields(item, $"{path}[{i}]")),
        _ => [$"{path} = {json.GetRawText()}"],
    };

    /// <summary>How often a client has tried again is its own business: of such lines one is kept.</summary>
    private static IEnumerable<string> WithoutRetries(IEnumerable<string> output)
    {
        bool told = false;
        foreach (string line in output)
        {
            bool tells = line.Contains("retrying of unary invoker failed", StringComparison.Ordinal);
            if (!(tells && told))
            {
                yield return line;
            }

            told |= tells;
        }
    }

    private static string[] Split(string text) => text.Length == 0 ? [] : text.TrimEnd('\n').Split('\n');

    private static IEnumerable<string> FieldsOrText(string line)
    {
        if (!line.StartsWith('{') && !line.StartsWith("[{", StringComparison.Ordinal))
        {
            return [line];
        }

        try
        {
            using JsonDocument json = JsonDocument.Parse(line);
            return [.. Fields(json.RootElement)];
        }
        catch (JsonException)
        {
            return [line];
        }
    }

    private static string Normalize(string line, Target target)
    {
        line = target.Hide(line);
        line = Took().Replace(line, "$1<time>");
        line = TimeLeft().Replace(line, "$1<seconds>");
        line = SizeText().Replace(Size().Replace(line, "$1<size>"), "<size>");
        line = LeaseInKey().Replace(target.Cluster is null ? line : HideElections(line), "/<lease>");
        if (line.StartsWith('+') || line.StartsWith('|'))
        {
            // Tables are as wide as what was replaced.
            line = Widths().Replace(TimeCell().Replace(line, "<time>"), "$1");
        }

        return line;
    }

    /// <summary>How often a cluster elected a leader, and with it the length of its log, is chance.</summary>
    private static string HideElections(string line)
    {
        line = RaftField().Replace(line, "$1<raft>");
        return RaftColumns().Replace(line, "$1<raft>$2<raft>$3<raft>$4");
    }

    [GeneratedRegex("((?:raft_term|raftTerm|raftIndex|raftAppliedIndex) = |\"(?:RaftTerm|RaftIndex|RaftAppliedIndex)\" : )[0-9]+")]
    private static partial Regex RaftField();

    // Learner, term, index, applied index: "false, 2, 8, 8, " and "| false | 2 | 8 | 8 |".
    [GeneratedRegex("((?:true|false)(?:, | +\\| +))[0-9]+(, | +\\| +)[0-9]+(, | +\\| +)[0-9]+(, | +\\|)")]
    private static partial Regex RaftColumns();

    [GeneratedRegex("/[0-9a-f]{12,16}\\b")]
    private static partial Regex LeaseInKey();

    [GeneratedRegex("^(ts|caller|target) = ")]
    private static partial Regex IsOfTheRun();

    [GeneratedRegex("(took[\" ]+[:=] \"?)[0-9.]+[mµn]?s")]
    private static partial Regex Took();

    [GeneratedRegex("(remaining\\(|^ttl = |^\"TTL\" : )[0-9]+")]
    private static partial Regex TimeLeft();

    [GeneratedRegex("(dbSize(?:InUse)? = |\"DBSize(?:InUse)?\" : )[0-9]+")]
    private static partial Regex Size();

    [GeneratedRegex("\\b[0-9.]+ [kMG]?B\\b")]
    private static partial Regex SizeText();

    [GeneratedRegex("\\b[0-9.]+[mµn]?s\\b")]
    private static partial Regex TimeCell();

    [GeneratedRegex("([- ])\\1+")]
    private static partial Regex Widths();
}
