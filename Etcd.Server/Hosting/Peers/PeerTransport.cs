using System.Collections.Frozen;
using Etcd.Server.Hosting.Flags;
using Etcd.Server.Io;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Peers;

/// <summary>
/// The way to the other members over HTTP, as etcd's members speak (rafthttp). Each member opens two streams at each other
/// one, on which it is sent messages; what it has to say goes on the streams that the others have opened here. So this object
/// has two sides: it connects, and <see cref="PeerEndpoints"/> hands it what others send. <see cref="Start"/> comes first.
/// </summary>
internal sealed class PeerTransport : IPeerTransport, IPeerDirectory, IAsyncDisposable
{
    // Parts of the timeout after which signs of life go out and timeouts are looked for.
    private const int TicksPerTimeout = 3;

    private readonly PeerTransportOptions _options;
    private readonly PeerHttp _http;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly Lock _gate = new();
    private PeerContext? _context;
    private ITimer? _ticker;
    private FrozenDictionary<MemberId, PeerLink> _peers = FrozenDictionary<MemberId, PeerLink>.Empty;
    private FrozenDictionary<MemberId, PeerLink> _remotes = FrozenDictionary<MemberId, PeerLink>.Empty;
    private FrozenSet<MemberId> _removed = [];
    private Task _leaving = Task.CompletedTask;
    private volatile bool _stopped;

    /// <summary>Connects to nobody yet.</summary>
    /// <param name="options">The settings.</param>
    /// <param name="files">Where received snapshots are stored.</param>
    /// <param name="clock">The time.</param>
    /// <param name="log">Where it is told.</param>
    public PeerTransport(PeerTransportOptions options, IFileSystem files, TimeProvider clock, ILogger log)
    {
        _options = options;
        _clock = clock;
        _log = log;
        _http = new PeerHttp(options.DialTimeout, options.Tls);
        Snapshots = new SnapshotFolder(files, options.SnapshotFolder);
        Calls = new PeerCalls(_http, options.Identity);
    }

    /// <summary>Who this member is.</summary>
    public PeerIdentity Identity => _options.Identity;

    /// <summary>Requests to other members; usable before <see cref="Start"/>.</summary>
    public IPeerCalls Calls { get; }

    /// <summary>The figures.</summary>
    public PeerMetrics Metrics { get; } = new();

    /// <summary>Where received snapshots go.</summary>
    public SnapshotFolder Snapshots { get; }

    /// <summary>What all parts share; null before <see cref="Start"/>.</summary>
    public PeerContext? Context => Volatile.Read(ref _context);

    /// <summary>Whether nothing is taken from the other members any more.</summary>
    public bool IsStopped => _stopped;

    /// <summary>How many members are reached now.</summary>
    public int ActivePeers => Volatile.Read(ref _peers).Values.Count(p => p.ActiveSince is not null);

    /// <summary>Messages are taken from now on. To be called once, before any other method of <see cref="IPeerTransport"/>.</summary>
    /// <param name="inbox">Where they go.</param>
    public void Start(IPeerInbox inbox)
    {
        Invariant.Check(_context is null, "the way to the peers is started once");
        TimeSpan tick = _options.StreamTimeout / TicksPerTimeout;
        Volatile.Write(ref _context, new PeerContext(_options, inbox, this, _http, _clock, Metrics, _log));
        _ticker = _clock.CreateTimer(_ => Tick(), null, tick, tick);
    }

    /// <inheritdoc/>
    public void Send(ReadOnlySpan<Message> messages)
    {
        foreach (ref readonly Message message in messages)
        {
            if (Find(message.To) is not { } link)
            {
                continue;
            }

            if (message.Type == MessageType.Snap)
            {
                // Its content is missing: SendSnapshot is the way.
                Started.Inbox.ReportSnapshot(message.To, arrived: false);
                continue;
            }

            link.Add(message);
        }

        // What was added is written only now, so that all messages to a member go as one piece.
        foreach (ref readonly Message message in messages)
        {
            Find(message.To)?.Kick();
        }
    }

    /// <inheritdoc/>
    public void SendSnapshot(in Message message, ISnapshotContent content)
    {
        if (Volatile.Read(ref _peers).GetValueOrDefault(message.To) is { } link)
        {
            link.SendSnapshot(message, content);
            return;
        }

        content.Dispose();
        Started.Inbox.ReportSnapshot(message.To, arrived: false);
    }

