using Etcd.Server.Io;
using Etcd.Server.Primitives;
using Etcd.Server.Wal;

namespace Etcd.Server.Node;

/// <summary>
/// Lets go of the log and the snapshots that a durable checkpoint has made superfluous. Entries that members which lag still need are
/// in raft's memory (RaftOptions.CatchUpEntries); what is on the disk is for this member's own restart.
/// </summary>
/// <param name="files">The disk.</param>
/// <param name="log">The log.</param>
/// <param name="segmentsMax">Segments that are kept in any case (--max-wals); 0 keeps all.</param>
public sealed class LogRelease(IFileSystem files, WriteAheadLog log, int segmentsMax)
{
    /// <summary>A checkpoint is durable. The thread that wrote it; blocks in the disk.</summary>
    /// <param name="index">Where it stands.</param>
    /// <param name="node">The member, for the snapshots that it has received.</param>
    public void OnCheckpoint(LogIndex index, MemberNode node)
    {
        // A segment is given up when the next one begins, and deleted at a checkpoint after that.
        log.ReleaseAtCut(index);
        WalPurge.RunOnce(files, log.Directory, segmentsMax);
        node.ForgetSnapshotsThrough(index);
    }
}
