using System.Globalization;
using System.Text.RegularExpressions;
using Etcd.TestKit.Processes;
using Etcd.TestKit.Processes.Clusters;

namespace Etcd.Interop.Tests.Comparison.Steps;

/// <summary>
/// Tells the cluster by etcdctl of one more member, at the spare place, and names its id <c>$new</c>: it has the time of day in
/// it, and with it the order of members is chance.
/// </summary>
/// <param name="Options">Further options of <c>member add</c>.</param>
internal sealed partial record AddMember(string Options) : IStep
{
    public async Task RunAsync(Session session)
    {
        MemberPlace spare = session.Target.Spare!;
        string line = $"member add {spare.Name} --peer-urls={spare.PeerUrl} {Options}".TrimEnd();
        CommandResult result = null!;
        await session.Target.Cluster!.WaitUntilAsync("a member to be added", async () =>
        {
            // Members must have been connected for some seconds before a cluster counts as healthy enough to be changed.
            result = await EtcdCtl.RunAsync(session.Target.Endpoint, CommandLine.Split(line), Session.Cancellation);
            return !result.Stderr.Contains("etcdserver: unhealthy cluster", StringComparison.Ordinal);
        }, Session.Cancellation);
        string id = Added().Match(result.Stdout).Groups[1].Value;
        Assert.True(id.Length > 0, result.ToString());
        session.Name("new-in-decimal", ulong.Parse(id, NumberStyles.HexNumber, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture), "<new>");
        session.Name("new", id, "<new>");
        session.Add($"member add {Options}".TrimEnd(), AnswerLines.Of(result, session.Target).Select(Sort));
    }

    /// <summary>Sorts the members in <c>out: ETCD_INITIAL_CLUSTER="a=...,b=..."</c>.</summary>
    private static string Sort(string line)
    {
        const string Start = "out: ETCD_INITIAL_CLUSTER=\"";
        return line.StartsWith(Start, StringComparison.Ordinal)
            ? Start + string.Join(',', line[Start.Length..^1].Split(',').Order(StringComparer.Ordinal)) + "\""
            : line;
    }

    [GeneratedRegex("Member +([0-9a-f]+) added to cluster")]
    private static partial Regex Added();
}

/// <summary>Starts the member that <see cref="AddMember"/> told of, and waits until it has all that the leader has.</summary>
internal sealed record StartAddedMember : IStep
{
    public async Task RunAsync(Session session)
    {
        ServerCluster cluster = session.Target.Cluster!;
        ClusterMember added = cluster.Add(session.Target.Spare!);
        await added.LaunchAsync();
        await cluster.WaitUntilLevelAsync(Session.Cancellation);
    }
}

/// <summary>Waits until the member that was removed has stopped by itself.</summary>
/// <param name="Member">Its index.</param>
internal sealed record AwaitRemovedMember(int Member) : IStep
{
    public async Task RunAsync(Session session)
    {
        ClusterMember removed = session.Target.Cluster!.Members[Member];
        CommandResult result = await removed.Process.WaitForExitAsync(Session.Cancellation);
        session.Add($"member {Member} stops", [$"exit: {result.ExitCode}"]);
    }
}

/// <summary>Makes a member the leader, whoever was.</summary>
/// <param name="Member">Its index.</param>
internal sealed record Lead(int Member) : IStep
{
    public async Task RunAsync(Session session)
    {
        ServerCluster cluster = session.Target.Cluster!;
        ClusterMember wanted = cluster.Members[Member];
        ClusterMember leader = await cluster.WaitForLeaderAsync(Session.Cancellation);
        if (leader != wanted)
        {
            await EtcdCtl.RunAsync(leader.Place.Client, ["move-leader", Target.Hex(wanted.Id)], Session.Cancellation);
        }

        await cluster.WaitUntilAsync(
            $"{wanted.Name} to lead", async () => await cluster.WaitForLeaderAsync(Session.Cancellation) == wanted, Session.Cancellation);
    }
}
