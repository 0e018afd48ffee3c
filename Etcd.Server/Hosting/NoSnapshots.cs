using Etcd.Server.Apply;
using Etcd.Server.Io;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Hosting;

/// <summary>The snapshots of a member that is alone: nobody sends or asks for one.</summary>
internal sealed class NoSnapshots : IStateSnapshots
{
    /// <inheritdoc/>
    public ConfState Configuration => ConfState.Empty;

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> MembershipData => default;

    /// <inheritdoc/>
    public ISnapshotContent Export(LogIndex applied, Term term) => throw new InvariantException("a member that is alone sends no snapshot");

    /// <inheritdoc/>
    public void Install(Stream content) => throw new InvariantException("a member that is alone gets no snapshot");
}
