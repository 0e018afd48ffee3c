using System.Buffers.Binary;
using System.Text;
using Etcd.Server.Primitives;

namespace Etcd.Server.Bolt;

/// <summary>
/// Writes a whole bbolt database from front to back. Making the writer goes through all content once and computes where
/// everything goes, so that <see cref="Length"/> is exact; <see cref="WriteTo"/> goes through it again. Memory: some 20 bytes per
/// page of content and a buffer, never the content. Every page below the high-water mark is in use, as bbolt's full check asks.
/// Used by one thread.
/// </summary>
public sealed class BoltWriter
{
    private const int BufferBytes = 256 * 1024;

    // The page of an even transaction is the first one, so bbolt's next write goes to the other.
    private const ulong Transaction = 2;
    private const int MetaPages = 2;

    private readonly IReadOnlyList<BoltBucket> _buckets;
    private readonly List<BoltPlan> _plans = [];
    private readonly BoltPlan _root;
    private readonly ulong _pages;
    private readonly PageOutput _output = new(BufferBytes);

    /// <summary>Lays out a database.</summary>
    /// <param name="buckets">Its buckets, in any order; names differ.</param>
    public BoltWriter(IEnumerable<BoltBucket> buckets)
    {
        _buckets = [.. buckets.OrderBy(b => b.Name, StringComparer.Ordinal)];
        ulong next = MetaPages;
        foreach (BoltBucket bucket in _buckets)
        {
            var plan = BoltPlan.Of(bucket.Open(), next);
            _plans.Add(plan);
            next += plan.Pages;
        }

        _root = BoltPlan.Of(RootEntries().Open(), next);
        _pages = next + _root.Pages;
    }

    /// <summary>The bytes of the whole file.</summary>
    public long Length => checked((long)_pages * BoltFormat.PageBytes);

    /// <summary>Writes the file.</summary>
    /// <param name="target">Where to; only written to, in pieces of 256 KiB or more.</param>
    public void WriteTo(Stream target)
    {
        _output.Begin(target);
        WriteMeta(0, Transaction);
        WriteMeta(1, Transaction - 1);
        for (int at = 0; at < _buckets.Count; at++)
            WriteTree(_plans[at], _buckets[at].Open(), elementFlags: 0);

        WriteTree(_root, RootEntries().Open(), BoltFormat.BucketFlag);
        Invariant.Check(_output.Written + _output.Pending == Length, "a database is as long as its plan says");
        _output.Flush();
    }

    private BoltBucket RootEntries()
    {
        var entries = new List<KeyValuePair<byte[], byte[]>>();
        for (int at = 0; at < _buckets.Count; at++)
        {
            var value = new byte[BoltFormat.BucketHeaderBytes];
            BinaryPrimitives.WriteUInt64LittleEndian(value, _plans[at].Root);
            entries.Add(new(Encoding.Latin1.GetBytes(_buckets[at].Name), value));
        }

        return BoltBucket.Of("", entries);
    }

    private void WriteMeta(ulong page, ulong transaction)
    {
        Span<byte> bytes = _output.Take(BoltFormat.PageBytes);
        BoltFormat.WritePageHeader(bytes, page, BoltFormat.Meta, count: 0, overflow: 0);
        BoltFormat.WriteMeta(
            bytes[BoltFormat.PageHeaderBytes..], new BoltMeta(BoltFormat.PageBytes, _root.Root, _pages, transaction));
    }

    private void WriteTree(BoltPlan plan, BoltCursor content, uint elementFlags)
    {
        ulong page = plan.FirstPage;
        var keys = new FirstKeys(plan.Leaves.Count);
        foreach (BoltPlan.Node leaf in plan.Leaves)
        {
            keys.Begin(page);
            WriteLeaf(leaf, page, content, elementFlags, keys);
            page += leaf.Pages;
        }

        Invariant.Check(!content.MoveNext(), "the content of a bucket is the same each time it is gone through");
        foreach (IReadOnlyList<BoltPlan.Node> level in plan.Branches)
        {
            var above = new FirstKeys(level.Count);
            int child = 0;
            foreach (BoltPlan.Node branch in level)
            {
                above.Begin(page);
                above.Append(keys.Key(child));
                WriteBranch(branch, page, keys, child);
                child += branch.Count;
                page += branch.Pages;
            }

            keys = above;
        }
    }

