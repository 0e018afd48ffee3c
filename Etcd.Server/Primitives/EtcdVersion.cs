namespace Etcd.Server.Primitives;

/// <summary>The version of etcd whose interface is served; tools decide by it what they may send.</summary>
public static class EtcdVersion
{
    /// <summary>What Status, /version and --version say.</summary>
    public const string Server = "3.7.1";

    /// <summary>What members agree on as the cluster's version, and the storage's.</summary>
    public const string Cluster = "3.7.0";

    private static readonly Version FirstWithStorageVersion = new(3, 6);

    /// <summary>
    /// The version that a store says of itself: it follows the one that the members agreed on, and stores below 3.6 do not say one.
    /// </summary>
    /// <param name="clusterVersion">The version that the members agreed on; null if there is none.</param>
    /// <returns>The version; null if there is none.</returns>
    public static string? StorageOf(string? clusterVersion) =>
        Version.TryParse(clusterVersion, out Version? version) && version >= FirstWithStorageVersion
            ? $"{version.Major}.{version.Minor}.0"
            : null;
}
