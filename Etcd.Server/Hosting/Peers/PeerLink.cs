using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Microsoft.AspNetCore.Http;

namespace Etcd.Server.Hosting.Peers;

/// <summary>
/// All that belongs to one other member: the streams that it has opened here, those that are opened there, single requests,
/// snapshots and probes. Any thread.
/// </summary>
internal sealed class PeerLink : IAsyncDisposable
{
    private readonly PeerContext _context;
    private readonly PeerStatus _status;
    private readonly PipelineSender _pipeline;
    private readonly SnapshotSender _snapshots;
    private readonly AttachedStream?[] _attached = new AttachedStream?[2];
    private readonly StreamReader[] _readers = [];
    private readonly PeerProber? _prober;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task[] _loops = [];

    /// <summary>Begins to connect.</summary>
    /// <param name="context">What is shared.</param>
    /// <param name="member">The other member.</param>
    /// <param name="urls">Its peer URLs.</param>
    /// <param name="isMember">
    /// Whether it belongs to the cluster as this member knows it; one that does not is only answered, by single requests.
    /// </param>
    public PeerLink(PeerContext context, MemberId member, IReadOnlyList<string> urls, bool isMember)
    {
        _context = context;
        Member = member;
        Counters = context.Metrics[member];
        Urls = new UrlPicker(urls);
        _status = new PeerStatus(context.Clock);
        _pipeline = new PipelineSender(context, this, _stopping.Token);
        _snapshots = new SnapshotSender(context, this, _stopping.Token);
        if (isMember)
        {
            _readers = [new StreamReader(context, this, StreamKind.MsgApp), new StreamReader(context, this, StreamKind.Message)];
            _prober = new PeerProber(context, this);
            _loops = [.. _readers.Select(r => Task.Run(() => r.RunAsync(_stopping.Token))), Task.Run(() => _prober.RunAsync(_stopping.Token))];
        }
    }

    /// <summary>Who it is.</summary>
    public MemberId Member { get; }

    /// <summary>Its figures.</summary>
    public PeerCounters Counters { get; }

    /// <summary>Its URLs.</summary>
    public UrlPicker Urls { get; }

    /// <summary>What waits to be sent.</summary>
    public PeerOutbox Outbox { get; } = new();

    /// <summary>Since when it is reached.</summary>
    public DateTimeOffset? ActiveSince => _status.ActiveSince;

    /// <summary>Whether nothing is sent to it or taken from it: a cut in the network, for tests.</summary>
    public bool IsPaused { get; set; }

    /// <summary>Adds a message; <see cref="Kick"/> follows.</summary>
    public void Add(in Message message)
    {
        if (IsPaused)
        {
            return;
        }

        if (Outbox.Add(message) != PeerChannel.Dropped)
        {
            return;
        }

        PeerLog.Dropped(
            _context.Log, message.Type.ToString(), _context.Identity.Self.ToString(), message.From.ToString(), Member.ToString(), ActiveSince is not null);
        ReportLost();
    }

    /// <summary>Messages were added.</summary>
    public void Kick()
    {
        Volatile.Read(ref _attached[0])?.Kick();
        Volatile.Read(ref _attached[1])?.Kick();
        _pipeline.Kick();
    }

    /// <summary>Sends a snapshot on a thread of its own.</summary>
    public void SendSnapshot(in Message message, Io.ISnapshotContent content) => _snapshots.Send(message, content);

    /// <summary>Serves a stream that the member has opened here, until it ends.</summary>
    public async Task ServeStreamAsync(StreamKind kind, HttpContext http)
    {
        using var stream = new AttachedStream(_context, this, kind, http);
        PeerLog.StreamAttached(_context.Log, _context.Identity.Self.ToString(), Member.ToString(), AttachedStream.Name(kind));
        Interlocked.Exchange(ref _attached[(int)kind], stream)?.Close("another connection has taken its place");
        if (_stopping.IsCancellationRequested)
        {
            stream.Close("stopped");
        }

        Activate();
        stream.Kick();
        await stream.RunAsync().ConfigureAwait(false);
        Interlocked.CompareExchange(ref _attached[(int)kind], null, stream);
    }

    /// <summary>From time to time: signs of life, and timeouts.</summary>
    public void Tick()
    {
        Volatile.Read(ref _attached[0])?.Tick();
        Volatile.Read(ref _attached[1])?.Tick();
        _snapshots.Tick();
        foreach (StreamReader reader in _readers)
        {
            reader.Tick();
        }
    }

    /// <summary>It was reached.</summary>
    public void Activate()
    {
        if (_status.Activate())
        {
            Counters.BecameActive();
            PeerLog.Active(_context.Log, Member.ToString());
        }
    }

    /// <summary>It was not reached.</summary>
    /// <param name="reason">Why.</param>
    public void Deactivate(string reason)
    {
        if (_status.Deactivate())
        {
            Counters.BecameInactive();
            PeerLog.Inactive(_context.Log, Member.ToString(), reason);
        }
        else
        {
            PeerLog.InactiveAgain(_context.Log, Member.ToString(), reason);
        }
    }

    /// <summary>Messages to it were lost.</summary>
    public void ReportLost()
    {
        Counters.CountSendFailure();
        _context.Inbox.ReportUnreachable(Member);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        Volatile.Read(ref _attached[0])?.Close("stopped");
        Volatile.Read(ref _attached[1])?.Close("stopped");
        await Task.WhenAll(_loops).ConfigureAwait(false);
        await _pipeline.Ended.ConfigureAwait(false);
        await _snapshots.Ended.ConfigureAwait(false);
        if (_status.Deactivate())
        {
            Counters.BecameInactive();
        }

        Outbox.Dispose();
    }
}
