using Etcd.Server.Primitives;

namespace Etcd.Server.Storage.Index;

/// <summary>
/// The key index: every key with the revisions of its versions, in key order, as a counted B+tree. It knows revisions only,
/// never values or places in files.
/// <para>
/// The tree is copied on write per batch: <see cref="BeginBatch"/> closes the nodes of earlier batches to changes, so a root
/// taken by <see cref="Root"/> stays as it is for as long as someone holds it. Only what changes shape or counts copies nodes
/// (a key that is new, deleted, created again, or removed by compaction); a put to a key that exists appends to its versions
/// and copies nothing. A deleted key keeps its place, not live, until compaction.
/// </para>
/// Threads: all members from the writer's thread. Readers use <see cref="IndexReader"/> on a root that was published to them,
/// within a pin of <see cref="Epochs"/>.
/// </summary>
internal sealed partial class KeyIndex
{
    private const int DepthMax = 16;

    private readonly InnerNode[] _path = new InnerNode[DepthMax];
    private readonly int[] _pathChild = new int[DepthMax];
    private int _depth;
    private long _batch = 1;
    private IndexNode _root = new LeafNode();

    /// <summary>The slabs that hold keys and versions.</summary>
    public Slabs Slabs { get; } = new();

    /// <summary>The readers' pins.</summary>
    public EpochGate Epochs { get; } = new();

    /// <summary>The keys' versions.</summary>
    public KeyVersions Versions { get; }

    /// <summary>An index without keys.</summary>
    public KeyIndex() => Versions = new KeyVersions(Slabs);

    /// <summary>The tree as it is now. Publish it only together with <see cref="BeginBatch"/>.</summary>
    public IndexNode Root => _root;

    /// <summary>Nodes made so far are never changed again.</summary>
    public void BeginBatch() => _batch++;

    /// <summary>Frees what no reader can see any more. Cheap; called once a batch.</summary>
    /// <returns>Whether the epoch has moved.</returns>
    public bool Collect()
    {
        if (!Epochs.TryAdvance())
            return false;

        Slabs.Reclaim();
        return true;
    }

    /// <summary>Records a put.</summary>
    /// <param name="key">The key.</param>
    /// <param name="revision">Above every revision in the index.</param>
    /// <param name="hasLease">Whether the record names a lease.</param>
    /// <param name="previous">The version before, if the key exists.</param>
    /// <param name="handle">The key's handle, good until compaction removes the key.</param>
    /// <returns>Whether the key existed.</returns>
    public bool Put(ReadOnlySpan<byte> key, Revision revision, bool hasLease, out KeyVersion previous, out uint handle)
    {
        LeafNode leaf = Locate(key);
        int at = leaf.Find(Slabs, key);
        if (at < 0)
        {
            previous = default;
            handle = Insert(key);
            Versions.Append(handle, revision, newGeneration: true, tombstone: false, hasLease);
            return false;
        }

        handle = leaf.Keys[at];
        bool existed = leaf.IsLive(at);
        previous = existed ? Versions.Newest(handle) : default;
        Versions.Append(handle, revision, newGeneration: !existed, tombstone: false, hasLease);
        if (!existed)
            SetLive(at, live: true);

        return existed;
    }

    /// <summary>Records the deletion of a key that exists.</summary>
    /// <param name="key">The key.</param>
    /// <param name="revision">Above every revision in the index.</param>
    /// <param name="previous">The version that is deleted.</param>
    /// <param name="handle">The key's handle.</param>
    /// <returns>False, and nothing changed, if the key does not exist.</returns>
    public bool Delete(ReadOnlySpan<byte> key, Revision revision, out KeyVersion previous, out uint handle)
    {
        LeafNode leaf = Locate(key);
        int at = leaf.Find(Slabs, key);
        if (at < 0 || !leaf.IsLive(at))
        {
            previous = default;
            handle = 0;
            return false;
        }

        handle = leaf.Keys[at];
        previous = Versions.Newest(handle);
        Versions.Append(handle, revision, newGeneration: false, tombstone: true, hasLease: false);
        SetLive(at, live: false);
        return true;
    }

    /// <summary>
    /// Records a version of a stored history, of which a compaction may have dropped what was before: a key that is not known
    /// begins with the version that the record says.
    /// </summary>
    /// <param name="key">The key.</param>
    /// <param name="version">The version; its revision is above every revision in the index.</param>
    /// <param name="handle">The key's handle.</param>
    /// <returns>False, and nothing changed, if it deletes a key that was deleted already.</returns>
    public bool Restore(ReadOnlySpan<byte> key, in KeyVersion version, out uint handle)
    {
        if (Locate(key).Find(Slabs, key) >= 0)
        {
            return version.IsTombstone
                ? Delete(key, version.Modified, out _, out handle)
                : PutAgain(key, version, out handle);
        }

        handle = Insert(key);
        Versions.Restore(handle, version);
        if (version.IsTombstone)
            SetLive(Locate(key).Find(Slabs, key), live: false);

        return true;
    }

    /// <summary>
    /// Drops versions of a key that a compaction has made unreachable, and the key itself if none is left. One call does a
    /// bounded piece.
    /// </summary>
    /// <param name="handle">The key's handle.</param>
    /// <param name="atMain">The revision compacted to; no reader below it is left.</param>
    /// <param name="dropped">Receives what was dropped.</param>
    /// <returns>Whether to call again for the same key.</returns>
    public bool Compact(uint handle, long atMain, List<Revision> dropped)
    {
        KeyCompaction outcome = Versions.Compact(handle, atMain, dropped);
        if (outcome == KeyCompaction.Empty)
            Remove(handle);

        return outcome == KeyCompaction.More;
    }

    private bool PutAgain(ReadOnlySpan<byte> key, in KeyVersion version, out uint handle)
    {
        Put(key, version.Modified, version.HasLease, out _, out handle);
        return true;
    }

    // Fills the path from the root to the leaf in whose range the key lies.
    private LeafNode Locate(ReadOnlySpan<byte> key)
    {
        _depth = 0;
        IndexNode node = _root;
        while (node is InnerNode inner)
        {
            int child = inner.ChildOf(Slabs, key);
            _path[_depth] = inner;
            _pathChild[_depth++] = child;
            node = inner.Children[child];
        }

        return (LeafNode)node;
    }

    // Makes the located path belong to this batch; nodes that do already are changed in place.
    private LeafNode EditPath()
    {
        for (int level = 0; level < _depth; level++)
        {
            InnerNode inner = _path[level];
            if (inner.Batch == _batch)
                continue;

            inner = inner.Clone(_batch);
            _path[level] = inner;
            Link(level, inner);
        }

        var leaf = (LeafNode)(_depth == 0 ? _root : _path[_depth - 1].Children[_pathChild[_depth - 1]]);
        if (leaf.Batch != _batch)
        {
            leaf = leaf.Clone(_batch);
            Link(_depth, leaf);
        }

        return leaf;
    }

    private void Link(int level, IndexNode node)
    {
        if (level == 0)
            _root = node;
        else
            _path[level - 1].Children[_pathChild[level - 1]] = node;
    }

    private void SetLive(int at, bool live)
    {
        LeafNode leaf = EditPath();
        leaf.Live ^= 1UL << at;
        Invariant.Check(leaf.IsLive(at) == live, "a live key is deleted and a dead one created");
        for (int level = 0; level < _depth; level++)
            _path[level].Live[_pathChild[level]] += live ? 1u : uint.MaxValue;
    }
}
