using Etcd.Server.Node;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Simulation.Members;

/// <summary>The observer's place beside the snapshots' folder: it sees which one is about to be installed.</summary>
internal sealed class ObservedSnapshots(ISnapshotStore inner) : ISnapshotStore
{
    public LogIndex LastOpened { get; set; }

    public void Save(Snapshot snapshot, string file) => inner.Save(snapshot, file);

    public Stream OpenDatabase(LogIndex index)
    {
        LastOpened = index;
        return inner.OpenDatabase(index);
    }

    public void PurgeBefore(LogIndex index) => inner.PurgeBefore(index);

    public void Discard(string file) => inner.Discard(file);
}
