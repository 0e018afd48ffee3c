using Etcd.Server.Raft;
using Etcd.Server.Wal;

namespace Etcd.Server.Node;

/// <summary>The node's log in the write-ahead log. Called by the log thread only.</summary>
/// <param name="log">The opened log.</param>
public sealed class WalLogStore(WriteAheadLog log) : ILogStore
{
    /// <inheritdoc/>
    public void Append(HardState? hardState, ReadOnlySpan<Entry> entries) => log.Append(hardState, entries);

    /// <inheritdoc/>
    public void SaveSnapshot(Snapshot snapshot) =>
        log.SaveSnapshotMarker(new WalSnapshotMark(snapshot.Index, snapshot.Term, snapshot.Configuration));

    /// <inheritdoc/>
    public void Sync() => log.Sync();

    /// <inheritdoc/>
    public bool PrepareAhead() => log.RunOnce();
}
