using Etcd.Server.Primitives;
using Etcd.Server.Storage.Index;

namespace Etcd.Server.Storage;

/// <summary>
/// Answers range queries as etcd v3.7 does: finds in key order, filters, sorts, cuts at the limit. Two of its habits are kept
/// on purpose: a target other than the key with no order sorts what the limit has let through, and a keys-only answer comes
/// from the index alone and so has no lease (unless it is sorted by value, which needs the records).
/// </summary>
internal static class RangeExecutor
{
    /// <summary>Answers a query.</summary>
    /// <param name="index">The index.</param>
    /// <param name="state">What to read; a reader must have pinned before it took this.</param>
    /// <param name="query">The query.</param>
    /// <param name="result">Receives the answer.</param>
    /// <param name="withCount">Whether the keys behind the limit are counted, which at an older revision costs as much as reading them.</param>
    /// <returns>Ok, or why there is no answer.</returns>
    public static ReadStatus Execute(KeyIndex index, in StoreState state, in RangeQuery query, RangeResult result, bool withCount = true)
    {
        result.Clear();
        result.Revision = state.Revision;
        ReadStatus status = Resolve(state, query.Revision, out long atMain);
        if (status != ReadStatus.Ok)
            return status;

        var reader = new IndexReader(index, state.Root);
        if (query.RangeEnd.IsEmpty)
            FindOne(index, reader, query, atMain, result);
        else if (query.CountOnly)
            result.Count = CountRange(index, reader, new KeyRange(query.Key, query.RangeEnd), atMain, state.Revision);
        else
            FindRange(index, reader, query, atMain, state.Revision, withCount, result);

        if (result.Items.Count > 0)
            Assemble(index, state, query, result);

        return ReadStatus.Ok;
    }

    /// <summary>The revision that a request's revision means, if it can be read.</summary>
    public static ReadStatus Resolve(in StoreState state, long asked, out long atMain)
    {
        atMain = asked <= 0 ? state.Revision : asked;
        if (atMain > state.Revision)
            return ReadStatus.FutureRevision;

        return atMain < state.CompactRevision ? ReadStatus.Compacted : ReadStatus.Ok;
    }

    /// <summary>Finds the version of one key that a read at a revision sees.</summary>
    public static bool TryFind(KeyIndex index, IndexReader reader, ReadOnlySpan<byte> key, long atMain, out uint handle, out KeyVersion version)
    {
        version = default;
        return reader.TryFind(key, out handle) && index.Versions.TryFind(handle, atMain, out version) && !version.IsTombstone;
    }

    private static void FindOne(KeyIndex index, IndexReader reader, in RangeQuery query, long atMain, RangeResult result)
    {
        if (!TryFind(index, reader, query.Key, atMain, out uint handle, out KeyVersion version))
            return;

        result.Count = 1;
        if (!query.CountOnly && Passes(query, version))
            result.Items.Add(new RangeItem { Key = handle, Version = version });
    }

    private static long CountRange(KeyIndex index, IndexReader reader, KeyRange range, long atMain, long current)
    {
        if (atMain == current)
            return reader.LiveCount(range);

        return CountOlder(index, reader.From(range.Start), range, atMain);
    }

    // At an older revision only the keys' own versions know what existed: this looks at each.
    private static long CountOlder(KeyIndex index, IndexWalker walker, KeyRange range, long atMain)
    {
        long count = 0;
        for (; walker.IsValid && range.EndsAfter(KeyRecord.Span(index.Slabs, walker.Key)); walker.Next())
        {
            if (index.Versions.TryFind(walker.Key, atMain, out KeyVersion version) && !version.IsTombstone)
                count++;
        }

        return count;
    }

    private static void FindRange(
        KeyIndex index, IndexReader reader, in RangeQuery query, long atMain, long current, bool withCount, RangeResult result)
    {
        var range = new KeyRange(query.Key, query.RangeEnd);
        long limit = FetchLimit(query);
        bool isCurrent = atMain == current;
        long total = isCurrent ? reader.LiveCount(range) : 0;
        IndexWalker walker;
        if (isCurrent && TakesLastKeys(query) && total - 1 > query.Limit)
            walker = reader.FromLiveRank(reader.LiveRank(range.Start) + total - query.Limit - 1);
        else
            walker = reader.From(range.Start);

        long count = 0;
        for (; walker.IsValid; walker.Next())
        {
            if (limit > 0 && result.Items.Count >= limit)
                break;

            if (!range.EndsAfter(KeyRecord.Span(index.Slabs, walker.Key)))
                break;

            if ((isCurrent && !walker.IsLive) || !index.Versions.TryFind(walker.Key, atMain, out KeyVersion version) || version.IsTombstone)
                continue;

            count++;
            if (Passes(query, version))
                result.Items.Add(new RangeItem { Key = walker.Key, Ordinal = result.Items.Count, Version = version });
        }

        if (isCurrent)
            result.Count = total;
        else
            result.Count = withCount ? count + CountOlder(index, walker, range, atMain) : count;
    }

