using Etcd.Server.Primitives;
using Etcd.Server.Storage.Index;

namespace Etcd.Server.Storage;

/// <content>The whole state, out and in.</content>
public sealed partial class MvccStore
{
    /// <summary>
    /// Holds the history as it is now, for export. The writer's thread, with nothing unpublished; takes a bit per record.
    /// </summary>
    public HistoryPin PinHistory()
    {
        Invariant.Check(!_txn.IsOpen && _view.State.Revision == _revision, "a state is pinned between batches");
        return new HistoryPin(_log.Segments, _revision, _compactRevision, FinishedCompactRevision);
    }

    /// <summary>
    /// Puts another state into the place of this one's, visible at once. Readers that are inside finish on the old state. What a
    /// compaction of the new state has left undone is done by <see cref="RunOnce"/>. The writer's thread, with nothing unpublished.
    /// </summary>
    /// <param name="import">The new state; handed over.</param>
    /// <param name="finishedCompact">The last compaction that has dropped all that it drops; -1 if there is none.</param>
    /// <param name="scheduledCompact">The last compaction that was asked for; -1 if there is none.</param>
    public void Replace(StoreImport import, long finishedCompact, long scheduledCompact)
    {
        Invariant.Check(!_txn.IsOpen && _events.Count == 0, "a state is replaced between batches");
        _compactions.Clear();
        _again.Clear();
        _isAbandoned = false;
        _forcedThrough = 0;
        Volatile.Write(ref _storedHashes, []);
        KeyIndex left = _index;
        _index = import.Index;
        _log = import.Log;
        // The files of a state that was installed and is replaced before any job are in the list, and go with the next checkpoint.
        _importedBy = import.Writer;
        _loadedFiles.AddRange(import.Files.Union(FilesOf(_log)));
        _startsNewFile |= import.Writer is not null;
        CountSuperseded();
        // What was loaded is in a checkpoint; what was installed is not, and neither is it gone from the old one's files.
        WantsCheckpoint |= import.Writer is not null;
        _mayRewrite = HasDisk;

        // The last revisions may have been deletes that a compaction has dropped: history goes on after the compaction then.
        _revision = Math.Max(import.Revision, Math.Max(finishedCompact, scheduledCompact));
        _compactRevision = finishedCompact;
        FinishedCompactRevision = finishedCompact;
        if (scheduledCompact > finishedCompact)
        {
            _compactions.Enqueue(new Compaction(this, scheduledCompact, finishedCompact, keepsHash: false));
            _compactRevision = scheduledCompact;
        }

        PublishView();
        _pages.Damages.Replaced();
        if (HasDisk)
            _left.Add(new LeftState(left, left.Epochs.GraceEpoch));

        _sink?.OnStoreReplaced();
    }
}
