using System.Globalization;
using System.Text.RegularExpressions;
using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Comparison.Steps;

/// <summary>
/// Grants a lease by etcdctl and names its id, <c>$name</c> in hex and <c>$dec-name</c> in decimal. The server chooses
/// the id; its first two bytes are the member's last two, and are compared.
/// </summary>
internal sealed partial record GrantLease(string Name, long Ttl) : IStep
{
    /// <summary>Which member of a cluster is asked; null for the first.</summary>
    public int? At { get; init; }

    /// <summary>What etcdctl writes.</summary>
    public string Format { get; init; } = "simple";

    public async Task RunAsync(Session session)
    {
        string line = Format == "simple" ? $"lease grant {Ttl}" : $"lease grant {Ttl} -w {Format}";
        CommandResult result = await EtcdCtl.RunAsync(session.Target.EndpointOf(At), CommandLine.Split(line), Session.Cancellation);
        Match granted = Granted().Match(result.Stdout);
        Assert.True(granted.Success, result.ToString());
        string id = granted.Groups["hex"].Success
            ? granted.Groups["hex"].Value
            : long.Parse(granted.Groups["decimal"].Value, CultureInfo.InvariantCulture).ToString("x16", CultureInfo.InvariantCulture);
        session.Name("dec-" + Name, long.Parse(id, NumberStyles.HexNumber, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture), $"<{Name} in decimal>");
        session.Name(Name, id, $"<{id[..4]}... {Name}>");
        session.Add(line, AnswerLines.Of(result, session.Target));
    }

    [GeneratedRegex("lease (?<hex>[0-9a-f]{16}) granted|\"ID\"(?: :|:)(?<decimal> ?[0-9]+)|\"ID\": ?(?<decimal>[0-9]+)")]
    private static partial Regex Granted();
}