    // The last keys of a range can be found by their rank instead of by reading all that come before.
    private static bool TakesLastKeys(in RangeQuery query) =>
        query.Limit > 0 && query.SortTarget == RangeSortTarget.Key && query.SortOrder == RangeSortOrder.Descend && !query.HasRevisionFilters;

    // One more than asked tells whether there is more.
    private static long FetchLimit(in RangeQuery query)
    {
        if (!query.IsDefaultOrdering || query.HasRevisionFilters || query.Limit <= 0)
            return 0;

        return query.Limit == long.MaxValue ? query.Limit : query.Limit + 1;
    }

    private static bool Passes(in RangeQuery query, in KeyVersion version)
    {
        long modified = version.Modified.Main;
        return (query.MaxModRevision == 0 || modified <= query.MaxModRevision)
            && (query.MinModRevision == 0 || modified >= query.MinModRevision)
            && (query.MaxCreateRevision == 0 || version.Created <= query.MaxCreateRevision)
            && (query.MinCreateRevision == 0 || version.Created >= query.MinCreateRevision);
    }

    private static void Assemble(KeyIndex index, in StoreState state, in RangeQuery query, RangeResult result)
    {
        Sort(state, query, result);
        int take = result.Items.Count;
        if (query.Limit > 0 && take > query.Limit)
        {
            take = (int)query.Limit;
            result.More = true;
        }

        Span<RangeItem> items = result.ItemSpan()[..take];
        if (!query.KeysOnly && query.SortTarget != RangeSortTarget.Value)
            RecordFetch.Fill(state.Segments, items);

        foreach (ref RangeItem item in items)
        {
            if (!query.KeysOnly)
                result.Add(item.Record);
            else
                AddKeyOnly(index, query, item, result);
        }

        result.ReleaseItems();
    }

    private static void AddKeyOnly(KeyIndex index, in RangeQuery query, in RangeItem item, RangeResult result)
    {
        var fields = new KeyValueFields
        {
            Key = KeyRecord.Span(index.Slabs, item.Key),
            CreateRevision = item.Version.Created,
            ModRevision = item.Version.Modified.Main,
            Version = item.Version.Version,
        };
        if (query.SortTarget == RangeSortTarget.Value && !item.Record.IsEmpty)
            fields.Lease = KeyValueCodec.Read(item.Record.Span).Lease;

        result.AddEncoded(fields);
    }

    private static void Sort(in StoreState state, in RangeQuery query, RangeResult result)
    {
        RangeSortTarget target = query.SortTarget;
        if (target == RangeSortTarget.Value)
            RecordFetch.Fill(state.Segments, result.ItemSpan());

        bool descending = query.SortOrder == RangeSortOrder.Descend;
        if (target == RangeSortTarget.Key)
        {
            if (descending)
                result.Items.Reverse();

            return;
        }

        SortBy(result.Items, target, descending);
    }

    // By itself, because a method that makes a closure allocates it on every path.
    private static void SortBy(List<RangeItem> items, RangeSortTarget target, bool descending) =>
        items.Sort((a, b) => Compare(a, b, target, descending));

    private static int Compare(in RangeItem a, in RangeItem b, RangeSortTarget target, bool descending)
    {
        int order = target switch
        {
            RangeSortTarget.Version => a.Version.Version.CompareTo(b.Version.Version),
            RangeSortTarget.Create => a.Version.Created.CompareTo(b.Version.Created),
            RangeSortTarget.Mod => a.Version.Modified.Main.CompareTo(b.Version.Modified.Main),
            RangeSortTarget.Value => KeyValueCodec.Read(a.Record.Span).Value.SequenceCompareTo(KeyValueCodec.Read(b.Record.Span).Value),
            _ => throw new InvariantException($"sort target {(int)target} is refused before it gets here"),
        };
        if (order == 0)
            return a.Ordinal.CompareTo(b.Ordinal);

        return descending ? -order : order;
    }
}
