using System.IO.Pipelines;
using Etcd.Server.Peer;
using Etcd.Server.Peer.Codec;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;

namespace Etcd.Server.Hosting.Peers;

/// <summary>
/// One connection that another member has opened to be sent messages on. Whoever adds a message to the outbox calls
/// <see cref="Kick"/>: if nobody writes, the caller does, which saves a lone message the way over another thread; what is
/// added while a write waits for the network goes with the next one, as one piece and one flush. Any thread.
/// </summary>
internal sealed class AttachedStream : IDisposable
{
    private readonly PeerContext _context;
    private readonly PeerLink _link;
    private readonly StreamOutbox _outbox;
    private readonly HttpContext _http;
    private readonly IConnectionLifetimeFeature? _connection;
    private readonly PipeWriter _body;
    private readonly CancellationTokenSource _cut = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly int _number;
    private SendBuffer _sending = new();

    // Calls that the running writer has not answered yet; whoever makes it 1 becomes the writer. The last one stays: no other follows.
    private int _kicks;
    private long _writeStarted;
    private volatile string? _closedBy;

    /// <summary>Takes the place of the connection before.</summary>
    /// <param name="context">What is shared.</param>
    /// <param name="link">The other member.</param>
    /// <param name="kind">The stream.</param>
    /// <param name="http">The request, whose answer's body the stream is.</param>
    public AttachedStream(PeerContext context, PeerLink link, StreamKind kind, HttpContext http)
    {
        _context = context;
        _link = link;
        Kind = kind;
        _outbox = link.Outbox[kind];
        _http = http;
        _connection = http.Features.Get<IConnectionLifetimeFeature>();
        _body = http.Response.BodyWriter;
        _number = _outbox.Attach(out bool lost);
        if (lost)
        {
            link.ReportLost();
        }
    }

    /// <summary>The stream.</summary>
    public StreamKind Kind { get; }

    /// <summary>Serves until the connection ends; nothing uses the request afterwards.</summary>
    public async Task RunAsync()
    {
        using CancellationTokenRegistration gone = _http.RequestAborted.UnsafeRegister(
            static s => ((AttachedStream)s!).Close("the connection was closed by the remote peer"), this);
        await _ended.Task.ConfigureAwait(false);
    }

    /// <summary>To be called when it has ended.</summary>
    public void Dispose()
    {
        // The source of the cut stays: whoever closes the stream late may still use it, and it holds nothing.
        _sending.Dispose();
    }

    /// <summary>There may be something to write.</summary>
    public void Kick()
    {
        if (Interlocked.Increment(ref _kicks) == 1)
        {
            _ = WriteAsync();
        }
    }

    /// <summary>From time to time: gives a sign of life, and gives up a connection that takes nothing.</summary>
    public void Tick()
    {
        if (_context.IsOver(Volatile.Read(ref _writeStarted), _context.Options.StreamTimeout))
        {
            Close("i/o timeout");
            // The connection, not the request: Kestrel may use the request's objects again as soon as it has ended.
            _connection?.Abort();
            return;
        }

        _outbox.AddHeartbeat(_number);
        Kick();
    }

    /// <summary>Ends it; of no effect the second time.</summary>
    /// <param name="reason">Why.</param>
    public void Close(string reason)
    {
        if (Interlocked.CompareExchange(ref _closedBy, reason, null) is not null)
        {
            return;
        }

        if (_outbox.Detach(_number, out bool lost))
        {
            PeerLog.StreamDetached(_context.Log, Name(Kind), _link.Member.ToString(), reason);
        }

        if (lost)
        {
            _link.ReportLost();
        }

        _cut.Cancel();
        if (Interlocked.Increment(ref _kicks) == 1)
        {
            End();
        }
    }

    /// <summary>etcd's name for a stream in its logs.</summary>
    public static string Name(StreamKind kind) => kind == StreamKind.MsgApp ? "stream MsgApp v2" : "stream Message";

    private async Task WriteAsync()
    {
        try
        {
            int answered;
            do
            {
                answered = Volatile.Read(ref _kicks);
                while (_closedBy is null && _outbox.Take(_number, ref _sending))
                {
                    Volatile.Write(ref _writeStarted, _context.Clock.GetTimestamp());
                    FlushResult result = await _body.WriteAsync(_sending.Written, _cut.Token).ConfigureAwait(false);
                    Volatile.Write(ref _writeStarted, 0);
                    _link.Counters.CountSent(_sending.Length);
                    _sending.Clear();
                    if (result.IsCompleted)
                    {
                        Close("the connection was closed by the remote peer");
                    }
                }

                if (_closedBy is not null)
                {
                    End();
                    return;
                }
            }
            while (Interlocked.Add(ref _kicks, -answered) != 0);
        }
        catch (Exception e)
        {
            if (_closedBy is null)
            {
                _link.Counters.CountSendFailure();
                _link.Deactivate($"failed to write {_link.Member} on {Name(Kind)} ({PeerContext.Reason(e)})");
                _context.Inbox.ReportUnreachable(_link.Member);
            }

            // This is still the writer, so that Close leaves the end to it.
            Close(PeerContext.Reason(e));
            End();
        }
    }

    private void End() => _ended.TrySetResult();
}
