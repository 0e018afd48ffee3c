using System.Globalization;
using Etcd.Server.Io;
using Etcd.Server.Peer;
using Etcd.Server.Peer.Codec;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.TestKit.Peers;

/// <summary>
/// Members that reach each other without a network: the same queues, forms and admissions as over HTTP, but nothing moves
/// before <see cref="RunOnce"/> says so. One thread at a time runs it; members may send from any.
/// </summary>
/// <param name="clock">The time.</param>
public sealed class MemoryPeerNetwork(TimeProvider clock)
{
    private readonly Lock _gate = new();
    private readonly List<MemoryPeerTransport> _running = [];

    internal TimeProvider Clock => clock;

    /// <summary>Starts a member; one that runs under the same id is another one.</summary>
    /// <param name="identity">Who it is.</param>
    /// <param name="inbox">Where its messages go.</param>
    /// <param name="snapshotFolder">Where snapshots are stored.</param>
    public MemoryPeerTransport Start(PeerIdentity identity, IPeerInbox inbox, string snapshotFolder)
    {
        var transport = new MemoryPeerTransport(this, identity, inbox, snapshotFolder);
        lock (_gate)
        {
            _running.Add(transport);
        }

        return transport;
    }

    /// <summary>Moves all that waits, once around. Returns whether anything moved.</summary>
    public bool RunOnce()
    {
        bool moved = false;
        foreach (MemoryPeerTransport from in Running)
        {
            moved |= from.RunOnce();
        }

        return moved;
    }

    internal void Stop(MemoryPeerTransport transport)
    {
        lock (_gate)
        {
            _running.Remove(transport);
        }
    }

    internal MemoryPeerTransport? Find(MemberId member) => Running.Find(t => t.Identity.Self == member);

    private List<MemoryPeerTransport> Running
    {
        get
        {
            lock (_gate)
            {
                return [.. _running];
            }
        }
    }
}

/// <summary>One member of a <see cref="MemoryPeerNetwork"/>.</summary>
public sealed class MemoryPeerTransport : IPeerTransport, IPeerDirectory, IDisposable
{
    private readonly MemoryPeerNetwork _network;
    private readonly IPeerInbox _inbox;
    private readonly string _snapshotFolder;
    private readonly Lock _gate = new();
    private Dictionary<MemberId, Link> _links = [];
    private HashSet<MemberId> _removed = [];
    private bool _stopped;

    internal MemoryPeerTransport(MemoryPeerNetwork network, PeerIdentity identity, IPeerInbox inbox, string snapshotFolder)
    {
        _network = network;
        Identity = identity;
        _inbox = inbox;
        _snapshotFolder = snapshotFolder;
    }

    /// <summary>Who it is.</summary>
    public PeerIdentity Identity { get; }

    /// <summary>Whether it takes nothing off its streams for now.</summary>
    public bool IsHeld { get; set; }

    /// <summary>Whether it was told that it was removed.</summary>
    public bool WasRemoved { get; private set; }

    public void Send(ReadOnlySpan<Message> messages)
    {
        foreach (ref readonly Message message in messages)
        {
            if (Find(message.To) is { } link && link.Outbox.Add(message) == PeerChannel.Dropped)
            {
                _inbox.ReportUnreachable(message.To);
            }
        }
    }

    public void SendSnapshot(in Message message, ISnapshotContent content)
    {
        if (Find(message.To) is not { } link)
        {
            content.Dispose();
            _inbox.ReportSnapshot(message.To, arrived: false);
            return;
        }

        lock (_gate)
        {
            link.Snapshots.Enqueue((message, content));
        }
    }

    public void SetPeers(IReadOnlyList<PeerAddress> peers, IReadOnlyCollection<MemberId> removed)
    {
        lock (_gate)
        {
            _links = peers.Where(p => p.Member != Identity.Self).ToDictionary(p => p.Member, p => _links.GetValueOrDefault(p.Member) ?? new Link(_network.Clock));
            _removed = [.. removed];
        }
    }

    public DateTimeOffset? ActiveSince(MemberId member) => Find(member)?.Status.ActiveSince;

    public bool IsMember(MemberId member) => Find(member) is not null;

    public bool IsRemoved(MemberId member)
    {
        lock (_gate)
        {
            return _removed.Contains(member);
        }
    }

    public void Dispose()
    {
        _network.Stop(this);
        List<Link> links;
        lock (_gate)
        {
            _stopped = true;
            links = [.. _links.Values];
        }

        links.ForEach(l => l.Outbox.Dispose());
    }

    internal bool RunOnce()
    {
        List<KeyValuePair<MemberId, Link>> links;
        lock (_gate)
        {
            links = _stopped ? [] : [.. _links];
        }

        bool moved = false;
        foreach ((MemberId member, Link link) in links)
        {
            MemoryPeerTransport? other = _network.Find(member);
            Dial(other);
            moved |= MoveStreams(member, link, other);
            moved |= MovePosts(member, link, other);
            moved |= MoveSnapshot(member, link, other);
        }

        return moved;
    }

    private Link? Find(MemberId member)
    {
        lock (_gate)
        {
            return _links.GetValueOrDefault(member);
        }
    }

    private bool MoveStreams(MemberId member, Link link, MemoryPeerTransport? other)
    {
        if (!ReferenceEquals(link.AttachedTo, other))
        {
            link.Detach(out bool lost);
            if (lost)
            {
                _inbox.ReportUnreachable(member);
            }
        }

        if (other is null)
        {
            link.Status.Deactivate();
            return false;
        }

        if (link.AttachedTo is null)
        {
            return false;
        }

        bool moved = false;
        for (int i = 0; !other.IsHeld && i < link.Streams.Length; i++)
        {
            moved |= link.Streams[i]!.Move(m => other.Take(m));
        }

        return moved;
    }

