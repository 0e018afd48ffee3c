using Etcd.Server.Primitives;

namespace Etcd.Server.Storage.Index;

/// <content>Inserting and removing keys: splits and merges.</content>
internal sealed partial class KeyIndex
{
    // Below this, a node looks for a neighbour to merge with: far enough from full that the next insert does not split again.
    private const int MergeBelow = IndexNode.KeysMax / 4;
    private const int MergedMax = IndexNode.KeysMax * 3 / 4;

    /// <summary>A leaf of this batch.</summary>
    internal LeafNode NewLeaf() => new() { Batch = _batch };

    /// <summary>A node of this batch above children that follow on each other.</summary>
    internal InnerNode NewInner(List<KeyIndexBuilder.Built> children)
    {
        var inner = new InnerNode { Batch = _batch };
        for (int at = 0; at < children.Count; at++)
        {
            inner.Children[at] = children[at].Node;
            inner.Recount(at);
            if (at > 0)
                inner.Keys[inner.Count++] = Separator(children[at - 1].Last, children[at].First);
        }

        inner.Reindex(Slabs);
        return inner;
    }

    /// <summary>Takes a tree that was built outside, in the place of an empty one.</summary>
    internal void Adopt(IndexNode root)
    {
        Invariant.Check(_root is LeafNode { Count: 0 }, "only an empty index is filled at once");
        _root = root;
    }

    private uint Insert(ReadOnlySpan<byte> key)
    {
        LeafNode leaf = EditPath();
        if (leaf.Count == IndexNode.KeysMax)
        {
            SplitLeaf(leaf, key);
            Locate(key);
            leaf = EditPath();
        }

        uint handle = KeyRecord.Create(Slabs, key);
        int at = leaf.LowerBound(Slabs, key, out _);
        leaf.InsertKey(Slabs, at, handle);
        leaf.InsertLive(at, live: true);
        for (int level = 0; level < _depth; level++)
        {
            _path[level].Live[_pathChild[level]]++;
            _path[level].Total[_pathChild[level]]++;
        }

        return handle;
    }

    private void SplitLeaf(LeafNode leaf, ReadOnlySpan<byte> key)
    {
        // Keys that come in ascending order fill leaves to the end instead of leaving them half empty.
        bool appending = IsRightmost() && KeyRecord.Span(Slabs, leaf.Keys[leaf.Count - 1]).SequenceCompareTo(key) < 0;
        int keep = appending ? leaf.Count - 1 : leaf.Count / 2;
        var right = new LeafNode { Batch = _batch, Count = leaf.Count - keep, Live = leaf.Live >> keep };
        ((ReadOnlySpan<uint>)leaf.Keys)[keep..leaf.Count].CopyTo(right.Keys);
        leaf.Count = keep;
        leaf.Live &= (1UL << keep) - 1;
        leaf.Reindex(Slabs);
        right.Reindex(Slabs);
        InsertIntoParent(_depth - 1, Separator(leaf.Keys[keep - 1], right.Keys[0]), leaf, right);
    }

    // The shortest prefix of the right key that is still above the left one.
    private uint Separator(uint left, uint right)
    {
        ReadOnlySpan<byte> above = KeyRecord.Span(Slabs, right);
        int shared = KeyRecord.Span(Slabs, left).CommonPrefixLength(above);
        return KeyRecord.Create(Slabs, above[..(shared + 1)]);
    }

    private void InsertIntoParent(int level, uint separator, IndexNode left, IndexNode right)
    {
        if (level < 0)
        {
            var root = new InnerNode { Batch = _batch };
            root.Children[0] = left;
            root.Recount(0);
            root.InsertChild(Slabs, 0, separator, right);
            _root = root;
            return;
        }

        InnerNode parent = _path[level];
        int after = _pathChild[level];
        parent.Recount(after);
        if (parent.ChildCount < InnerNode.ChildrenMax)
        {
            parent.InsertChild(Slabs, after, separator, right);
            return;
        }

        SplitInner(level, parent, after, separator, right);
    }

    private void SplitInner(int level, InnerNode parent, int after, uint separator, IndexNode child)
    {
        int keep = after == parent.ChildCount - 1 && IsRightmost(level) ? parent.ChildCount - 1 : parent.ChildCount / 2;
        var right = new InnerNode { Batch = _batch };
        uint middle = MoveTail(parent, right, keep);
        if (after < keep)
            parent.InsertChild(Slabs, after, separator, child);
        else
            right.InsertChild(Slabs, after - keep, separator, child);

        InsertIntoParent(level - 1, middle, parent, right);
    }

