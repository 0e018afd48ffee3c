namespace Etcd.Bench.Store;

/// <summary>What the command <c>store</c> measures.</summary>
internal sealed record StoreOptions
{
    /// <summary>Keys of the part at rest.</summary>
    public required int Keys { get; init; }

    /// <summary>Clients of the loads.</summary>
    public required int Clients { get; init; }

    /// <summary>Whether the part at rest is measured.</summary>
    public required bool AtRest { get; init; }

    /// <summary>Whether the part under load is measured.</summary>
    public required bool UnderLoad { get; init; }

    /// <summary>Revisions that the compaction under load drops.</summary>
    public required int Revisions { get; init; }

    /// <summary>The least time of each phase under load.</summary>
    public required TimeSpan Phase { get; init; }

    /// <summary>Whether the real etcd is measured.</summary>
    public required bool RunEtcd { get; init; }

    /// <summary>Whether our server is measured.</summary>
    public required bool RunOurs { get; init; }

    /// <summary>An executable in the place of the one that is built; null for that.</summary>
    public string? ServerPath { get; init; }

    /// <summary>For data and logs.</summary>
    public required string WorkFolder { get; init; }

    /// <summary>The file of the tables; null for none.</summary>
    public string? MarkdownPath { get; init; }

    /// <summary>As typed.</summary>
    public required string Command { get; init; }
}
