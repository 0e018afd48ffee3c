namespace Etcd.Client;

/// <summary>How much of its history a cache keeps for those who watch it. The first of the two limits that is reached counts.</summary>
public sealed record EtcdCacheOptions
{
    /// <summary>How many revisions that changed something in the range. The default is 2048.</summary>
    public int HistoryRevisions { get; init; } = 2048;

    /// <summary>How many bytes of keys and values; the last revision is kept whatever it has. The default is 64 MiB.</summary>
    public long HistoryBytes { get; init; } = 64 * 1024 * 1024;
}

/// <summary>How a cache is watched.</summary>
public sealed record EtcdCacheWatchOptions
{
    /// <summary>The first revision to tell of, which may be in the past as far as the cache's history goes; 0 for what it gets from now on.</summary>
    public long StartRevision { get; init; }

    /// <summary>Leaves puts out.</summary>
    public bool NoPuts { get; init; }

    /// <summary>Leaves deletes out.</summary>
    public bool NoDeletes { get; init; }

    /// <summary>
    /// What happens when the cache does not have the history that the reader needs: the reader was too slow or asks for too early a revision,
    /// or the cache itself had to list its range again. By default the watch ends.
    /// </summary>
    public EtcdCompactionPolicy OnCompaction { get; init; }
}
