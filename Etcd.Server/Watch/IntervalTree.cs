namespace Etcd.Server.Watch;

/// <summary>
/// The ranges that are watched: a treap ordered by first key, then end, where each node knows the furthest end below it,
/// so that the ranges around a key are found in O(log n + found) (Cormen et al., interval trees; Seidel and Aragon,
/// randomized search trees). The nodes are the interests themselves.
/// </summary>
internal sealed class IntervalTree
{
    private Interest? _root;

    public Interest? Find(ReadOnlySpan<byte> key, KeyRangeEnd end)
    {
        Interest? node = _root;
        while (node is not null)
        {
            int order = Compare(key, end, node);
            if (order == 0)
            {
                return node;
            }

            node = order < 0 ? node.Left : node.Right;
        }

        return null;
    }

    public void Insert(Interest interest) => _root = Insert(_root, interest);

    public void Remove(Interest interest) => _root = Remove(_root, interest);

    /// <summary>Appends every range that holds <paramref name="key"/>.</summary>
    public void Stab(ReadOnlySpan<byte> key, List<Interest> into) => Stab(_root, key, into);

    private static void Stab(Interest? node, ReadOnlySpan<byte> key, List<Interest> into)
    {
        while (node is not null && node.FurthestEnd.IsAfter(key))
        {
            Stab(node.Left, key, into);
            if (key.SequenceCompareTo(node.Key) < 0)
            {
                return;
            }

            if (node.End.IsAfter(key))
            {
                into.Add(node);
            }

            node = node.Right;
        }
    }

    private static Interest Insert(Interest? node, Interest added)
    {
        if (node is null)
        {
            return added;
        }

        if (Compare(added.Key, added.End, node) < 0)
        {
            node.Left = Insert(node.Left, added);
            Update(node);
            return node.Left.Priority > node.Priority ? RotateRight(node) : node;
        }

        node.Right = Insert(node.Right, added);
        Update(node);
        return node.Right.Priority > node.Priority ? RotateLeft(node) : node;
    }

    private static Interest? Remove(Interest? node, Interest removed)
    {
        if (node is null)
        {
            return null;
        }

        if (ReferenceEquals(node, removed))
        {
            return Merge(node.Left, node.Right);
        }

        if (Compare(removed.Key, removed.End, node) < 0)
        {
            node.Left = Remove(node.Left, removed);
        }
        else
        {
            node.Right = Remove(node.Right, removed);
        }

        Update(node);
        return node;
    }

    private static Interest? Merge(Interest? left, Interest? right)
    {
        if (left is null || right is null)
        {
            return left ?? right;
        }

        if (left.Priority > right.Priority)
        {
            left.Right = Merge(left.Right, right);
            Update(left);
            return left;
        }

        right.Left = Merge(left, right.Left);
        Update(right);
        return right;
    }

    private static Interest RotateRight(Interest node)
    {
        Interest top = node.Left!;
        node.Left = top.Right;
        top.Right = node;
        Update(node);
        Update(top);
        return top;
    }

    private static Interest RotateLeft(Interest node)
    {
        Interest top = node.Right!;
        node.Right = top.Left;
        top.Left = node;
        Update(node);
        Update(top);
        return top;
    }

    private static void Update(Interest node)
    {
        KeyRangeEnd furthest = node.End;
        if (node.Left is { } left && left.FurthestEnd.CompareTo(furthest) > 0)
        {
            furthest = left.FurthestEnd;
        }

        if (node.Right is { } right && right.FurthestEnd.CompareTo(furthest) > 0)
        {
            furthest = right.FurthestEnd;
        }

        node.FurthestEnd = furthest;
    }

    private static int Compare(ReadOnlySpan<byte> key, KeyRangeEnd end, Interest node)
    {
        int byKey = key.SequenceCompareTo(node.Key);
        return byKey != 0 ? byKey : end.CompareTo(node.End);
    }
}
