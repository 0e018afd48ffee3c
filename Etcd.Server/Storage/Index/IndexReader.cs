namespace Etcd.Server.Storage.Index;

/// <summary>
/// Reads on one root of the index, in the state of the batch that published it. Threads: any that holds a pin taken before
/// the root was read; the writer needs none.
/// </summary>
internal readonly ref struct IndexReader(KeyIndex index, IndexNode root)
{
    private readonly KeyIndex _index = index;
    private readonly IndexNode _root = root;

    /// <summary>Looks a key up.</summary>
    /// <param name="key">The key.</param>
    /// <param name="handle">Its handle.</param>
    /// <returns>Whether the index knows the key, deleted or not.</returns>
    public bool TryFind(ReadOnlySpan<byte> key, out uint handle)
    {
        IndexNode node = _root;
        while (node is InnerNode inner)
            node = inner.Children[inner.ChildOf(_index.Slabs, key)];

        int at = node.Find(_index.Slabs, key);
        handle = at < 0 ? 0 : node.Keys[at];
        return at >= 0;
    }

    /// <summary>How many keys below this one exist, in O(log n).</summary>
    public long LiveRank(ReadOnlySpan<byte> key)
    {
        long rank = 0;
        IndexNode node = _root;
        while (node is InnerNode inner)
        {
            int child = inner.ChildOf(_index.Slabs, key);
            rank += inner.LiveBelow(child);
            node = inner.Children[child];
        }

        var leaf = (LeafNode)node;
        return rank + leaf.LiveBelow(leaf.LowerBound(_index.Slabs, key, out _));
    }

    /// <summary>How many keys exist.</summary>
    public long LiveCount() => _root is InnerNode inner ? inner.LiveSum() : ((LeafNode)_root).LiveBelow(IndexNode.KeysMax);

    /// <summary>How many keys the index knows, deleted ones too.</summary>
    public long TotalCount() => _root is InnerNode inner ? inner.TotalSum() : _root.Count;

    /// <summary>How many keys in a range exist, in O(log n).</summary>
    public long LiveCount(in KeyRange range)
    {
        long below = LiveRank(range.Start);
        long until = range.HasEnd ? LiveRank(range.End) : LiveCount();
        return Math.Max(0, until - below);
    }

    /// <summary>Walks the keys from the first one not below <paramref name="start"/> on.</summary>
    public IndexWalker From(ReadOnlySpan<byte> start)
    {
        var walker = new IndexWalker();
        walker.Seek(_index.Slabs, _root, start);
        return walker;
    }

    /// <summary>Walks the keys from the one on below which exactly <paramref name="rank"/> keys exist.</summary>
    public IndexWalker FromLiveRank(long rank)
    {
        var walker = new IndexWalker();
        walker.SeekLiveRank(_root, rank);
        return walker;
    }
}
