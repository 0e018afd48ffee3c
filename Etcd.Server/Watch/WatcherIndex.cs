using Etcd.Server.Primitives;

namespace Etcd.Server.Watch;

/// <summary>
/// Watchers by what they watch: a hash table for single keys, an interval tree for ranges. An event costs what its matching
/// interests cost, however many watchers there are. A watcher is in at most one index. Used under the hub's turn.
/// </summary>
internal sealed class WatcherIndex(int seed)
{
    private readonly Dictionary<byte[], Interest> _singles = new(KeyBytesComparer.Instance);
    private readonly IntervalTree _ranges = new();
    private readonly Random _priorities = new(seed);

    public int Count { get; private set; }

    public void Add(Watcher watcher)
    {
        Invariant.Check(watcher.Interest is null, "a watcher is in one index at a time");
        Interest interest = Find(watcher) ?? Create(watcher);
        watcher.Interest = interest;
        interest.Add(watcher);
        Count++;
    }

    /// <summary>Takes a watcher out, as <see cref="Interest.Remove"/> does.</summary>
    public void Remove(Watcher watcher)
    {
        Interest interest = watcher.Interest!;
        interest.Remove(watcher);
        watcher.Interest = null;
        Count--;
        if (interest.Groups.Count == 0)
        {
            Forget(interest);
        }
    }

    /// <summary>Appends the interests that hold <paramref name="key"/>.</summary>
    public void Match(ReadOnlySpan<byte> key, List<Interest> into)
    {
        if (_singles.Count > 0
            && _singles.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(key, out Interest? single))
        {
            into.Add(single);
        }

        _ranges.Stab(key, into);
    }

    private Interest? Find(Watcher watcher) => watcher.End.IsSingleKey
        ? _singles.GetValueOrDefault(watcher.Key)
        : _ranges.Find(watcher.Key, watcher.End);

    private Interest Create(Watcher watcher)
    {
        var interest = new Interest(watcher.Key, watcher.End, _priorities.Next());
        if (watcher.End.IsSingleKey)
        {
            _singles.Add(watcher.Key, interest);
        }
        else
        {
            _ranges.Insert(interest);
        }

        return interest;
    }

    private void Forget(Interest interest)
    {
        if (interest.End.IsSingleKey)
        {
            _singles.Remove(interest.Key);
        }
        else
        {
            _ranges.Remove(interest);
        }
    }
}
