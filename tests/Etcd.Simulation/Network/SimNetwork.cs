using System.Buffers;
using Etcd.Server.Peer.Codec;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Simulation.Checkers;
using Etcd.Simulation.Engine;

namespace Etcd.Simulation.Network;

/// <summary>
/// The network between all members: what is sent arrives late, never, twice or out of order, as its options say. Links are
/// directed, so that a partition may be one-way.
/// </summary>
internal sealed class SimNetwork(Scheduler scheduler, SimRandom random, Trace trace, ConsensusChecker checker)
{
    /// <summary>How long the sender of a snapshot waits for the answer.</summary>
    private const long SnapshotAnswerTime = 5 * Scheduler.Second;

    private readonly Dictionary<(ulong From, ulong To), Link> _links = [];
    private readonly SortedDictionary<ulong, INetworkMember> _members = [];

    /// <summary>How bad it is now.</summary>
    public NetworkOptions Options { get; set; } = new();

    /// <summary>Messages that were sent.</summary>
    public long Sent { get; private set; }

    /// <summary>Snapshots that arrived.</summary>
    public long SnapshotsDelivered { get; private set; }

    /// <summary>A test's look at, or veto on, each message: false loses it.</summary>
    public Func<Message, bool>? Filter { get; set; }

    public void Join(INetworkMember member) => _members[member.Id.Value] = member;

    /// <summary>Cuts the way from one member to another.</summary>
    public void Cut(MemberId from, MemberId to) => LinkOf(from, to).Cut = true;

    /// <summary>Whether messages pass from one member to another.</summary>
    public bool IsCut(MemberId from, MemberId to) => LinkOf(from, to).Cut;

    /// <summary>All ways are open again.</summary>
    public void Heal()
    {
        foreach (Link link in _links.Values)
        {
            link.Cut = false;
        }
    }

    /// <summary>For how long messages have come through to a member without one that was lost; null if the last one was.</summary>
    public long? ActiveFor(MemberId from, MemberId to) =>
        LinkOf(from, to) is { Cut: false, ActiveSince: { } since } && _members.TryGetValue(to.Value, out INetworkMember? member) && member.IsUp
            ? scheduler.Now - since
            : null;

    public void Send(INetworkMember from, object life, in Message message)
    {
        Sent++;
        checker.OnSend(from.Id, message);
        trace.Mix(1, from.Id.Value ^ (message.To.Value << 8), ((ulong)message.Type << 48) ^ message.Index.Value ^ (message.Term.Value << 24), message.Commit.Value);
        if (trace.IsOn)
        {
            trace.Say(from.Name, "sends " + MessageText.Of(message));
        }

        Link link = LinkOf(from.Id, message.To);
        if (link.Cut || link.UnderWay >= Options.QueueMax || random.Chance(Options.Loss) || !(Filter?.Invoke(message) ?? true))
        {
            Lose(from, life, link, message.To);
            return;
        }

        Message copy = Copied(message);
        Carry(from, life, link, copy);
        if (message.Type != MessageType.Prop && random.Chance(Options.Doubling))
        {
            Carry(from, life, link, copy);
        }
    }

    public void SendSnapshot(INetworkMember from, object life, Message message, Func<byte[]> write)
    {
        Sent++;
        checker.OnSend(from.Id, message);
        trace.Mix(2, from.Id.Value ^ (message.To.Value << 8), message.Snapshot!.Index.Value, message.Term.Value);
        if (trace.IsOn)
        {
            trace.Say(from.Name, "sends " + MessageText.Of(message));
        }

        Link link = LinkOf(from.Id, message.To);
        // The state is read some time after it was taken, while the member goes on.
        scheduler.After(Delay(), () =>
        {
            if (!from.IsAlive(life))
            {
                // Nobody reads the state, or the disk that it is on, any more.
                return;
            }

            byte[] content = write();

            long takes = Delay() + (content.Length * Scheduler.Second / Options.SnapshotBytesPerSecond);
            bool breaks = random.Chance(Options.SnapshotBreaks) || !(Filter?.Invoke(message) ?? true);
            scheduler.After(takes, () => Arrive(from, life, link, message, content, breaks));
        });
    }

    private void Arrive(INetworkMember from, object life, Link link, Message message, byte[] content, bool breaks)
    {
        if (breaks || link.Cut || !_members.TryGetValue(message.To.Value, out INetworkMember? to) || !to.IsUp || !from.IsAlive(life))
        {
            from.After(life, Delay(), inbox => inbox.ReportSnapshot(message.To, false));
            return;
        }

        SnapshotsDelivered++;
        trace.Mix(3, to.Id.Value, message.Snapshot!.Index.Value);
        bool isSettled = false;
        void Settle(bool arrived)
        {
            if (!isSettled)
            {
                isSettled = true;
                bool answerComes = !LinkOf(message.To, message.From).Cut;
                from.After(life, Delay(), inbox => inbox.ReportSnapshot(message.To, arrived && answerComes));
            }
        }

        to.ReceiveSnapshot(Copied(message), content, Settle);
        // A receiver that has died says nothing more; the connection tells so in the end.
        scheduler.After(SnapshotAnswerTime, () => Settle(false));
    }

    private void Carry(INetworkMember from, object life, Link link, Message message)
    {
        long arrival = scheduler.Now + Delay();
        if (!random.Chance(Options.Reordering))
        {
            arrival = Math.Max(arrival, link.LastArrival + 1);
            link.LastArrival = arrival;
        }

        link.UnderWay++;
        scheduler.At(arrival, () =>
        {
            link.UnderWay--;
            if (link.Cut || !_members.TryGetValue(message.To.Value, out INetworkMember? to) || !to.IsUp)
            {
                Lose(from, life, link, message.To);
                return;
            }

            link.ActiveSince ??= scheduler.Now;
            to.Receive(message);
        });
    }

    private void Lose(INetworkMember from, object life, Link link, MemberId to)
    {
        link.ActiveSince = null;
        if (random.Chance(Options.ReportsLoss))
        {
            from.After(life, Delay(), inbox => inbox.ReportUnreachable(to));
        }
    }

    private long Delay() => random.LogUniform(Options.DelayMin, Options.DelayMax);

    /// <summary>Through the bytes that go over a wire: nothing is shared with the sender, and what they do not carry is lost.</summary>
    private static Message Copied(in Message message)
    {
        byte[] wire = ArrayPool<byte>.Shared.Rent(MessageCodec.Size(message));
        int length = MessageCodec.Write(wire, message);
        Message copy = MessageCodec.Read(wire.AsSpan(0, length));
        ArrayPool<byte>.Shared.Return(wire);
        return copy;
    }

    private Link LinkOf(MemberId from, MemberId to)
    {
        if (!_links.TryGetValue((from.Value, to.Value), out Link? link))
        {
            _links.Add((from.Value, to.Value), link = new Link());
        }

        return link;
    }

    private sealed class Link
    {
        public bool Cut { get; set; }

        public int UnderWay { get; set; }

        public long LastArrival { get; set; }

        public long? ActiveSince { get; set; }
    }
}
