using Etcd.Server.Primitives;

namespace Etcd.Server.Bolt;

/// <summary>
/// Where the pages of one bucket's tree go: a pure function of the keys' and values' lengths. First all leaves, then the
/// branches above them, level by level, the root last; so every page is complete when it is written.
/// <para>
/// Pages are filled to the end, because the key bucket, which is nearly everything, only ever grows at its end. A node that
/// does not fit a page gets the pages behind it too. A branch always has two children: bbolt gives up on a branch
/// that has one when it next deletes something below it.
/// </para>
/// </summary>
internal sealed class BoltPlan
{
    private readonly List<List<Node>> _levels = [];

    private BoltPlan(List<Node> leaves, ulong firstPage)
    {
        _levels.Add(leaves);
        while (_levels[^1].Count > 1)
            _levels.Add(BranchesOver(_levels[^1]));

        Branches = _levels.GetRange(1, _levels.Count - 1);
        FirstPage = firstPage;
        ulong pages = 0;
        foreach (List<Node> level in _levels)
        {
            foreach (Node node in level)
                pages += node.Pages;
        }

        Pages = pages;
        Root = firstPage + pages - _levels[^1][0].Pages;
    }

    /// <summary>The number of the first page.</summary>
    public ulong FirstPage { get; }

    /// <summary>How many pages the tree takes.</summary>
    public ulong Pages { get; }

    /// <summary>The number of the root's page.</summary>
    public ulong Root { get; }

    /// <summary>The leaves; at least one, which may be empty.</summary>
    public IReadOnlyList<Node> Leaves => _levels[0];

    /// <summary>The levels above the leaves, from below; the last has one node. None if the leaf is the root.</summary>
    public IReadOnlyList<IReadOnlyList<Node>> Branches { get; }

    /// <summary>Lays out a bucket.</summary>
    /// <param name="content">Its content.</param>
    /// <param name="firstPage">The first page that is free.</param>
    public static BoltPlan Of(BoltCursor content, ulong firstPage)
    {
        var leaves = new List<Node>();
        int count = 0;
        int firstKey = 0;
        long bytes = BoltFormat.PageHeaderBytes;
        while (content.MoveNext())
        {
            int key = content.Key.Length;
            Invariant.Check(key is > 0 and <= BoltFormat.KeyBytesMax, "a key of a bbolt database has 1 to 32768 bytes");
            long size = BoltFormat.LeafElementBytes + key + (long)content.Value.Length;
            if (count > 0 && bytes + size > BoltFormat.PageBytes)
            {
                leaves.Add(new Node(count, bytes, firstKey));
                count = 0;
                bytes = BoltFormat.PageHeaderBytes;
            }

            if (count == 0)
                firstKey = key;

            count++;
            bytes += size;
        }

        if (count > 0 || leaves.Count == 0)
            leaves.Add(new Node(count, bytes, firstKey));

        return new BoltPlan(leaves, firstPage);
    }

    private static List<Node> BranchesOver(List<Node> children)
    {
        var branches = new List<Node>();
        for (int at = 0; at < children.Count;)
        {
            int count = 0;
            long bytes = BoltFormat.PageHeaderBytes;
            for (; at + count < children.Count; count++)
            {
                int size = BoltFormat.BranchElementBytes + children[at + count].FirstKeyBytes;
                if (count >= 2 && bytes + size > BoltFormat.PageBytes)
                    break;

                bytes += size;
            }

            // One child would be left over for the last branch: it takes another one from here, or comes here itself.
            if (at + count == children.Count - 1)
            {
                int move = count > 2 ? -1 : 1;
                Node moved = children[move < 0 ? at + count - 1 : at + count];
                bytes += move * (BoltFormat.BranchElementBytes + moved.FirstKeyBytes);
                count += move;
            }

            branches.Add(new Node(count, bytes, children[at].FirstKeyBytes));
            at += count;
        }

        return branches;
    }

    /// <summary>A node of the tree.</summary>
    /// <param name="Count">How many elements.</param>
    /// <param name="Bytes">Bytes in use, the page's head included.</param>
    /// <param name="FirstKeyBytes">The length of its first key.</param>
    internal readonly record struct Node(int Count, long Bytes, int FirstKeyBytes)
    {
        /// <summary>How many pages it takes.</summary>
        public ulong Pages => (ulong)((Bytes + BoltFormat.PageBytes - 1) / BoltFormat.PageBytes);
    }
}
