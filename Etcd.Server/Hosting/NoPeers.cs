using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Hosting;

/// <summary>The way to the other members of a member that is alone: nobody is reached.</summary>
internal sealed class NoPeers : IPeerTransport
{
    /// <inheritdoc/>
    public void Send(ReadOnlySpan<Message> messages)
    {
    }

    /// <inheritdoc/>
    public void SendSnapshot(in Message message, Io.ISnapshotContent content) => content.Dispose();

    /// <inheritdoc/>
    public void SetPeers(IReadOnlyList<PeerAddress> peers, IReadOnlyCollection<MemberId> removed)
    {
    }

    /// <inheritdoc/>
    public DateTimeOffset? ActiveSince(MemberId member) => null;
}
