using Etcd.Server.Io;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Simulation.Network;

namespace Etcd.Simulation.Members;

/// <summary>One life's end of the network.</summary>
internal sealed class SimPeers(Machine machine, Life life, SimNetwork network) : IPeerTransport
{
    private readonly HashSet<MemberId> _known = [];
    private readonly HashSet<MemberId> _heard = [];
    private readonly HashSet<MemberId> _removed = [];

    public void Send(ReadOnlySpan<Message> messages)
    {
        foreach (ref readonly Message message in messages)
        {
            if (machine.CanSend(life) && Reaches(message.To))
            {
                network.Send(machine, life, message);
            }
        }
    }

    public void SendSnapshot(in Message message, ISnapshotContent content)
    {
        if (!machine.CanSend(life) || !Reaches(message.To))
        {
            content.Dispose();
            MemberId to = message.To;
            ((INetworkMember)machine).After(life, 1, inbox => inbox.ReportSnapshot(to, false));
            return;
        }

        network.SendSnapshot(machine, life, message, () =>
        {
            using (content)
            {
                var written = new MemoryStream(checked((int)content.Length));
                content.WriteTo(written);
                Invariant.Check(written.Length == content.Length, "a snapshot is as long as it says");
                return written.ToArray();
            }
        });
    }

    public void SetPeers(IReadOnlyList<PeerAddress> peers, IReadOnlyCollection<MemberId> removed)
    {
        _known.Clear();
        _known.UnionWith(peers.Select(static peer => peer.Member));
        _removed.UnionWith(removed);
    }

    public DateTimeOffset? ActiveSince(MemberId member) =>
        _known.Contains(member) && network.ActiveFor(machine.Id, member) is { } ticks ? machine.Clock.GetUtcNow().AddTicks(-ticks) : null;

    /// <summary>
    /// Whether messages of a member are taken: those of removed ones are answered with "gone". One that is not known is answered
    /// all the same, for it says where it listens (etcd's X-PeerURLs): a member that was down does not know who has joined and
    /// leads meanwhile.
    /// </summary>
    public bool Takes(MemberId from)
    {
        if (_removed.Contains(from))
        {
            return false;
        }

        _heard.Add(from);
        return true;
    }

    private bool Reaches(MemberId member) => _known.Contains(member) || (_heard.Contains(member) && !_removed.Contains(member));
}
