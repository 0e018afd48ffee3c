using System.Runtime.CompilerServices;

namespace Etcd.Server.Storage.Index;

/// <summary>
/// A node of the counted B+tree. It never changes after the batch that made it is published; a later batch clones it.
/// Keys are handles into <see cref="Slabs"/>. So that a search seldom leaves the node, it also holds the length of the prefix
/// that all its keys share and the next eight bytes of each as a number; the keys themselves decide only where those tie.
/// </summary>
internal abstract class IndexNode
{
    /// <summary>The most keys in a node; one bit of a leaf's live map each.</summary>
    public const int KeysMax = 64;

    /// <summary>The batch that made this node and may still change it.</summary>
    public long Batch;

    /// <summary>How many keys (a leaf's) or separators (an inner node's, one less than its children).</summary>
    public int Count;

    /// <summary>The length of the prefix that all keys share.</summary>
    public int Skip;

    public Chunks64 Chunks;

    public Handles64 Keys;

    /// <summary>A copy that the given batch may change.</summary>
    public abstract IndexNode Clone(long batch);

    /// <summary>The first position whose key is not below the given one.</summary>
    public int LowerBound(Slabs slabs, ReadOnlySpan<byte> key, out bool found)
    {
        found = false;
        if (Count == 0)
            return 0;

        if (Skip > 0)
        {
            ReadOnlySpan<byte> shared = KeyRecord.Span(slabs, Keys[0])[..Skip];
            int order = key[..Math.Min(Skip, key.Length)].SequenceCompareTo(shared);
            if (order != 0)
                return order < 0 ? 0 : Count;
        }

        return Search(slabs, key, out found);
    }

    /// <summary>The position of exactly this key, or -1. Cheaper than <see cref="LowerBound"/>: a wrong prefix shows at the end.</summary>
    public int Find(Slabs slabs, ReadOnlySpan<byte> key)
    {
        ulong chunk = KeyRecord.Chunk(key, Skip);
        for (int at = FirstChunkNotBelow(chunk); at < Count && Chunks[at] == chunk; at++)
        {
            if (KeyRecord.Span(slabs, Keys[at]).SequenceEqual(key))
                return at;
        }

        return -1;
    }

    /// <summary>Puts a key at a position; the caller sees to order and room.</summary>
    public void InsertKey(Slabs slabs, int at, uint handle)
    {
        Span<uint> keys = Keys;
        Span<ulong> chunks = Chunks;
        keys[at..Count].CopyTo(keys[(at + 1)..]);
        chunks[at..Count].CopyTo(chunks[(at + 1)..]);
        keys[at] = handle;
        Count++;

        // Only a new first or last key can shorten the shared prefix: all others lie between these two.
        if ((at == 0 || at == Count - 1) && SharedPrefix(slabs) != Skip)
            Reindex(slabs);
        else
            chunks[at] = KeyRecord.Chunk(KeyRecord.Span(slabs, handle), Skip);
    }

    /// <summary>Takes a key out. A longer shared prefix is left for the next <see cref="Reindex"/>.</summary>
    public void RemoveKey(int at)
    {
        Span<uint> keys = Keys;
        Span<ulong> chunks = Chunks;
        keys[(at + 1)..Count].CopyTo(keys[at..]);
        chunks[(at + 1)..Count].CopyTo(chunks[at..]);
        Count--;
    }

    /// <summary>Recomputes the shared prefix and the chunks from the keys.</summary>
    public void Reindex(Slabs slabs)
    {
        Skip = Count == 0 ? 0 : SharedPrefix(slabs);
        for (int i = 0; i < Count; i++)
            Chunks[i] = KeyRecord.Chunk(KeyRecord.Span(slabs, Keys[i]), Skip);
    }

    /// <summary>Copies the base fields into a clone.</summary>
    protected void CopyBase(IndexNode to)
    {
        to.Count = Count;
        to.Skip = Skip;
        ((ReadOnlySpan<uint>)Keys)[..Count].CopyTo(to.Keys);
        ((ReadOnlySpan<ulong>)Chunks)[..Count].CopyTo(to.Chunks);
    }

    private int SharedPrefix(Slabs slabs) =>
        Count == 1 ? 0 : KeyRecord.Span(slabs, Keys[0]).CommonPrefixLength(KeyRecord.Span(slabs, Keys[Count - 1]));

    private int FirstChunkNotBelow(ulong chunk)
    {
        ref ulong chunks = ref Chunks[0];
        int low = 0;
        int length = Count;
        while (length > 0)
        {
            int half = length >> 1;
            if (Unsafe.Add(ref chunks, low + half) < chunk)
            {
                low += half + 1;
                length -= half + 1;
            }
            else
            {
                length = half;
            }
        }

        return low;
    }

    private int Search(Slabs slabs, ReadOnlySpan<byte> key, out bool found)
    {
        ulong chunk = KeyRecord.Chunk(key, Skip);
        int low = FirstChunkNotBelow(chunk);
        int high = low;
        while (high < Count && Chunks[high] == chunk)
            high++;

        found = false;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            int order = KeyRecord.Span(slabs, Keys[middle]).SequenceCompareTo(key);
            if (order == 0)
            {
                found = true;
                return middle;
            }

            if (order < 0)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }

    [InlineArray(KeysMax)]
    internal struct Chunks64
    {
        private ulong _first;
    }

