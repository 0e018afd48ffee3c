using System.Runtime.CompilerServices;

namespace Etcd.Server.Storage.Index;

/// <summary>A position in one root of the index, moving up in key order. Holds the path on the stack and allocates nothing.</summary>
internal ref struct IndexWalker
{
    private const int DepthMax = 16;

    private Path _path;
    private Steps _steps;
    private int _depth;
    private LeafNode _leaf;
    private int _at;

    /// <summary>Whether the position is at a key; false behind the last.</summary>
    public readonly bool IsValid => _at < _leaf.Count;

    /// <summary>The key's handle.</summary>
    public readonly uint Key => _leaf.Keys[_at];

    /// <summary>Whether the key exists as of the root.</summary>
    public readonly bool IsLive => _leaf.IsLive(_at);

    /// <summary>Goes to the next key.</summary>
    public void Next()
    {
        if (++_at >= _leaf.Count)
            NextLeaf();
    }

    internal void Seek(Slabs slabs, IndexNode node, ReadOnlySpan<byte> key)
    {
        while (node is InnerNode inner)
            node = Push(inner, inner.ChildOf(slabs, key));

        _leaf = (LeafNode)node;
        _at = _leaf.LowerBound(slabs, key, out _);
        if (_at >= _leaf.Count)
            NextLeaf();
    }

    internal void SeekLiveRank(IndexNode node, long rank)
    {
        while (node is InnerNode inner)
        {
            int child = 0;
            for (; child < inner.Count && rank >= inner.Live[child]; child++)
                rank -= inner.Live[child];

            node = Push(inner, child);
        }

        _leaf = (LeafNode)node;
        for (_at = 0; _at < _leaf.Count; _at++)
        {
            if (_leaf.IsLive(_at) && rank-- == 0)
                return;
        }

        NextLeaf();
    }

    private IndexNode Push(InnerNode inner, int child)
    {
        _path[_depth] = inner;
        _steps[_depth++] = child;
        return inner.Children[child];
    }

    private void NextLeaf()
    {
        int level = _depth - 1;
        while (level >= 0 && _steps[level] == _path[level].Count)
            level--;

        if (level < 0)
        {
            _at = _leaf.Count;
            return;
        }

        _depth = level;
        IndexNode node = Push(_path[level], _steps[level] + 1);
        while (node is InnerNode inner)
            node = Push(inner, 0);

        _leaf = (LeafNode)node;
        _at = 0;
    }

    [InlineArray(DepthMax)]
    private struct Path
    {
        private InnerNode _first;
    }

    [InlineArray(DepthMax)]
    private struct Steps
    {
        private int _first;
    }
}
