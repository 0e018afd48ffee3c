using System.Diagnostics.CodeAnalysis;
using Etcd.Server.Primitives;
using Etcd.Server.Storage.Disk;
using Etcd.Server.Storage.Log;

namespace Etcd.Server.Storage;

/// <summary>How a piece of background work ended.</summary>
public enum StoreWork
{
    /// <summary>Nothing is to be done.</summary>
    None,

    /// <summary>A piece was done; there may be more.</summary>
    Worked,

    /// <summary>Work waits for readers of an older state to end. Try again after a moment.</summary>
    Waiting,
}

/// <content>
/// Compaction. <see cref="Compact"/> marks: from its publication on reads below the revision are refused. The work follows in
/// small pieces by <see cref="RunOnce"/>, each compaction by itself and in order:
/// first wait until no read from before the mark is left, because such a read may still want what is to be dropped;
/// then hash the history, because etcd's hash of a compaction covers what it drops;
/// then drop versions from the index and mark their records dead. The space comes back by itself: what a checkpoint writes leaves the
/// dead out, and files of which too much is dead are copied (<see cref="MvccStore.RunDiskOnce"/>).
/// <para>
/// Which keys have something to drop is read off the log: a version dies by a later write, so every such key has a record
/// after the compaction before and up to this one, or a tombstone exactly at the compaction before, which that one had to keep.
/// </para>
/// </content>
public sealed partial class MvccStore
{
    private const int HashBytesPerStep = 256 * 1024;
    private const int DropRecordsPerStep = 256;

    private readonly Queue<Compaction> _compactions = new();
    private readonly List<Revision> _dropped = [];

    /// <summary>The last compaction whose work is done; -1 if none is. The writer's thread.</summary>
    public long FinishedCompactRevision { get; private set; } = -1;

    /// <summary>
    /// Compacts the history up to a revision: what no read at or after it needs may be dropped from now on. Not inside a
    /// transaction.
    /// </summary>
    /// <param name="revision">The revision; it stays readable itself.</param>
    /// <returns>Ok; Compacted if that was done before; FutureRevision if it is above the current one.</returns>
    public ReadStatus Compact(long revision)
    {
        Invariant.Check(!_txn.IsOpen, "no compaction inside a transaction");
        if (revision <= _compactRevision)
            return ReadStatus.Compacted;

        if (revision > _revision)
            return ReadStatus.FutureRevision;

        _compactions.Enqueue(new Compaction(this, revision, _compactRevision, keepsHash: true));
        _compactRevision = revision;
        return ReadStatus.Ok;
    }

    /// <summary>
    /// Does the next piece of background work: some tens of microseconds, bounded by a few hundred records or one segment.
    /// Only between batches.
    /// </summary>
    /// <returns>What came of it.</returns>
    public StoreWork RunOnce()
    {
        if (_isAbandoned)
            return StoreWork.None;

        Invariant.Check(!_txn.IsOpen && _view.State.Revision == _revision, "background work is done between batches");
        if (_compactions.TryPeek(out Compaction? compaction) && !IsDamaged)
            return RunCompaction(compaction);

        BeginRewrite();
        bool waits = CloseFiles();
        if (!_index.Slabs.HasRetired)
            return waits ? StoreWork.Waiting : StoreWork.None;

        return _index.Collect() ? StoreWork.Worked : StoreWork.Waiting;
    }

    private static StoreWork RunCompaction(Compaction compaction)
    {
        try
        {
            return compaction.RunOnce();
        }
        catch (StoreException)
        {
            // What it hashes is lost; that was told where it was read. It goes on in the state that comes in this one's place.
            return StoreWork.None;
        }
    }

    private bool DropVersionsOf(uint key, long revision)
    {
        _dropped.Clear();
        bool more = _index.Compact(key, revision, _dropped);
        foreach (Revision dropped in _dropped)
            _log.MarkDead(dropped);

        return more;
    }

    /// <summary>The work of one compaction, as a small state machine.</summary>
    /// <param name="store">The store.</param>
    /// <param name="revision">The revision that is compacted to.</param>
    /// <param name="previous">The compaction before.</param>
    /// <param name="keepsHash">
    /// Whether the hash of what it drops is kept. Not that of a compaction that has begun elsewhere: part of it may be gone.
    /// </param>
    [SuppressMessage("Performance", "CA1812", Justification = "Made by Compact.")]
    private sealed class Compaction(MvccStore store, long revision, long previous, bool keepsHash)
    {
        private Phase _phase = Phase.Mark;
        private long _graceEpoch;
        private HistoryHasher _hasher;
        private Revision _next;
        private uint _unfinishedKey;

        private enum Phase
        {
            Mark,
            Wait,
            Hash,
            Drop,
        }

        public StoreWork RunOnce()
        {
            switch (_phase)
            {
                case Phase.Mark:
                    Mark();
                    return StoreWork.Worked;
                case Phase.Wait:
                    return Wait();
                case Phase.Hash:
                    Hash();
                    return StoreWork.Worked;
                default:
                    Drop();
                    store.PublishView();
                    return StoreWork.Worked;
            }
        }

        // The mark may not be published yet if the compaction was the batch's only command.
        private void Mark()
        {
            store.PublishView();
            _graceEpoch = store._index.Epochs.GraceEpoch;
            _phase = Phase.Wait;
        }

        private StoreWork Wait()
        {
            bool moved = store._index.Collect();
            if (!store._index.Epochs.HasReached(_graceEpoch))
                return moved ? StoreWork.Worked : StoreWork.Waiting;

            _hasher = new HistoryHasher(store._index, previous, revision, tombstonesKept: true);
            _phase = Phase.Hash;
            return StoreWork.Worked;
        }

        // Each step begins to walk anew, because the segments may have been replaced in between.
        private void Hash()
        {
            var walker = new LogWalker(store._log.Segments, _next);
            for (int bytes = 0; bytes < HashBytesPerStep;)
            {
                if (!walker.TryNext(revision, out LogRecord record))
                {
                    if (keepsHash)
                        store.StoreHash(new HistoryHash(_hasher.Value, previous, revision));

                    _next = new Revision(Math.Max(0, previous), 0);
                    _phase = Phase.Drop;
                    return;
                }

                _hasher.Add(record);
                _next = Behind(record);
                bytes += record.Length + 64;
            }
        }

        private void Drop()
        {
            if (_unfinishedKey != 0)
            {
                if (!store.DropVersionsOf(_unfinishedKey, revision))
                    _unfinishedKey = 0;

                return;
            }

            var walker = new LogWalker(store._log.Segments, _next);
            for (int records = 0; records < DropRecordsPerStep; records++)
            {
                if (!walker.TryNext(revision, out LogRecord record))
                {
                    store.FinishedCompactRevision = revision;
                    store._mayRewrite = store.HasDisk;
                    store._compactions.Dequeue();
                    return;
                }

                _next = Behind(record);
                if (record.IsDead || !store.DropVersionsOf(record.Key, revision))
                    continue;

                _unfinishedKey = record.Key;
                return;
            }
        }

        private static Revision Behind(in LogRecord record) => record.Revision with { Sub = record.Revision.Sub + 1 };
    }
}
