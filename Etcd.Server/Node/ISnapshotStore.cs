using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Node;

/// <summary>
/// Where snapshots that arrive from the leader are kept: the snapshot folder, or a recording fake. Called by the log thread, but
/// for <see cref="OpenDatabase"/>, which the thread that applies calls. Any exception is final, as for <see cref="ILogStore"/>.
/// </summary>
public interface ISnapshotStore
{
    /// <summary>Makes a received snapshot durable: first its state, then the file that says where it stands.</summary>
    /// <param name="snapshot">Where it stands.</param>
    /// <param name="file">The received file, durable; taken over.</param>
    void Save(Snapshot snapshot, string file);

    /// <summary>The state of a saved snapshot; seekable, disposed by the caller.</summary>
    /// <param name="index">The snapshot's index.</param>
    Stream OpenDatabase(LogIndex index);

    /// <summary>Deletes what is older than a snapshot that is installed and that the log has a record of.</summary>
    /// <param name="index">The snapshot's index.</param>
    void PurgeBefore(LogIndex index);

    /// <summary>Deletes a received file that raft did not want.</summary>
    /// <param name="file">Its path.</param>
    void Discard(string file);
}
