using System.Globalization;
using Xunit;

namespace Etcd.TestKit.Processes.Clusters;

/// <summary>
/// A host of its own for each member: a network namespace with one cable to the other members and another one to the clients,
/// that is to this process. The first can be pulled out, and the member is cut off from its peers while clients still reach
/// it. Needs root and iproute2: tests call <see cref="RequireAsync"/> first. The disposal removes all that was made.
/// </summary>
public sealed class MemberNetwork : IAsyncDisposable
{
    private const int ClientPort = 2379;
    private const int PeerPort = 2380;

    // 198.18.0.0/15 is set aside for tests of networks (RFC 2544): nobody's real addresses.
    private const string PeerNet = "198.18";
    private const string ClientNet = "198.19";

    private const string Prefix = "et";

    private static readonly SemaphoreSlim Turn = new(1, 1);

    private readonly string _prefix;
    private readonly int _subnet;
    private readonly int _members;

    private MemberNetwork(int members)
    {
        _members = members;
        _prefix = Prefix + Number(Environment.ProcessId);
        _subnet = Environment.ProcessId % 250;
    }

    /// <summary>The members' places.</summary>
    public IReadOnlyList<MemberPlace> Places =>
        [.. Enumerable.Range(0, _members).Select(i => new MemberPlace(
            $"etcd-{i}", $"{Address(ClientNet, i)}:{ClientPort}", $"{Address(PeerNet, i)}:{PeerPort}", Namespace(i)))];

    /// <summary>Where namespaces cannot be made, ends the calling test: skipped, or failed if ETCD_INTEROP is "required".</summary>
    public static async Task RequireAsync(CancellationToken cancellation)
    {
        if (await WhatIsMissingAsync(cancellation) is not { } missing)
        {
            return;
        }

        Assert.SkipUnless(Environment.GetEnvironmentVariable("ETCD_INTEROP") == "required", missing);
        Assert.Fail(missing);
    }

    /// <summary>Makes the network. One at a time exists in a process.</summary>
    public static async Task<MemberNetwork> CreateAsync(int members, CancellationToken cancellation)
    {
        await Turn.WaitAsync(cancellation);
        var network = new MemberNetwork(members);
        try
        {
            await RemoveAsync(IsLeftOver, cancellation);
            await network.BuildAsync(cancellation);
            return network;
        }
        catch
        {
            await network.DisposeAsync();
            throw;
        }
    }

    /// <summary>Pulls the member's cable to its peers out.</summary>
    public Task CutAsync(int member, CancellationToken cancellation) => IpAsync($"link set {Cable('p', member)} down", cancellation);

    /// <summary>Puts it back in.</summary>
    public Task HealAsync(int member, CancellationToken cancellation) => IpAsync($"link set {Cable('p', member)} up", cancellation);

    public async ValueTask DisposeAsync()
    {
        await RemoveAsync(name => name.StartsWith(_prefix, StringComparison.Ordinal), CancellationToken.None);
        Turn.Release();
    }

    private static async Task<string?> WhatIsMissingAsync(CancellationToken cancellation)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
        {
            return "network namespaces need root: run the tests with sudo";
        }

        string probe = $"{Prefix}{Number(Environment.ProcessId)}t";
        try
        {
            CommandResult made = await RunAsync(["netns", "add", probe], "", cancellation);
            await RunAsync(["netns", "del", probe], "", cancellation);
            return made.ExitCode == 0 ? null : $"network namespaces are not allowed here: {made.Output.Trim()}";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "iproute2 is missing: run apt-get install -y iproute2";
        }
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static Task<CommandResult> RunAsync(IEnumerable<string> arguments, string input, CancellationToken cancellation) =>
        CapturedProcess.RunAsync("ip", arguments, input: input, cancellation: cancellation);

    private static async Task IpAsync(string lines, CancellationToken cancellation)
    {
        CommandResult result = await RunAsync(["-batch", "-"], lines + "\n", cancellation);
        Assert.True(result.ExitCode == 0, $"ip -batch:\n{lines}\n{result}");
    }

    private async Task BuildAsync(CancellationToken cancellation)
    {
        var lines = new List<string>();
        foreach ((char kind, string net) in new[] { ('p', PeerNet), ('c', ClientNet) })
        {
            lines.Add($"link add {Bridge(kind)} type bridge");
            lines.Add($"link set {Bridge(kind)} up");
        }

        lines.Add($"addr add {ClientNet}.{Number(_subnet)}.254/24 dev {Bridge('c')}");
        for (int i = 0; i < _members; i++)
        {
            lines.Add($"netns add {Namespace(i)}");
            lines.AddRange(Connect('p', PeerNet, i));
            lines.AddRange(Connect('c', ClientNet, i));
        }

        await IpAsync(string.Join('\n', lines), cancellation);
        for (int i = 0; i < _members; i++)
        {
            string inside = $"link set lo up\naddr add {Address(PeerNet, i)}/24 dev peers\nlink set peers up\n"
                + $"addr add {Address(ClientNet, i)}/24 dev clients\nlink set clients up\n";
            CommandResult result = await RunAsync(["-n", Namespace(i), "-batch", "-"], inside, cancellation);
            Assert.True(result.ExitCode == 0, $"ip -n {Namespace(i)} -batch:\n{inside}\n{result}");
        }
    }

    private IEnumerable<string> Connect(char kind, string net, int member) =>
    [
        $"link add {Cable(kind, member)} type veth peer name {(net == PeerNet ? "peers" : "clients")} netns {Namespace(member)}",
        $"link set {Cable(kind, member)} master {Bridge(kind)} up",
    ];

    private static async Task RemoveAsync(Func<string, bool> isIt, CancellationToken cancellation)
    {
        // A namespace takes the cables that end in it along.
        foreach (string name in Names("/run/netns").Where(isIt))
        {
            await RunAsync(["netns", "del", name], "", cancellation);
        }

        foreach (string name in Names("/sys/class/net").Where(isIt))
        {
            await RunAsync(["link", "del", name], "", cancellation);
        }
    }

    private static string[] Names(string folder) =>
        Directory.Exists(folder) ? [.. Directory.EnumerateFileSystemEntries(folder).Select(e => Path.GetFileName(e))] : [];

    /// <summary>Whether it is what a process left that was killed: the name holds the process's id.</summary>
    private static bool IsLeftOver(string name) =>
        name.StartsWith(Prefix, StringComparison.Ordinal)
        && name[Prefix.Length..].TakeWhile(char.IsAsciiDigit).ToArray() is { Length: > 0 } digits
        && !Directory.Exists($"/proc/{new string(digits)}");

    private string Namespace(int member) => $"{_prefix}n{Number(member)}";

    // Names of links have at most 15 characters.
    private string Bridge(char kind) => $"{_prefix}b{kind}";

    private string Cable(char kind, int member) => $"{_prefix}{kind}{Number(member)}";

    private string Address(string net, int member) => $"{net}.{Number(_subnet)}.{Number(member + 1)}";
}
