using Etcd.Server.Storage.Index;
using Etcd.Server.Storage.Log;

namespace Etcd.Server.Storage;

/// <summary>A hash of the history up to a revision.</summary>
/// <param name="Hash">The hash.</param>
/// <param name="CompactRevision">The compaction that it counts from.</param>
/// <param name="Revision">The last revision in it.</param>
public readonly record struct HistoryHash(uint Hash, long CompactRevision, long Revision);

/// <content>HashKV.</content>
public sealed partial class MvccStore
{
    private const int StoredHashesMax = 10;

    private HistoryHash[] _storedHashes = [];

    /// <summary>The hashes that the last compactions have left, oldest first; at most ten, as in etcd. Any thread.</summary>
    public IReadOnlyList<HistoryHash> CompactionHashes => Volatile.Read(ref _storedHashes);

    /// <summary>
    /// The hash of the history up to a revision, equal to etcd's for the same history. Any thread; takes time in proportion to
    /// the records, during which compaction drops nothing. For a revision that was compacted to, the hash that the compaction
    /// has left is returned, with the compaction before it.
    /// </summary>
    /// <param name="revision">The revision; 0 for the current one. Below 0 there is nothing, and, as in etcd, the hash is one of nothing.</param>
    /// <param name="hash">The hash.</param>
    /// <param name="currentRevision">The store's revision.</param>
    /// <returns>Ok, or why there is none.</returns>
    public ReadStatus HashKv(long revision, out HistoryHash hash, out long currentRevision) =>
        HashKv(revision, CancellationToken.None, out hash, out currentRevision);

    /// <summary>As the other, for one who may not want it any more: while it lasts compaction waits.</summary>
    /// <param name="revision">The revision; 0 or less for the current one.</param>
    /// <param name="cancellation">Ends it, within some hundred records.</param>
    /// <param name="hash">The hash.</param>
    /// <param name="currentRevision">The store's revision.</param>
    /// <returns>Ok, or why there is none.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public ReadStatus HashKv(long revision, CancellationToken cancellation, out HistoryHash hash, out long currentRevision)
    {
        foreach (HistoryHash stored in Volatile.Read(ref _storedHashes))
        {
            if (stored.Revision != revision)
                continue;

            hash = stored;
            currentRevision = CurrentRevision;
            return ReadStatus.Ok;
        }

        using EpochGate.Pin pin = Enter(out StoreState state);
        hash = default;
        currentRevision = state.Revision;
        if (revision < 0)
        {
            hash = new HistoryHash(HistoryHasher.OfNothing, state.CompactRevision, revision);
            return ReadStatus.Ok;
        }

        ReadStatus status = RangeExecutor.Resolve(state, revision, out long atMain);
        if (status != ReadStatus.Ok)
            return status;

        var hasher = new HistoryHasher(state.Index, state.CompactRevision, atMain, tombstonesKept: false);
        var walker = new LogWalker(state.Segments, default);
        for (int at = 0; walker.TryNext(atMain, out LogRecord record); at++)
        {
            if ((at & 255) == 0)
                cancellation.ThrowIfCancellationRequested();

            hasher.Add(record);
        }

        hash = new HistoryHash(hasher.Value, state.CompactRevision, atMain);
        return ReadStatus.Ok;
    }

    private void StoreHash(HistoryHash hash)
    {
        // Compactions come in ascending order, so appending keeps the list sorted.
        HistoryHash[] all = [.. _storedHashes, hash];
        Volatile.Write(ref _storedHashes, all.Length > StoredHashesMax ? all[^StoredHashesMax..] : all);
    }
}