    // Moves the children from `keep` on into an empty node; returns the separator between the two.
    private uint MoveTail(InnerNode from, InnerNode to, int keep)
    {
        int children = from.ChildCount;
        uint middle = from.Keys[keep - 1];
        ((ReadOnlySpan<uint>)from.Keys)[keep..from.Count].CopyTo(to.Keys);
        ((ReadOnlySpan<IndexNode>)from.Children)[keep..children].CopyTo(to.Children);
        ((ReadOnlySpan<uint>)from.Live)[keep..children].CopyTo(to.Live);
        ((ReadOnlySpan<uint>)from.Total)[keep..children].CopyTo(to.Total);
        to.Count = children - keep - 1;
        from.Count = keep - 1;
        ((Span<IndexNode>)from.Children)[keep..children].Clear();
        from.Reindex(Slabs);
        to.Reindex(Slabs);
        return middle;
    }

    private bool IsRightmost() => IsRightmost(_depth);

    private bool IsRightmost(int below)
    {
        for (int level = 0; level < below; level++)
        {
            if (_pathChild[level] != _path[level].Count)
                return false;
        }

        return true;
    }

    private void Remove(uint handle)
    {
        ReadOnlySpan<byte> key = KeyRecord.Span(Slabs, handle);
        LeafNode leaf = Locate(key);
        int at = leaf.Find(Slabs, key);
        Invariant.Check(at >= 0 && !leaf.IsLive(at), "compaction removes a key only after its deletion");
        leaf = EditPath();
        leaf.RemoveKey(at);
        leaf.RemoveLive(at);
        for (int level = 0; level < _depth; level++)
            _path[level].Total[_pathChild[level]]--;

        Versions.Retire(handle);
        KeyRecord.Retire(Slabs, handle);
        ShrinkPath();
    }

    private void ShrinkPath()
    {
        for (int level = _depth - 1; level >= 0; level--)
        {
            InnerNode parent = _path[level];
            int child = _pathChild[level];
            if (IsEmpty(parent.Children[child]))
                RemoveEmpty(parent, child);
            else if (parent.Children[child].Count < MergeBelow)
                MergeWithNeighbour(parent, child);
            else
                break;
        }

        while (_root is InnerNode { Count: 0 } only)
            _root = only.Children[0];

        if (_root is InnerNode { Count: < 0 })
            _root = new LeafNode { Batch = _batch };
    }

    // An inner node that lost its last child has one separator less than none.
    private static bool IsEmpty(IndexNode node) => node is InnerNode ? node.Count < 0 : node.Count == 0;

    private void RemoveEmpty(InnerNode parent, int child)
    {
        if (parent.Count == 0)
        {
            parent.Children[0] = null!;
            parent.Count = -1;
            return;
        }

        KeyRecord.Retire(Slabs, parent.RemoveChild(child));
    }

    private void MergeWithNeighbour(InnerNode parent, int child)
    {
        int left = child > 0 ? child - 1 : child;
        if (left + 1 >= parent.ChildCount)
            return;

        IndexNode a = parent.Children[left];
        IndexNode b = parent.Children[left + 1];
        if (a.Count + b.Count + 1 > MergedMax)
            return;

        a = Editable(parent, left, a);
        uint separator = parent.Keys[left];
        if (a is LeafNode leaf)
        {
            Append(leaf, (LeafNode)b);
            KeyRecord.Retire(Slabs, separator);
        }
        else
        {
            Append((InnerNode)a, separator, (InnerNode)b);
        }

        a.Reindex(Slabs);

        // Taking the right one out takes the separator between the two with it.
        parent.RemoveChild(left + 1);
        parent.Recount(left);
    }

    private IndexNode Editable(InnerNode parent, int child, IndexNode node)
    {
        if (node.Batch == _batch)
            return node;

        node = node.Clone(_batch);
        parent.Children[child] = node;
        return node;
    }

    private static void Append(LeafNode to, LeafNode from)
    {
        ((ReadOnlySpan<uint>)from.Keys)[..from.Count].CopyTo(((Span<uint>)to.Keys)[to.Count..]);
        to.Live |= from.Live << to.Count;
        to.Count += from.Count;
    }

    private static void Append(InnerNode to, uint separator, InnerNode from)
    {
        int children = to.ChildCount;
        to.Keys[to.Count] = separator;
        ((ReadOnlySpan<uint>)from.Keys)[..from.Count].CopyTo(((Span<uint>)to.Keys)[(to.Count + 1)..]);
        ((ReadOnlySpan<IndexNode>)from.Children)[..from.ChildCount].CopyTo(((Span<IndexNode>)to.Children)[children..]);
        ((ReadOnlySpan<uint>)from.Live)[..from.ChildCount].CopyTo(((Span<uint>)to.Live)[children..]);
        ((ReadOnlySpan<uint>)from.Total)[..from.ChildCount].CopyTo(((Span<uint>)to.Total)[children..]);
        to.Count += from.Count + 1;
    }
}
