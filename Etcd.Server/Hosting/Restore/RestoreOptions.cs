using System.Globalization;
using Etcd.Server.Hosting.Flags;

namespace Etcd.Server.Hosting.Restore;

/// <summary>What <c>snapshot restore FILE</c> is told; flags and defaults are etcdutl's.</summary>
internal sealed record RestoreOptions
{
    /// <summary>The snapshot's file.</summary>
    public string File { get; init; } = "";

    /// <summary>The folder to make (--data-dir).</summary>
    public string DataDir { get; init; } = "";

    /// <summary>The log's folder, if it is not in the data folder (--wal-dir).</summary>
    public string WalDir { get; init; } = "";

    /// <summary>The member's name (--name).</summary>
    public string Name { get; init; } = "default";

    /// <summary>The members of the new cluster (--initial-cluster).</summary>
    public string InitialCluster { get; init; } = "default=http://localhost:2380";

    /// <summary>What makes its ids differ from other clusters' (--initial-cluster-token).</summary>
    public string InitialClusterToken { get; init; } = "etcd-cluster";

    /// <summary>This member's peer URLs (--initial-advertise-peer-urls).</summary>
    public string InitialAdvertisePeerUrls { get; init; } = "http://localhost:2380";

    /// <summary>Whether a snapshot without a hash, or with another one, is taken too (--skip-hash-check).</summary>
    public bool SkipHashCheck { get; init; }

    /// <summary>How much the revision is raised (--bump-revision).</summary>
    public ulong BumpRevision { get; init; }

    /// <summary>Whether everything before the raised revision counts as compacted (--mark-compacted).</summary>
    public bool MarkCompacted { get; init; }

    /// <summary>The folder to make, with its default.</summary>
    public string EffectiveDataDir => DataDir.Length > 0 ? DataDir : Name + ".etcd";

    /// <summary>The log's folder, with its default.</summary>
    public string EffectiveWalDir => WalDir.Length > 0 ? WalDir : Path.Combine(EffectiveDataDir, "member", "wal");

    /// <summary>The flags.</summary>
    public static IReadOnlyList<Flag<RestoreOptions>> Flags { get; } =
    [
        new("data-dir", "", "The folder to make; NAME.etcd if it is not given.", (o, v) => o with { DataDir = v }),
        new("wal-dir", "", "The folder of the write-ahead log; inside --data-dir if it is not given.", (o, v) => o with { WalDir = v }),
        new("name", "default", "The name of this member.", (o, v) => o with { Name = v }),
        new("initial-cluster", "default=http://localhost:2380", "The members of the new cluster, as name=url,...", (o, v) => o with { InitialCluster = v }),
        new("initial-cluster-token", "etcd-cluster", "What makes this cluster's ids differ from another's.", (o, v) => o with { InitialClusterToken = v }),
        new("initial-advertise-peer-urls", "http://localhost:2380", "Where the other members reach this one.",
            (o, v) => o with { InitialAdvertisePeerUrls = v }),
        new("skip-hash-check", "false", "Take a file without a hash too, such as one copied from a data folder.",
            (o, v) => o with { SkipHashCheck = Bool(v) }, IsBool: true),
        new("initial-memory-map-size", "0", "Taken for etcdutl's sake: nothing is mapped into memory here.",
            (o, v) => Checked(o, Number(v))),
        new("bump-revision", "0", "How much to raise the latest revision; needs --mark-compacted.", (o, v) => o with { BumpRevision = Number(v) }),
        new("mark-compacted", "false", "Compact everything before the raised revision, so that watchers notice.",
            (o, v) => o with { MarkCompacted = Bool(v) }, IsBool: true),
    ];

    private static RestoreOptions Checked(RestoreOptions options, ulong number)
    {
        // A number that is none is refused; what it says has no meaning here.
        _ = number;
        return options;
    }

    private static ulong Number(string text) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number)
            ? number
            : throw new FormatException("it is not a whole number");

    private static bool Bool(string text) => text switch
    {
        "1" or "t" or "T" or "true" or "TRUE" or "True" => true,
        "0" or "f" or "F" or "false" or "FALSE" or "False" => false,
        _ => throw new FormatException("it is neither true nor false"),
    };
}
