using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Etcd.Server.Primitives;

namespace Etcd.Server.Bolt;

/// <summary>Writes the nodes of one bucket's tree one after the other, in the order of its plan.</summary>
internal sealed class BoltTreeWriter
{
    private readonly BoltPlan _plan;
    private readonly BoltCursor _content;
    private readonly uint _elementFlags;
    private ulong _page;
    private int _level;
    private int _node;
    private int _child;
    private FirstKeys _below = new(0);
    private FirstKeys _keys;

    public BoltTreeWriter(BoltPlan plan, BoltCursor content, uint elementFlags)
    {
        _plan = plan;
        _content = content;
        _elementFlags = elementFlags;
        _page = plan.FirstPage;
        _keys = new FirstKeys(plan.Leaves.Count);
    }

    /// <summary>How many bytes the next node takes; 0 behind the last.</summary>
    public int NextBytes => _level > _plan.Branches.Count ? 0 : checked((int)(Next.Pages * BoltFormat.PageBytes));

    private BoltPlan.Node Next => Level[_node];

    private IReadOnlyList<BoltPlan.Node> Level => _level == 0 ? _plan.Leaves : _plan.Branches[_level - 1];

    /// <summary>Writes the next node.</summary>
    /// <param name="bytes">Room for it, all zero.</param>
    public void WriteNext(Span<byte> bytes)
    {
        BoltPlan.Node node = Next;
        _keys.Begin(_page);
        if (_level == 0)
            WriteLeaf(node, bytes);
        else
            WriteBranch(node, bytes);

        _page += node.Pages;
        if (++_node == Level.Count)
            EndLevel();
    }

    private void EndLevel()
    {
        Invariant.Check(_level > 0 || !_content.MoveNext(), "the content of a bucket is the same each time it is gone through");
        _level++;
        _node = 0;
        _child = 0;
        _below = _keys;
        _keys = new FirstKeys(_level > _plan.Branches.Count ? 0 : Level.Count);
    }

    private void WriteLeaf(BoltPlan.Node leaf, Span<byte> bytes)
    {
        BoltFormat.WritePageHeader(bytes, _page, BoltFormat.Leaf, leaf.Count, (long)leaf.Pages - 1);
        int element = BoltFormat.PageHeaderBytes;
        int data = element + (leaf.Count * BoltFormat.LeafElementBytes);
        for (int i = 0; i < leaf.Count; i++)
        {
            Invariant.Check(_content.MoveNext(), "the content of a bucket is the same each time it is gone through");
            ReadOnlySpan<byte> key = _content.Key;
            ReadOnlySpan<byte> value = _content.Value;
            Invariant.Check(data + key.Length + (long)value.Length <= leaf.Bytes, "a leaf holds what its plan says");
            if (i == 0)
                _keys.Append(key);

            Span<byte> head = bytes[element..];
            BinaryPrimitives.WriteUInt32LittleEndian(head, _elementFlags);
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

    private void WriteBranch(BoltPlan.Node branch, Span<byte> bytes)
    {
        BoltFormat.WritePageHeader(bytes, _page, BoltFormat.Branch, branch.Count, (long)branch.Pages - 1);
        _keys.Append(_below.Key(_child));
        int element = BoltFormat.PageHeaderBytes;
        int data = element + (branch.Count * BoltFormat.BranchElementBytes);
        for (int i = 0; i < branch.Count; i++, _child++)
        {
            ReadOnlySpan<byte> key = _below.Key(_child);
            Span<byte> head = bytes[element..];
            BinaryPrimitives.WriteUInt32LittleEndian(head, (uint)(data - element));
            BinaryPrimitives.WriteUInt32LittleEndian(head[4..], (uint)key.Length);
            BinaryPrimitives.WriteUInt64LittleEndian(head[8..], _below.Page(_child));
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
            return CollectionsMarshal.AsSpan(_bytes)[start.._nodes[node].End];
        }
    }
}
