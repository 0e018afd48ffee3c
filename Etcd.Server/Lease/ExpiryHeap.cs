namespace Etcd.Server.Lease;

/// <summary>
/// Leases by when they must be looked at, the earliest first: a binary heap whose entries know their place, so that a
/// renewal or a revoke costs O(log n).
/// </summary>
internal sealed class ExpiryHeap
{
    private readonly List<LeaseEntry> _items = [];

    public int Count => _items.Count;

    public LeaseEntry? Earliest => _items.Count == 0 ? null : _items[0];

    /// <summary>Puts a lease in, or moves it to where its new time belongs.</summary>
    public void Set(LeaseEntry lease, long dueAt)
    {
        lease.DueAt = dueAt;
        if (lease.HeapIndex < 0)
        {
            lease.HeapIndex = _items.Count;
            _items.Add(lease);
        }

        Up(lease.HeapIndex);
        Down(lease.HeapIndex);
    }

    public void Remove(LeaseEntry lease)
    {
        int index = lease.HeapIndex;
        if (index < 0)
        {
            return;
        }

        int last = _items.Count - 1;
        Swap(index, last);
        _items.RemoveAt(last);
        lease.HeapIndex = -1;
        if (index < last)
        {
            LeaseEntry moved = _items[index];
            Up(index);
            Down(moved.HeapIndex);
        }
    }

    /// <summary>Replaces everything, each lease due when it expires; O(n).</summary>
    public void Fill(ReadOnlySpan<LeaseEntry> leases)
    {
        Clear();
        foreach (LeaseEntry lease in leases)
        {
            lease.DueAt = lease.Expiry;
            lease.HeapIndex = _items.Count;
            _items.Add(lease);
        }

        for (int index = (_items.Count / 2) - 1; index >= 0; index--)
        {
            Down(index);
        }
    }

    public void Clear()
    {
        foreach (LeaseEntry lease in _items)
        {
            lease.HeapIndex = -1;
        }

        _items.Clear();
    }

    private void Up(int index)
    {
        while (index > 0)
        {
            int parent = (index - 1) / 2;
            if (!IsEarlier(index, parent))
            {
                return;
            }

            Swap(index, parent);
            index = parent;
        }
    }

    private void Down(int index)
    {
        while (true)
        {
            int child = (2 * index) + 1;
            if (child >= _items.Count)
            {
                return;
            }

            if (child + 1 < _items.Count && IsEarlier(child + 1, child))
            {
                child++;
            }

            if (!IsEarlier(child, index))
            {
                return;
            }

            Swap(index, child);
            index = child;
        }
    }

    // Equal times are told apart by id, so that the order never depends on how the heap came about.
    private bool IsEarlier(int a, int b)
    {
        LeaseEntry left = _items[a];
        LeaseEntry right = _items[b];
        return left.DueAt != right.DueAt ? left.DueAt < right.DueAt : left.Id.Value < right.Id.Value;
    }

    private void Swap(int a, int b)
    {
        (_items[a], _items[b]) = (_items[b], _items[a]);
        _items[a].HeapIndex = a;
        _items[b].HeapIndex = b;
    }
}