    /// <inheritdoc/>
    public void SetPeers(IReadOnlyList<PeerAddress> peers, IReadOnlyCollection<MemberId> removed)
    {
        PeerContext context = Started;
        string self = Identity.Self.ToString();
        lock (_gate)
        {
            if (_stopped)
            {
                return;
            }

            var next = new Dictionary<MemberId, PeerLink>();
            List<PeerLink> leaving = [];
            foreach (PeerAddress peer in peers.Where(p => p.Member != Identity.Self && p.Urls.Count > 0))
            {
                if (_peers.TryGetValue(peer.Member, out PeerLink? link))
                {
                    if (link.Urls.Update(peer.Urls))
                    {
                        PeerLog.Updated(_log, self, peer.Member.ToString(), peer.Urls);
                    }
                }
                else
                {
                    link = new PeerLink(context, peer.Member, peer.Urls, isMember: true);
                    PeerLog.Added(_log, self, peer.Member.ToString(), peer.Urls);
                }

                next[peer.Member] = link;
            }

            foreach ((MemberId member, PeerLink link) in _peers.Where(p => !next.ContainsKey(p.Key)))
            {
                PeerLog.Removed(_log, self, member.ToString());
                leaving.Add(link);
            }

            leaving.AddRange(_remotes.Where(r => next.ContainsKey(r.Key) || removed.Contains(r.Key)).Select(r => r.Value));
            Volatile.Write(ref _remotes, _remotes.Where(r => !leaving.Contains(r.Value)).ToFrozenDictionary());
            Volatile.Write(ref _peers, next.ToFrozenDictionary());
            Volatile.Write(ref _removed, removed.ToFrozenSet());
            Leave(leaving);
        }
    }

    /// <inheritdoc/>
    public DateTimeOffset? ActiveSince(MemberId member) => Volatile.Read(ref _peers).GetValueOrDefault(member)?.ActiveSince;

    /// <inheritdoc/>
    public bool IsMember(MemberId member) => Volatile.Read(ref _peers).ContainsKey(member);

    /// <inheritdoc/>
    public bool IsRemoved(MemberId member) => Volatile.Read(ref _removed).Contains(member);

    /// <summary>A member's link; null if it is none.</summary>
    public PeerLink? Peer(MemberId member) => Volatile.Read(ref _peers).GetValueOrDefault(member);

    /// <summary>
    /// One that this member does not know has sent something: it gets answers where it says that it lives, so that this member
    /// can catch up if it is the one that is behind.
    /// </summary>
    /// <param name="head">What it says.</param>
    public void AddRemote(in PeerRequestHead head)
    {
        if (head.Urls is not { Length: > 0 } text || !PeerIdentity.TryParseId(head.From, out MemberId from) || from == Identity.Self
            || Find(from) is not null || IsRemoved(from))
        {
            return;
        }

        string[] urls = text.Split(',');
        if (!urls.All(IsUrl))
        {
            return;
        }

        lock (_gate)
        {
            if (_stopped || Find(from) is not null || _remotes.Count >= Limits.PeerRemotesMax)
            {
                return;
            }

            PeerLog.AddedRemote(_log, Identity.Self.ToString(), from.ToString(), urls);
            var link = new PeerLink(Started, from, urls, isMember: false);
            Volatile.Write(ref _remotes, _remotes.Append(new(from, link)).ToFrozenDictionary());
        }
    }

    /// <summary>Sends nothing to a member and takes nothing from it, until told otherwise: a cut in the network, for tests.</summary>
    public void SetPaused(MemberId member, bool paused)
    {
        if (Peer(member) is { } link)
        {
            link.IsPaused = paused;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Task leaving;
        lock (_gate)
        {
            _stopped = true;
            Leave([.. _peers.Values, .. _remotes.Values]);
            leaving = _leaving;
        }

        await leaving.ConfigureAwait(false);
        if (_ticker is not null)
        {
            await _ticker.DisposeAsync().ConfigureAwait(false);
        }

        _http.Dispose();
    }

    private PeerContext Started
    {
        get
        {
            PeerContext? context = Context;
            Invariant.Check(context is not null, "the way to the peers was started before it is used");
            return context;
        }
    }

    private static bool IsUrl(string text)
    {
        try
        {
            EtcdUrl.Parse(text);
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private PeerLink? Find(MemberId member) =>
        Volatile.Read(ref _peers).GetValueOrDefault(member) ?? Volatile.Read(ref _remotes).GetValueOrDefault(member);

    private void Leave(List<PeerLink> links)
    {
        if (links.Count > 0)
        {
            _leaving = Task.WhenAll([_leaving, .. links.Select(l => Task.Run(async () => await l.DisposeAsync().ConfigureAwait(false)))]);
        }
    }

    private void Tick()
    {
        foreach (PeerLink link in Volatile.Read(ref _peers).Values)
        {
            link.Tick();
        }
    }
}
