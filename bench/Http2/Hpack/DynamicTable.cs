namespace Etcd.Bench.Http2.Hpack;

/// <summary>
/// The decoder's dynamic table (RFC 7541, sections 2.3.2 and 4): newest entry first, the oldest fall out when the
/// sizes no longer fit. A ring, so that an insertion moves nothing.
/// </summary>
internal sealed class DynamicTable(int capacity)
{
    private HeaderField[] _ring = new HeaderField[32];
    private int _newest = -1;
    private int _size;

    public int Count { get; private set; }

    /// <summary>The current limit of the sum of the entries' sizes.</summary>
    public int Capacity { get; private set; } = capacity;

    public int Size => _size;

    /// <summary>The entry that was inserted <paramref name="age"/> insertions ago; 0 is the newest.</summary>
    public HeaderField Get(int age) => _ring[(_newest - age) & (_ring.Length - 1)];

    public void Resize(int capacity)
    {
        Capacity = capacity;
        EvictTo(capacity);
    }

    public void Insert(HeaderField field)
    {
        // An entry larger than the whole table empties it and is not kept (section 4.4).
        EvictTo(Math.Max(0, Capacity - field.Size));
        if (field.Size > Capacity)
            return;
        if (Count == _ring.Length)
            Grow();
        _newest = (_newest + 1) & (_ring.Length - 1);
        _ring[_newest] = field;
        Count++;
        _size += field.Size;
    }

    private void EvictTo(int size)
    {
        while (_size > size)
            _size -= Get(--Count).Size;
    }

    private void Grow()
    {
        var larger = new HeaderField[_ring.Length * 2];
        for (int age = 0; age < Count; age++)
            larger[Count - 1 - age] = Get(age);
        _ring = larger;
        _newest = Count - 1;
    }
}
