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

    public async Task RunAsync(Session session)
    {
        string line = $"lease grant {Ttl}";
        CommandResult result = await EtcdCtl.RunAsync(session.Target.EndpointOf(At), CommandLine.Split(line), Session.Cancellation);
        string id = Granted().Match(result.Stdout).Groups[1].Value;
        Assert.True(id.Length > 0, result.ToString());
        session.Name("dec-" + Name, long.Parse(id, NumberStyles.HexNumber, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture), $"<{Name} in decimal>");
        session.Name(Name, id, $"<{id[..4]}... {Name}>");
        session.Add(line, AnswerLines.Of(result, session.Target));
    }

    [GeneratedRegex("lease ([0-9a-f]{16}) granted")]
    private static partial Regex Granted();
}