    [InlineArray(KeysMax)]
    internal struct Handles64
    {
        private uint _first;
    }
}

/// <summary>Keys with a map of those that are not deleted as of the node's batch.</summary>
internal sealed class LeafNode : IndexNode
{
    /// <summary>Bit i: the key at position i exists.</summary>
    public ulong Live;

    /// <inheritdoc/>
    public override LeafNode Clone(long batch)
    {
        var clone = new LeafNode { Batch = batch, Live = Live };
        CopyBase(clone);
        return clone;
    }

    /// <summary>Whether the key at a position exists as of the node's batch.</summary>
    public bool IsLive(int at) => (Live & (1UL << at)) != 0;

    /// <summary>Live keys at positions below the given one.</summary>
    public int LiveBelow(int at) => System.Numerics.BitOperations.PopCount(at >= KeysMax ? Live : Live & ((1UL << at) - 1));

    /// <summary>Makes room in the live map.</summary>
    public void InsertLive(int at, bool live)
    {
        ulong below = (1UL << at) - 1;
        Live = (Live & below) | ((Live & ~below) << 1) | (live ? 1UL << at : 0);
    }

    /// <summary>Closes the gap of a removed key in the live map.</summary>
    public void RemoveLive(int at)
    {
        ulong below = (1UL << at) - 1;
        Live = (Live & below) | ((Live >> 1) & ~below);
    }
}

/// <summary>
/// Children with how many keys each holds, existing and in total. Separator i is above every key of child i and not above
/// any key of child i + 1.
/// </summary>
internal sealed class InnerNode : IndexNode
{
    /// <summary>The most children.</summary>
    public const int ChildrenMax = KeysMax;

    public Nodes64 Children;

    public Counts64 Live;

    public Counts64 Total;

    /// <summary>How many children.</summary>
    public int ChildCount => Count + 1;

    /// <inheritdoc/>
    public override InnerNode Clone(long batch)
    {
        var clone = new InnerNode { Batch = batch };
        CopyBase(clone);
        ((ReadOnlySpan<IndexNode>)Children)[..ChildCount].CopyTo(clone.Children);
        ((ReadOnlySpan<uint>)Live)[..ChildCount].CopyTo(clone.Live);
        ((ReadOnlySpan<uint>)Total)[..ChildCount].CopyTo(clone.Total);
        return clone;
    }

    /// <summary>The child in whose range a key lies.</summary>
    public int ChildOf(Slabs slabs, ReadOnlySpan<byte> key)
    {
        int at = LowerBound(slabs, key, out bool found);
        return found ? at + 1 : at;
    }

    /// <summary>Live keys in the children below a position.</summary>
    public long LiveBelow(int child) => Sum(((ReadOnlySpan<uint>)Live)[..child]);

    /// <summary>Live keys in all children.</summary>
    public long LiveSum() => Sum(((ReadOnlySpan<uint>)Live)[..ChildCount]);

    /// <summary>Keys in all children.</summary>
    public long TotalSum() => Sum(((ReadOnlySpan<uint>)Total)[..ChildCount]);

    /// <summary>Puts a child behind position <paramref name="after"/>, with the separator between the two.</summary>
    public void InsertChild(Slabs slabs, int after, uint separator, IndexNode child)
    {
        int children = ChildCount;
        int at = after + 1;
        Span<IndexNode> nodes = Children;
        Span<uint> live = Live;
        Span<uint> total = Total;
        nodes[at..children].CopyTo(nodes[(at + 1)..]);
        live[at..children].CopyTo(live[(at + 1)..]);
        total[at..children].CopyTo(total[(at + 1)..]);
        nodes[at] = child;
        InsertKey(slabs, after, separator);
        Recount(at);
    }

    /// <summary>Takes child <paramref name="at"/> out, and one separator beside it.</summary>
    /// <returns>The separator's handle, for the caller to retire.</returns>
    public uint RemoveChild(int at)
    {
        int children = ChildCount;
        Span<IndexNode> nodes = Children;
        Span<uint> live = Live;
        Span<uint> total = Total;
        nodes[(at + 1)..children].CopyTo(nodes[at..]);
        live[(at + 1)..children].CopyTo(live[at..]);
        total[(at + 1)..children].CopyTo(total[at..]);
        nodes[children - 1] = null!;
        int separator = at == 0 ? 0 : at - 1;
        uint handle = Keys[separator];
        RemoveKey(separator);
        return handle;
    }

    /// <summary>Takes the counts of a child from the child itself.</summary>
    public void Recount(int at)
    {
        if (Children[at] is LeafNode leaf)
        {
            Live[at] = (uint)leaf.LiveBelow(KeysMax);
            Total[at] = (uint)leaf.Count;
        }
        else
        {
            var inner = (InnerNode)Children[at];
            Live[at] = checked((uint)inner.LiveSum());
            Total[at] = checked((uint)inner.TotalSum());
        }
    }

    private static long Sum(ReadOnlySpan<uint> counts)
    {
        long sum = 0;
        foreach (uint count in counts)
            sum += count;

        return sum;
    }

    [InlineArray(ChildrenMax)]
    internal struct Nodes64
    {
        private IndexNode _first;
    }

    [InlineArray(ChildrenMax)]
    internal struct Counts64
    {
        private uint _first;
    }
}
