using System.Globalization;
using AppHost.Arguments;

namespace AppHost.Cluster;

/// <summary>One member: its name, its ports and its folder.</summary>
internal sealed record MemberLayout(string Name, int ClientPort, int PeerPort, string DataDirectory)
{
    public string ClientUrl => $"http://localhost:{ClientPort}";

    public string PeerUrl => $"http://localhost:{PeerPort}";
}

/// <summary>Which members a cluster has, on which ports, with data where.</summary>
internal sealed record ClusterLayout(string Name, string DataDirectory, IReadOnlyList<MemberLayout> Members)
{
    private const string MemberPrefix = "etcd-";
    private const int PortsPerMember = 2;

    // As in etcd's own example of a local cluster, and on from there.
    private static readonly int[] s_usualPorts = [2379, 22379, 32379, 42379, 52379];

    /// <summary>What every member is told about the others: name=peer URL, comma-separated.</summary>
    public string InitialCluster => string.Join(',', Members.Select(m => $"{m.Name}={m.PeerUrl}"));

    /// <summary>How many members must be well for the cluster to be.</summary>
    public int Quorum => (Members.Count / 2) + 1;

    public static ClusterLayout Create(AppHostArguments arguments, string appHostDirectory)
    {
        var data = Path.Combine(appHostDirectory, ".data", arguments.Cluster);
        var members = Enumerable.Range(0, arguments.Members).Select(i =>
        {
            var name = MemberPrefix + i.ToString(CultureInfo.InvariantCulture);
            var port = arguments.PortBase is { } first ? first + (i * PortsPerMember) : s_usualPorts[i];
            return new MemberLayout(name, port, port + 1, Path.Combine(data, name));
        });
        return new ClusterLayout(arguments.Cluster, data, [.. members]);
    }

    /// <summary>The folders of all members that have stored something here, of this layout or of an earlier one.</summary>
    public IReadOnlyList<string> StoredMembers() => !Directory.Exists(DataDirectory)
        ? []
        : [.. Directory.EnumerateDirectories(DataDirectory, MemberPrefix + "*").Where(d => Directory.EnumerateFileSystemEntries(d).Any())];

    /// <summary>Deletes what members stored, those of an earlier layout too. None may run: take a <see cref="ClusterClaim"/> first.</summary>
    public void DeleteData()
    {
        foreach (var folder in StoredMembers())
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
