using Etcd.Server.Node;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Simulation.Checkers;

namespace Etcd.Simulation.Members;

/// <summary>The observer's place between a member and its log: it sees what is written and when that became durable.</summary>
internal sealed class ObservedLogStore(MemberId member, ILogStore inner, ConsensusChecker checker) : ILogStore
{
    public void Append(HardState? hardState, ReadOnlySpan<Entry> entries)
    {
        // Before the write: one that the power fails in may be on the disk.
        checker.OnAppend(member, hardState, entries);
        inner.Append(hardState, entries);
    }

    public void SaveSnapshot(Snapshot snapshot)
    {
        checker.OnSnapshotSaved(member, snapshot.Index, snapshot.Term);
        inner.SaveSnapshot(snapshot);
        checker.OnSynced(member);
    }

    public void Sync()
    {
        inner.Sync();
        checker.OnSynced(member);
    }

    /// <summary>Filling files with zeros ahead is for real disks; on a simulated one it would only take time.</summary>
    public bool PrepareAhead() => false;
}
