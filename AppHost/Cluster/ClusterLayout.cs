using AppHost.Arguments;

namespace AppHost.Cluster;

/// <summary>One member: its name, its ports and its folder.</summary>
internal sealed record MemberLayout(string Name, int ClientPort, int PeerPort, string DataDirectory)
{
    public string ClientUrl => $"http://localhost:{ClientPort}";

    public string PeerUrl => $"http://localhost:{PeerPort}";
}

/// <summary>Which members a cluster has, on which ports, with data where. Two ports for each member, counted up from the base.</summary>
internal sealed record ClusterLayout(string Name, string DataDirectory, IReadOnlyList<MemberLayout> Members)
{
    private const int MemberCount = 1;
    private const int PortsPerMember = 2;

    /// <summary>What every member is told about the others: name=peer URL, comma-separated.</summary>
    public string InitialCluster => string.Join(',', Members.Select(m => $"{m.Name}={m.PeerUrl}"));

    public static ClusterLayout Create(AppHostArguments arguments, string appHostDirectory)
    {
        var data = Path.Combine(appHostDirectory, ".data", arguments.Cluster);
        var members = Enumerable.Range(0, MemberCount).Select(i =>
        {
            var name = $"etcd-{i}";
            var port = arguments.PortBase + (i * PortsPerMember);
            return new MemberLayout(name, port, port + 1, Path.Combine(data, name));
        });
        return new ClusterLayout(arguments.Cluster, data, [.. members]);
    }

    /// <summary>Deletes what the members stored. They must not run: take a <see cref="ClusterClaim"/> first.</summary>
    public void DeleteData()
    {
        foreach (var member in Members.Where(m => Directory.Exists(m.DataDirectory)))
        {
            Directory.Delete(member.DataDirectory, recursive: true);
        }
    }
}
