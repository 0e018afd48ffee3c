namespace Etcd.Server.Storage;

/// <summary>etcdserverpb.RangeRequest.SortOrder's numbers.</summary>
public enum RangeSortOrder
{
    /// <summary>By key, ascending; with another target than the key, ascending by that.</summary>
    None = 0,

    /// <summary>Lowest first.</summary>
    Ascend = 1,

    /// <summary>Highest first.</summary>
    Descend = 2,
}

/// <summary>etcdserverpb.RangeRequest.SortTarget's numbers.</summary>
public enum RangeSortTarget
{
    /// <summary>The key.</summary>
    Key = 0,

    /// <summary>The version number.</summary>
    Version = 1,

    /// <summary>The create revision.</summary>
    Create = 2,

    /// <summary>The mod revision.</summary>
    Mod = 3,

    /// <summary>The value.</summary>
    Value = 4,
}

/// <summary>
/// What etcdserverpb.RangeRequest asks for. The spans lie in the request's own bytes. Fields mean what they mean there; zero
/// is the default of each.
/// </summary>
public ref struct RangeQuery
{
    /// <summary>The key, or the first of a range.</summary>
    public ReadOnlySpan<byte> Key { get; set; }

    /// <summary>Empty for one key; one zero byte for all keys from <see cref="Key"/> on; else the first key beyond the range.</summary>
    public ReadOnlySpan<byte> RangeEnd { get; set; }

    /// <summary>The most keys wanted; 0 or less for all.</summary>
    public long Limit { get; set; }

    /// <summary>The revision to read at; 0 or less for the current one.</summary>
    public long Revision { get; set; }

    /// <summary>The order.</summary>
    public RangeSortOrder SortOrder { get; set; }

    /// <summary>What to order by.</summary>
    public RangeSortTarget SortTarget { get; set; }

    /// <summary>The caller is content with this member's state. The store does not look at it.</summary>
    public bool Serializable { get; set; }

    /// <summary>Leave the values out.</summary>
    public bool KeysOnly { get; set; }

    /// <summary>Only count.</summary>
    public bool CountOnly { get; set; }

    /// <summary>Leave out keys modified before; 0 for no bound.</summary>
    public long MinModRevision { get; set; }

    /// <summary>Leave out keys modified after; 0 for no bound.</summary>
    public long MaxModRevision { get; set; }

    /// <summary>Leave out keys created before; 0 for no bound.</summary>
    public long MinCreateRevision { get; set; }

    /// <summary>Leave out keys created after; 0 for no bound.</summary>
    public long MaxCreateRevision { get; set; }

    /// <summary>Whether the answer is in the index's own order, so that a limit can end the search.</summary>
    public readonly bool IsDefaultOrdering =>
        SortOrder == RangeSortOrder.None || (SortTarget == RangeSortTarget.Key && SortOrder == RangeSortOrder.Ascend);

    /// <summary>Whether keys are left out by their revisions.</summary>
    public readonly bool HasRevisionFilters =>
        MinModRevision != 0 || MaxModRevision != 0 || MinCreateRevision != 0 || MaxCreateRevision != 0;
}

/// <summary>How a read ended.</summary>
public enum ReadStatus
{
    /// <summary>It was answered.</summary>
    Ok,

    /// <summary>The revision is compacted.</summary>
    Compacted,

    /// <summary>The revision is above the current one.</summary>
    FutureRevision,
}
