using System.Text;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;

namespace Etcd.Server.Tests.Storage;

/// <summary>
/// The model: the whole history as a list, every answer computed from it in the plainest way. Keys and values are ordinary
/// strings of ASCII, whose ordinal order is that of their bytes.
/// </summary>
internal sealed class NaiveStore
{
    public sealed record Change(long Main, long Sub, string Key, string? Value, long Create, long Version, long Lease)
    {
        public bool IsTombstone => Value is null;
    }

    private readonly List<Change> _history = [];
    private readonly SortedDictionary<string, Change> _current = new(StringComparer.Ordinal);
    private long _sub;

    public long Revision { get; private set; } = 1;

    public long CompactRevision { get; private set; } = -1;

    public bool InTxn { get; private set; }

    public long ReadRevision => InTxn && _sub > 0 ? Revision + 1 : Revision;

    public IReadOnlyList<Change> History => _history;

    public Change? Find(string key) => _current.GetValueOrDefault(key);

    public void Begin()
    {
        InTxn = true;
        _sub = 0;
    }

    public void End()
    {
        Revision = ReadRevision;
        InTxn = false;
    }

    public void Put(string key, string value, long lease)
    {
        Change? before = _current.GetValueOrDefault(key);
        var change = new Change(Revision + 1, _sub++, key, value, before?.Create ?? Revision + 1, (before?.Version ?? 0) + 1, lease);
        _history.Add(change);
        _current[key] = change;
    }

    public List<Change> DeleteRange(string key, string? end)
    {
        List<Change> doomed = [.. _current.Values.Where(c => InRange(c.Key, key, end))];
        foreach (Change c in doomed)
        {
            _history.Add(new Change(Revision + 1, _sub++, c.Key, null, 0, 0, 0));
            _current.Remove(c.Key);
        }

        return doomed;
    }

    public ReadStatus Compact(long revision)
    {
        if (revision <= CompactRevision)
            return ReadStatus.Compacted;

        if (revision > Revision)
            return ReadStatus.FutureRevision;

        CompactRevision = revision;
        return ReadStatus.Ok;
    }

    public static bool InRange(string key, string start, string? end)
    {
        if (end is null)
            return key == start;

        return string.CompareOrdinal(key, start) >= 0 && (end == "\0" || string.CompareOrdinal(key, end) < 0);
    }

    public List<Change> StateAt(long revision)
    {
        var state = new SortedDictionary<string, Change>(StringComparer.Ordinal);
        foreach (Change c in _history.TakeWhile(c => c.Main <= revision))
        {
            if (c.IsTombstone)
                state.Remove(c.Key);
            else
                state[c.Key] = c;
        }

        return [.. state.Values];
    }

    public (ReadStatus Status, List<Change> Kvs, long Count, bool More) Range(
        string key, string? end, long revision, long limit, RangeSortOrder order, RangeSortTarget target, long[] bounds)
    {
        long at = revision <= 0 ? ReadRevision : revision;
        if (at > ReadRevision)
            return (ReadStatus.FutureRevision, [], 0, false);

        if (at < CompactRevision)
            return (ReadStatus.Compacted, [], 0, false);

        List<Change> all = [.. StateAt(at).Where(c => InRange(c.Key, key, end))];
        long count = all.Count;
        bool natural = order == RangeSortOrder.None || (target == RangeSortTarget.Key && order == RangeSortOrder.Ascend);
        bool filters = bounds.Any(b => b != 0);
        IEnumerable<Change> chosen = natural && !filters && limit > 0 ? all.Take((int)limit + 1) : all;
        chosen = chosen.Where(c =>
            (bounds[0] == 0 || c.Main >= bounds[0]) && (bounds[1] == 0 || c.Main <= bounds[1])
            && (bounds[2] == 0 || c.Create >= bounds[2]) && (bounds[3] == 0 || c.Create <= bounds[3]));
        chosen = Sort(chosen, order, target);
        List<Change> kvs = [.. chosen];
        bool more = limit > 0 && kvs.Count > limit;
        return (ReadStatus.Ok, more ? kvs[..(int)limit] : kvs, count, more);
    }

    public static byte[] Encode(Change c, bool keysOnly = false)
    {
        var fields = new KeyValueFields
        {
            Key = Encoding.ASCII.GetBytes(c.Key),
            CreateRevision = c.Create,
            ModRevision = c.Main,
            Version = c.Version,
            Value = keysOnly ? default : Encoding.ASCII.GetBytes(c.Value ?? ""),
            Lease = new LeaseId(keysOnly ? 0 : c.Lease),
        };
        byte[] bytes = new byte[KeyValueCodec.Size(fields)];
        KeyValueCodec.Write(bytes, fields);
        return bytes;
    }

    private static IEnumerable<Change> Sort(IEnumerable<Change> kvs, RangeSortOrder order, RangeSortTarget target)
    {
        bool down = order == RangeSortOrder.Descend;
        return target switch
        {
            RangeSortTarget.Key => down ? kvs.Reverse() : kvs,
            RangeSortTarget.Version => down ? kvs.OrderByDescending(c => c.Version) : kvs.OrderBy(c => c.Version),
            RangeSortTarget.Create => down ? kvs.OrderByDescending(c => c.Create) : kvs.OrderBy(c => c.Create),
            RangeSortTarget.Mod => down ? kvs.OrderByDescending(c => c.Main) : kvs.OrderBy(c => c.Main),
            _ => down
                ? kvs.OrderByDescending(c => c.Value, StringComparer.Ordinal)
                : kvs.OrderBy(c => c.Value, StringComparer.Ordinal),
        };
    }
}
