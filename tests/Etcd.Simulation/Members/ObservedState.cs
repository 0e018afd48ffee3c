using Etcd.Server.Apply;
using Etcd.Server.Io;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Server.Storage.Disk;

namespace Etcd.Simulation.Members;

/// <summary>The observer's place beside the state as a whole: it sees when all of it is replaced.</summary>
internal sealed class ObservedState(IStateSnapshots inner, Action installed) : IStateSnapshots
{
    public ConfState Configuration => inner.Configuration;

    public ReadOnlyMemory<byte> MembershipData => inner.MembershipData;

    public ISnapshotContent Export(LogIndex applied, Term term) => inner.Export(applied, term);

    public void Install(Stream content, LogIndex index, Term term)
    {
        inner.Install(content, index, term);
        installed();
    }

    public void Load(StoreFolder folder)
    {
        inner.Load(folder);
        installed();
    }

    public void LoadWithoutKeys(StoreFolder folder) => inner.LoadWithoutKeys(folder);
}
