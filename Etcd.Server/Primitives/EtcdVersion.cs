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

/// <summary>What a member says it is, so that members and tools of an older etcd take it for one of theirs (--claimed-version).</summary>
/// <param name="Server">The member's version.</param>
/// <param name="Cluster">The version that it proposes for the cluster.</param>
public sealed record ClaimedVersion(string Server, string Cluster)
{
    /// <summary>What is served in truth.</summary>
    public static ClaimedVersion Own { get; } = new(EtcdVersion.Server, EtcdVersion.Cluster);

    /// <summary>Parses "3.5", "3.6" or "3.7".</summary>
    /// <param name="text">The text.</param>
    /// <exception cref="FormatException">It is none of them.</exception>
    public static ClaimedVersion Parse(string text) => text switch
    {
        "3.7" => Own,
        "3.6" => new("3.6.0", "3.6.0"),
        "3.5" => new("3.5.0", "3.5.0"),
        _ => throw new FormatException("it is none of 3.5, 3.6 and 3.7"),
    };
}
