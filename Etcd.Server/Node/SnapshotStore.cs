using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Server.Snapshots;

namespace Etcd.Server.Node;

/// <summary>The node's snapshots in the snapshot folder.</summary>
/// <param name="directory">The folder.</param>
public sealed class SnapshotStore(SnapshotDirectory directory) : ISnapshotStore
{
    /// <inheritdoc/>
    public void Save(Snapshot snapshot, string file)
    {
        directory.AdoptDatabase(file, snapshot.Index);
        directory.Save(snapshot);
    }

    /// <inheritdoc/>
    public Stream OpenDatabase(LogIndex index) => directory.OpenDatabase(index);

    /// <inheritdoc/>
    public void PurgeBefore(LogIndex index) => directory.PurgeBefore(index);

    /// <inheritdoc/>
    public void Discard(string file) => directory.Discard(file);
}
