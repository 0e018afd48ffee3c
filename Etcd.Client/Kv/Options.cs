namespace Etcd.Client;

/// <summary>How a read is carried out.</summary>
public record EtcdGetOptions : EtcdCallOptions
{
    /// <summary>The revision to read at; 0 for the latest.</summary>
    public long Revision { get; init; }

    /// <summary>
    /// Lets the member answer from what it has, which may be older than what others have. Cheaper, and possible without a leader.
    /// False by default: a read sees every write that was acknowledged before it began.
    /// </summary>
    public bool Serializable { get; init; }

    /// <summary>Leaves the values out.</summary>
    public bool KeysOnly { get; init; }

    /// <summary>Leaves out keys changed before this revision; 0 for no limit.</summary>
    public long MinModRevision { get; init; }

    /// <summary>Leaves out keys changed after this revision; 0 for no limit.</summary>
    public long MaxModRevision { get; init; }

    /// <summary>Leaves out keys made before this revision; 0 for no limit.</summary>
    public long MinCreateRevision { get; init; }

    /// <summary>Leaves out keys made after this revision; 0 for no limit.</summary>
    public long MaxCreateRevision { get; init; }

    internal bool HasFilters => (MinModRevision | MaxModRevision | MinCreateRevision | MaxCreateRevision) != 0;
}

/// <summary>How a range is read with one request.</summary>
public sealed record EtcdRangeOptions : EtcdGetOptions
{
    /// <summary>How many keys at most; 0 for all.</summary>
    public long Limit { get; init; }

    /// <summary>What the keys are sorted by. <see cref="Limit"/> counts after the sorting.</summary>
    public EtcdSortBy SortBy { get; init; }

    /// <summary>Which comes first.</summary>
    public EtcdSortOrder Order { get; init; }

    /// <summary>Asks for the number of keys only.</summary>
    public bool CountOnly { get; init; }
}

/// <summary>How a range of any size is read.</summary>
public sealed record EtcdListOptions : EtcdGetOptions
{
    /// <summary>How many keys one request brings at most. The default is 1000.</summary>
    public int PageSize { get; init; } = 1000;
}

/// <summary>What keys are sorted by.</summary>
public enum EtcdSortBy
{
    /// <summary>The key.</summary>
    Key,

    /// <summary>The number of changes since the key was made.</summary>
    Version,

    /// <summary>The revision that made the key.</summary>
    CreateRevision,

    /// <summary>The revision of the last change.</summary>
    ModRevision,

    /// <summary>The value.</summary>
    Value,
}

/// <summary>Which comes first.</summary>
public enum EtcdSortOrder
{
    /// <summary>As the store has them: by key, unless another sorting is asked for.</summary>
    Default,

    /// <summary>The least.</summary>
    Ascending,

    /// <summary>The greatest.</summary>
    Descending,
}

/// <summary>How a key is written.</summary>
public sealed record EtcdPutOptions : EtcdCallOptions
{
    /// <summary>The lease that the key ends with.</summary>
    public EtcdLeaseId Lease { get; init; }

    /// <summary>Asks for what the key had before.</summary>
    public bool ReturnPrevious { get; init; }

    /// <summary>Keeps the value that the key has; the value given must be empty and the key must exist.</summary>
    public bool KeepValue { get; init; }

    /// <summary>Keeps the lease that the key has; <see cref="Lease"/> must not be set and the key must exist.</summary>
    public bool KeepLease { get; init; }
}

/// <summary>How keys are deleted.</summary>
public sealed record EtcdDeleteOptions : EtcdCallOptions
{
    /// <summary>Asks for what the keys had.</summary>
    public bool ReturnPrevious { get; init; }
}

/// <summary>How history is compacted.</summary>
public sealed record EtcdCompactOptions : EtcdCallOptions
{
    /// <summary>Waits until the old revisions are gone from the member's store, not only hidden.</summary>
    public bool Physical { get; init; }
}