    /// <summary>Opens this member's streams at another one, as far as it is let in.</summary>
    private void Dial(MemoryPeerTransport? other)
    {
        if (other is null || other.Find(Identity.Self)?.AttachedTo == this)
        {
            return;
        }

        var head = new PeerRequestHead(
            Identity.Self.ToString(), Identity.Version.Server, ClaimedVersion.MinCluster, Identity.ClusterText, other.Identity.Self.ToString(), null);
        PeerRefusal? refusal = PeerAdmission.CheckCluster(other.Identity, head)
            ?? PeerAdmission.CheckStream(other.Identity, head, PeerPaths.MessageStream + "/" + Identity.Self, other, out _, out _);
        if (refusal is { } no)
        {
            WasRemoved |= no.Status == 410;
            return;
        }

        Link theirs = other.Find(Identity.Self)!;
        theirs.Detach(out _);
        theirs.Attach(this, Identity.Self, other.Identity.Self);
        theirs.Status.Activate();
        Find(other.Identity.Self)?.Status.Activate();
    }

    private bool MovePosts(MemberId member, Link link, MemoryPeerTransport? other)
    {
        bool moved = false;
        while (link.Outbox.Pipeline.Take(out PipelineItem item))
        {
            moved = true;
            if (other is null || Refused(other) || other.Take(MessageCodec.Read(item.Bytes)) is not null)
            {
                link.Outbox.Pipeline.Clear();
                link.Status.Deactivate();
                _inbox.ReportUnreachable(member);
            }
        }

        return moved;
    }

    private bool MoveSnapshot(MemberId member, Link link, MemoryPeerTransport? other)
    {
        (Message Message, ISnapshotContent Content) snapshot;
        lock (_gate)
        {
            if (!link.Snapshots.TryDequeue(out snapshot))
            {
                return false;
            }
        }

        using ISnapshotContent content = snapshot.Content;
        bool arrived = other is not null && !Refused(other) && other.TakeSnapshot(snapshot.Message, content);
        if (!arrived)
        {
            _inbox.ReportUnreachable(member);
        }

        _inbox.ReportSnapshot(member, arrived);
        return true;
    }

    private bool Refused(MemoryPeerTransport other)
    {
        var head = new PeerRequestHead(
            Identity.Self.ToString(), Identity.Version.Server, ClaimedVersion.MinCluster, Identity.ClusterText, null, null);
        return PeerAdmission.CheckCluster(other.Identity, head) is not null;
    }

    private PeerRefusal? Take(in Message message)
    {
        if (PeerAdmission.CheckMessage(Identity, message, this) is { } refusal)
        {
            return refusal;
        }

        if (PeerAdmission.IsForTheNetwork(message.Type))
        {
            _inbox.Deliver(message);
        }

        return null;
    }

    private bool TakeSnapshot(in Message message, ISnapshotContent content)
    {
        if (PeerAdmission.CheckMessage(Identity, message, this) is not null)
        {
            return false;
        }

        string file = Path.Combine(_snapshotFolder, message.Snapshot!.Index.Value.ToString("x16", CultureInfo.InvariantCulture) + ".snap.db");
        try
        {
            using (FileStream to = File.Create(file))
            {
                content.WriteTo(to);
            }

            if (new FileInfo(file).Length != content.Length)
            {
                throw new IOException("the content is shorter than it said");
            }
        }
        catch (IOException)
        {
            File.Delete(file);
            return false;
        }

        _inbox.DeliverSnapshot(message, file);
        return true;
    }

    private sealed class Link(TimeProvider clock)
    {
        public PeerOutbox Outbox { get; } = new();

        internal PeerStatus Status { get; } = new(clock);

        public Queue<(Message Message, ISnapshotContent Content)> Snapshots { get; } = [];

        public MemoryPeerTransport? AttachedTo { get; private set; }

        internal StreamInMemory?[] Streams { get; } = new StreamInMemory?[2];

        public void Attach(MemoryPeerTransport other, MemberId local, MemberId remote)
        {
            AttachedTo = other;
            Streams[0] = new StreamInMemory(Outbox.Message, new MessageStreamDecoder());
            Streams[1] = new StreamInMemory(Outbox.MsgApp, new MsgAppStreamDecoder(local, remote));
        }

        public void Detach(out bool lost)
        {
            AttachedTo = null;
            lost = false;
            foreach (StreamInMemory? stream in Streams)
            {
                bool one = false;
                stream?.Detach(out one);
                lost |= one;
            }

            Array.Clear(Streams);
        }
    }

    private sealed class StreamInMemory(StreamOutbox outbox, IStreamDecoder decoder) : IDisposable
    {
        private readonly int _number = outbox.Attach(out _);
        private SendBuffer _buffer = new();

        public bool Move(Func<Message, PeerRefusal?> take)
        {
            if (!outbox.Take(_number, ref _buffer))
            {
                return false;
            }

            ReadOnlySpan<byte> rest = _buffer.Written.Span;
            while (decoder.Decode(rest, out int taken, out Message message) is var item and not StreamItem.Incomplete)
            {
                rest = rest[taken..];
                if (item == StreamItem.Message)
                {
                    take(message);
                }
            }

            Invariant.Check(rest.IsEmpty, "a batch holds whole messages");
            _buffer.Clear();
            return true;
        }

        public void Detach(out bool lost)
        {
            outbox.Detach(_number, out lost);
            Dispose();
        }

        public void Dispose() => _buffer.Dispose();
    }
}
