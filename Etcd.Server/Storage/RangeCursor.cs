namespace Etcd.Server.Storage;

/// <summary>
/// Reads a range piece by piece at one revision: the revision asked for or, without one, the one that is current at the first
/// piece. Between the pieces it holds nothing that would keep compaction or writers waiting, so a compaction beyond its
/// revision ends it with <see cref="ReadStatus.Compacted"/>, as in etcd.
/// Threads: one caller at a time, any thread.
/// </summary>
public sealed class RangeCursor
{
    private readonly MvccStore _store;
    private readonly byte[] _rangeEnd;
    private readonly bool _keysOnly;
    private byte[] _nextKey;

    /// <summary>Makes a cursor before the first key.</summary>
    /// <param name="store">The store.</param>
    /// <param name="query">Key, range end, revision and keys-only count; order, filters and limit are the caller's matter.</param>
    public RangeCursor(MvccStore store, in RangeQuery query)
    {
        _store = store;
        _nextKey = query.Key.ToArray();
        _rangeEnd = query.RangeEnd.ToArray();
        _keysOnly = query.KeysOnly;
        Revision = query.Revision;
    }

    /// <summary>The revision that is read; known after the first piece if it was not given.</summary>
    public long Revision { get; private set; }

    /// <summary>The store's revision at the first piece, for the header of the whole answer.</summary>
    public long HeaderRevision { get; private set; }

    /// <summary>Reads the next keys.</summary>
    /// <param name="keysMax">How many at the most, at least 1.</param>
    /// <param name="result">Receives them; <see cref="RangeResult.More"/> tells whether any are left.</param>
    /// <returns>Ok, or why it cannot go on.</returns>
    public ReadStatus Next(int keysMax, RangeResult result)
    {
        var query = new RangeQuery
        {
            Key = _nextKey,
            RangeEnd = _rangeEnd,
            Revision = Revision,
            Limit = keysMax,
            KeysOnly = _keysOnly,
        };
        ReadStatus status = _store.RangeWithoutCount(query, result);
        if (status != ReadStatus.Ok)
            return status;

        if (HeaderRevision == 0)
            HeaderRevision = result.Revision;

        if (Revision <= 0)
            Revision = result.Revision;

        if (result.More)
            _nextKey = [.. KeyValueFields.Parse(result.Kvs[^1].Span).Key, 0];

        return ReadStatus.Ok;
    }

    /// <summary>Counts what is left behind the last piece.</summary>
    /// <param name="count">How many keys.</param>
    /// <returns>Ok, or why it cannot be counted.</returns>
    public ReadStatus CountRest(out long count)
    {
        var result = new RangeResult();
        ReadStatus status = _store.Range(
            new RangeQuery { Key = _nextKey, RangeEnd = _rangeEnd, Revision = Revision, CountOnly = true }, result);
        count = result.Count;
        return status;
    }
}
