namespace Etcd.Server.Watch;

/// <summary>
/// The newest events, for all watchers together: complete from <see cref="FirstRevision"/> to the revision that the hub
/// has reached. Bounded in events and in bytes; the oldest go first. Used under the hub's turn.
/// </summary>
internal sealed class EventRing(int eventsMax, long bytesMax, long firstRevision)
{
    private const int InitialSlots = 256;

    private WatchEvent?[] _slots = new WatchEvent?[Math.Min(InitialSlots, eventsMax)];
    private int _head;
    private int _count;
    private long _bytes;

    /// <summary>All events from here on are held.</summary>
    public long FirstRevision { get; private set; } = firstRevision;

    public int Count => _count;

    public void Add(WatchEvent e)
    {
        while (_count > 0 && (_count == eventsMax || _bytes + e.RetainedBytes > bytesMax))
        {
            RemoveOldest();
        }

        if (_count == _slots.Length)
        {
            Grow();
        }

        _slots[(_head + _count) % _slots.Length] = e;
        _count++;
        _bytes += e.RetainedBytes;
    }

    /// <summary>Forgets everything; what comes next begins at <paramref name="firstRevision"/>.</summary>
    public void Reset(long firstRevision)
    {
        _slots = new WatchEvent?[Math.Min(InitialSlots, eventsMax)];
        _head = 0;
        _count = 0;
        _bytes = 0;
        FirstRevision = firstRevision;
    }

    /// <summary>
    /// Copies events from a revision on, whole revisions, up to about <paramref name="max"/> of them.
    /// </summary>
    /// <returns>Where to go on; <paramref name="end"/> when everything was copied.</returns>
    public long Read(long from, long end, int max, List<WatchEvent> into)
    {
        for (int i = IndexOf(from); i < _count; i++)
        {
            WatchEvent e = this[i];
            if (into.Count >= max && e.Revision != into[^1].Revision)
            {
                return e.Revision;
            }

            into.Add(e);
        }

        return end;
    }

    private WatchEvent this[int index] => _slots[(_head + index) % _slots.Length]!;

    private int IndexOf(long revision)
    {
        int low = 0;
        int high = _count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (this[middle].Revision < revision)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private void RemoveOldest()
    {
        WatchEvent oldest = _slots[_head]!;
        _slots[_head] = null;
        _head = (_head + 1) % _slots.Length;
        _count--;
        _bytes -= oldest.RetainedBytes;
        FirstRevision = oldest.Revision + 1;
    }

    private void Grow()
    {
        var larger = new WatchEvent?[Math.Min(eventsMax, _slots.Length * 2)];
        for (int i = 0; i < _count; i++)
        {
            larger[i] = this[i];
        }

        _slots = larger;
        _head = 0;
    }
}