    private void WriteLeaf(BoltPlan.Node leaf, ulong page, BoltCursor content, uint elementFlags, FirstKeys keys)
    {
        Span<byte> bytes = _output.Take(checked((int)(leaf.Pages * BoltFormat.PageBytes)));
        BoltFormat.WritePageHeader(bytes, page, BoltFormat.Leaf, leaf.Count, (long)leaf.Pages - 1);
        int element = BoltFormat.PageHeaderBytes;
        int data = element + (leaf.Count * BoltFormat.LeafElementBytes);
        for (int i = 0; i < leaf.Count; i++)
        {
            Invariant.Check(content.MoveNext(), "the content of a bucket is the same each time it is gone through");
            ReadOnlySpan<byte> key = content.Key;
            ReadOnlySpan<byte> value = content.Value;
            Invariant.Check(data + key.Length + (long)value.Length <= leaf.Bytes, "a leaf holds what its plan says");
            if (i == 0)
                keys.Append(key);

            Span<byte> head = bytes[element..];
            BinaryPrimitives.WriteUInt32LittleEndian(head, elementFlags);
            BinaryPrimitives.WriteUInt32LittleEndian(head[4..], (uint)(data - element));
            BinaryPrimitives.WriteUInt32LittleEndian(head[8..], (uint)key.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(head[12..], (uint)value.Length);
            key.CopyTo(bytes[data..]);
            value.CopyTo(bytes[(data + key.Length)..]);
            element += BoltFormat.LeafElementBytes;
            data += key.Length + value.Length;
        }

        Invariant.Check(data == leaf.Bytes, "a leaf holds what its plan says");
    }

    private void WriteBranch(BoltPlan.Node branch, ulong page, FirstKeys keys, int firstChild)
    {
        Span<byte> bytes = _output.Take(checked((int)(branch.Pages * BoltFormat.PageBytes)));
        BoltFormat.WritePageHeader(bytes, page, BoltFormat.Branch, branch.Count, (long)branch.Pages - 1);
        int element = BoltFormat.PageHeaderBytes;
        int data = element + (branch.Count * BoltFormat.BranchElementBytes);
        for (int i = 0; i < branch.Count; i++)
        {
            ReadOnlySpan<byte> key = keys.Key(firstChild + i);
            Span<byte> head = bytes[element..];
            BinaryPrimitives.WriteUInt32LittleEndian(head, (uint)(data - element));
            BinaryPrimitives.WriteUInt32LittleEndian(head[4..], (uint)key.Length);
            BinaryPrimitives.WriteUInt64LittleEndian(head[8..], keys.Page(firstChild + i));
            key.CopyTo(bytes[data..]);
            element += BoltFormat.BranchElementBytes;
            data += key.Length;
        }
    }

    /// <summary>The first keys and pages of the nodes of one level, which the level above consists of.</summary>
    private sealed class FirstKeys(int nodes)
    {
        private readonly List<(ulong Page, int End)> _nodes = new(nodes);
        private readonly List<byte> _bytes = [];

        public void Begin(ulong page) => _nodes.Add((page, _bytes.Count));

        public void Append(ReadOnlySpan<byte> key)
        {
            _bytes.AddRange(key);
            _nodes[^1] = (_nodes[^1].Page, _bytes.Count);
        }

        public ulong Page(int node) => _nodes[node].Page;

        public ReadOnlySpan<byte> Key(int node)
        {
            int start = node == 0 ? 0 : _nodes[node - 1].End;
            return System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_bytes)[start.._nodes[node].End];
        }
    }

    /// <summary>Collects pages until they are worth a write.</summary>
    private sealed class PageOutput(int bufferBytes)
    {
        private byte[] _buffer = [];
        private Stream _target = Stream.Null;

        public long Written { get; private set; }

        public int Pending { get; private set; }

        public void Begin(Stream target)
        {
            Invariant.Check(Written == 0 && Pending == 0, "a database is written once");
            _target = target;
            _buffer = new byte[bufferBytes];
        }

        /// <summary>Room for so many bytes, all zero.</summary>
        public Span<byte> Take(int bytes)
        {
            if (Pending + bytes > _buffer.Length)
            {
                Flush();
                if (bytes > _buffer.Length)
                    _buffer = new byte[bytes];
            }

            Span<byte> room = _buffer.AsSpan(Pending, bytes);
            room.Clear();
            Pending += bytes;
            return room;
        }

        public void Flush()
        {
            _target.Write(_buffer.AsSpan(0, Pending));
            Written += Pending;
            Pending = 0;
        }
    }
}
