namespace AppHost.Cluster;

/// <summary>
/// The file in a cluster's data folder that says what its members were told about each other when they were new. They keep
/// to that for good (flags are read by an empty member only), so with other members or ports the cluster would never come up,
/// and nothing would say why.
/// </summary>
internal static class ClusterRecord
{
    private const string FileName = "initial-cluster";

    /// <summary>
    /// Says what is wrong with starting this layout on the data that is there, or notes the layout and returns null. Call it after
    /// data that is to be fresh is deleted.
    /// </summary>
    public static string? Check(ClusterLayout cluster)
    {
        var file = Path.Combine(cluster.DataDirectory, FileName);
        var stored = cluster.StoredMembers().Count;
        if (stored > 0)
        {
            var recorded = File.Exists(file) ? File.ReadAllText(file).Trim() : null;
            return Describe(cluster, recorded, recorded?.Split(',').Length ?? stored);
        }

        Directory.CreateDirectory(cluster.DataDirectory);
        File.WriteAllText(file, cluster.InitialCluster + Environment.NewLine);
        return null;
    }

    private static string? Describe(ClusterLayout cluster, string? recorded, int recordedMembers)
    {
        if (recordedMembers != cluster.Members.Count)
        {
            return $"""
                The data of the cluster '{cluster.Name}' is that of {Count(recordedMembers)} and cannot be started with {Count(cluster.Members.Count)}:
                  {cluster.DataDirectory}
                Start it as it was made (--members {recordedMembers}), delete its data (--fresh), or start another beside it (--cluster {cluster.Name}{cluster.Members.Count}).
                """;
        }

        // A lone member talks to nobody: it may move.
        return cluster.Members.Count == 1 || recorded is null || recorded == cluster.InitialCluster
            ? null
            : $"""
                The members of the cluster '{cluster.Name}' know each other by other ports than those that they are to be started on:
                  {recorded}
                Start it on those{PortBaseOf(recorded)}, delete its data (--fresh), or start another beside it (--cluster {cluster.Name}2).
                """;
    }

    private static string Count(int members) => members == 1 ? "1 member" : $"{members} members";

    /// <summary>From <c>etcd-0=http://localhost:2380,...</c> the option that means those ports.</summary>
    private static string PortBaseOf(string recorded)
    {
        var ports = recorded.Split(',').Select(m => int.TryParse(m[(m.LastIndexOf(':') + 1)..], out var port) ? port : 0).ToArray();
        return ports.Length > 1 && ports[1] == ports[0] + 2 ? $" (--port-base {ports[0] - 1})" : " (without --port-base)";
    }
}
