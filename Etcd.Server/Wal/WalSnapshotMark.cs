using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Wal;

/// <summary>A record that a snapshot up to this entry exists (walpb.Snapshot).</summary>
/// <param name="Index">The last entry that the snapshot covers; zero for the empty log's beginning.</param>
/// <param name="Term">That entry's term.</param>
/// <param name="ConfState">Who was a member then; null only at index zero, or in logs of etcd before 3.5.</param>
public sealed record WalSnapshotMark(LogIndex Index, Term Term, ConfState? ConfState)
{
    /// <summary>The beginning of a new log.</summary>
    public static WalSnapshotMark Beginning { get; } = new(default, default, null);
}
