namespace Etcd.Server.Storage.Index;

/// <summary>
/// Fills an empty index with versions that come in the order of their keys, and of one key in the order of history. Leaves are filled
/// one behind the other and the levels above are put on top at the end, so that no key is looked for in the tree.
/// Threads: one; the index belongs to nobody else until <see cref="Finish"/>.
/// </summary>
/// <param name="index">The index, without keys.</param>
internal sealed class KeyIndexBuilder(KeyIndex index)
{
    /// <summary>What a node gets. Not all that it can hold: the first new key of each would split it.</summary>
    private const int Fill = IndexNode.KeysMax * 7 / 8;

    private readonly List<Built> _leaves = [];
    private LeafNode _leaf = index.NewLeaf();
    private uint _last;

    /// <summary>Adds a version, as <see cref="KeyIndex.Restore"/> does.</summary>
    /// <param name="key">The key: that of the version before, or one behind it.</param>
    /// <param name="version">The version.</param>
    /// <param name="handle">The key's handle.</param>
    /// <returns>False, and nothing changed, if it deletes a key that was deleted already.</returns>
    /// <exception cref="InvalidDataException">The key is before that of the version before.</exception>
    public bool TryAdd(ReadOnlySpan<byte> key, in KeyVersion version, out uint handle)
    {
        int order = _last == 0 ? 1 : key.SequenceCompareTo(KeyRecord.Span(index.Slabs, _last));
        if (order < 0)
            throw new InvalidDataException($"the key of revision {version.Modified} is not in its place");

        if (order == 0)
        {
            handle = _last;
            return TryAppend(version);
        }

        if (_leaf.Count == Fill)
            EndLeaf();

        handle = _last = KeyRecord.Create(index.Slabs, key);
        index.Versions.Restore(handle, version);
        _leaf.Keys[_leaf.Count] = handle;
        _leaf.Live |= version.IsTombstone ? 0 : 1UL << _leaf.Count;
        _leaf.Count++;
        return true;
    }

    /// <summary>Makes the tree. Nothing may be added any more.</summary>
    public void Finish()
    {
        if (_leaf.Count > 0)
            EndLeaf();

        List<Built> level = _leaves;
        while (level.Count > 1)
            level = LevelAbove(level);

        index.Adopt(level.Count == 0 ? _leaf : level[0].Node);
    }

    private bool TryAppend(in KeyVersion version)
    {
        int at = _leaf.Count - 1;
        bool isLive = _leaf.IsLive(at);
        if (version.IsTombstone && !isLive)
            return false;

        index.Versions.Append(_last, version.Modified, newGeneration: !isLive, version.IsTombstone, version.HasLease);
        if (isLive == version.IsTombstone)
            _leaf.Live ^= 1UL << at;

        return true;
    }

    private void EndLeaf()
    {
        _leaf.Reindex(index.Slabs);
        _leaves.Add(new Built(_leaf, _leaf.Keys[0], _last));
        _leaf = index.NewLeaf();
    }

    // In groups of about the same size, so that none is nearly empty.
    private List<Built> LevelAbove(List<Built> level)
    {
        int groups = (level.Count + Fill - 1) / Fill;
        var above = new List<Built>(groups);
        for (int group = 0; group < groups; group++)
        {
            int from = (int)((long)level.Count * group / groups);
            int to = (int)((long)level.Count * (group + 1) / groups);
            above.Add(new Built(index.NewInner(level[from..to]), level[from].First, level[to - 1].Last));
        }

        return above;
    }

    /// <summary>A node, and the first and the last key below it.</summary>
    internal readonly record struct Built(IndexNode Node, uint First, uint Last);
}
