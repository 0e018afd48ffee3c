using System.Globalization;

namespace Etcd.Server.Primitives;

/// <summary>
/// The version of etcd that this member claims to be towards other members, so that it can be one of an older cluster. Immutable.
/// </summary>
public sealed record ClaimedVersion
{
    /// <summary>The oldest cluster that any of these versions can join (X-Min-Cluster-Version).</summary>
    public const string MinCluster = "3.0.0";

    private ClaimedVersion(string server, bool hasStorageVersion)
    {
        Server = server;
        Cluster = Number(server)!.ToString(2) + ".0";
        Storage = hasStorageVersion ? Cluster : null;
    }

    /// <summary>3.5: clusters of that version accept it.</summary>
    public static ClaimedVersion V35 { get; } = new("3.5.16", hasStorageVersion: false);

    /// <summary>3.6.</summary>
    public static ClaimedVersion V36 { get; } = new("3.6.13", hasStorageVersion: true);

    /// <summary>3.7, the version whose interface is served.</summary>
    public static ClaimedVersion V37 { get; } = new(EtcdVersion.Server, hasStorageVersion: true);

    /// <summary>The full version, such as "3.7.1".</summary>
    public string Server { get; }

    /// <summary>The highest cluster version that it can agree on, such as "3.7.0".</summary>
    public string Cluster { get; }

    /// <summary>The version of the storage's schema; null where that version has no such thing (3.5).</summary>
    public string? Storage { get; }

    /// <summary>Finds one by major and minor number.</summary>
    /// <param name="text">"3.5", "3.6" or "3.7".</param>
    /// <exception cref="FormatException">It is none of these.</exception>
    public static ClaimedVersion Parse(string text) => text switch
    {
        "3.5" => V35,
        "3.6" => V36,
        "3.7" => V37,
        _ => throw new FormatException($"unknown version \"{text}\": it must be 3.5, 3.6 or 3.7"),
    };

    /// <summary>Major and minor number of a version text such as "3.8.0-alpha.0"; null if it is none.</summary>
    /// <param name="text">The text.</param>
    public static Version? Number(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Split('.', 3);
        return parts.Length == 3
            && ushort.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out ushort major)
            && ushort.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out ushort minor)
            ? new Version(major, minor)
            : null;
    }

    /// <inheritdoc/>
    public override string ToString() => Server;
}
