using System.Net;
using System.Net.Http.Headers;
using Etcd.Server.Io;
using Etcd.Server.Peer;
using Etcd.Server.Peer.Codec;
using Etcd.Server.Raft;

namespace Etcd.Server.Hosting.Peers;

/// <summary>
/// Sends snapshots to one member, each on a thread of its own, because writing the state out blocks as the network does. A
/// transfer that stands still for too long is given up.
/// </summary>
internal sealed class SnapshotSender(PeerContext context, PeerLink link, CancellationToken stopping)
{
    private readonly Lock _gate = new();
    private readonly HashSet<Transfer> _transfers = [];
    private Task _ended = Task.CompletedTask;

    /// <summary>Completes when nothing runs any more; only after the stop.</summary>
    public Task Ended
    {
        get
        {
            lock (_gate)
            {
                return _ended;
            }
        }
    }

    /// <summary>Begins to send. Any thread.</summary>
    /// <param name="message">The message; its bytes are kept.</param>
    /// <param name="content">The state; disposed of when it is done.</param>
    public void Send(Message message, ISnapshotContent content)
    {
        if (link.IsPaused || stopping.IsCancellationRequested)
        {
            content.Dispose();
            context.Inbox.ReportSnapshot(link.Member, arrived: false);
            return;
        }

        lock (_gate)
        {
            Task sending = Task.Factory.StartNew(
                () => Run(message, content), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            // What has ended is let go, or a chain would grow with every snapshot.
            _ended = _ended.IsCompleted ? sending : Task.WhenAll(_ended, sending);
        }
    }

    /// <summary>From time to time: gives up what stands still.</summary>
    public void Tick()
    {
        lock (_gate)
        {
            foreach (Transfer transfer in _transfers)
            {
                if (context.IsOver(Volatile.Read(ref transfer.LastProgress), context.Options.SnapshotStall))
                {
                    transfer.Cut.Cancel();
                }
            }
        }
    }

    private void Run(in Message message, ISnapshotContent content)
    {
        ulong index = message.Snapshot?.Index.Value ?? 0;
        using ISnapshotContent disposed = content;
        using var transfer = new Transfer(CancellationTokenSource.CreateLinkedTokenSource(stopping));
        using var head = new SendBuffer();
        MessageStreamEncoder.Frame(message, head);
        long bytes = head.Length + content.Length;
        string url = link.Urls.Pick();
        long started = context.Clock.GetTimestamp();
        PeerLog.SendingSnapshot(context.Log, index, link.Member.ToString(), bytes);
        link.Counters.BeginSendSnapshot();
        lock (_gate)
        {
            _transfers.Add(transfer);
        }

        string? failure = null;
        try
        {
            Post(url, new SnapshotBody(head, content, () => Volatile.Write(ref transfer.LastProgress, context.Clock.GetTimestamp())), transfer.Cut.Token);
        }
        catch (Exception e)
        {
            // Whatever the state or the network throws: raft must hear that the follower has nothing.
            failure = stopping.IsCancellationRequested ? "stopped" : PeerContext.Reason(e);
        }
        finally
        {
            lock (_gate)
            {
                _transfers.Remove(transfer);
            }
        }

        link.Counters.EndSendSnapshot(failure is null, context.Clock.GetElapsedTime(started));
        if (failure is null)
        {
            link.Activate();
            link.Counters.CountSent(bytes);
            PeerLog.SentSnapshot(context.Log, index, link.Member.ToString(), bytes);
        }
        else
        {
            PeerLog.SnapshotNotSent(context.Log, index, link.Member.ToString(), bytes, failure);
            link.Urls.Unreachable(url);
            link.Deactivate($"failed to post {link.Member} on sendMsgSnap ({failure})");
            link.ReportLost();
        }

        context.Inbox.ReportSnapshot(link.Member, failure is null);
    }

    private void Post(string url, SnapshotBody body, CancellationToken cancellation)
    {
        using HttpRequestMessage request = context.Http.NewRequest(HttpMethod.Post, url, PeerPaths.Snapshot, context.Identity);
        request.Content = body;
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        using HttpResponseMessage answer = context.Http.Requests.Send(request, cancellation);
        PeerAnswers.CheckPost(context, link.Member, answer, cancellation);
    }

    private sealed class Transfer(CancellationTokenSource cut) : IDisposable
    {
        public long LastProgress;

        public CancellationTokenSource Cut { get; } = cut;

        public void Dispose() => Cut.Dispose();
    }

    /// <summary>The message with its length before it, and the state behind it.</summary>
    private sealed class SnapshotBody(SendBuffer head, ISnapshotContent content, Action progressed) : HttpContent
    {
        protected override void SerializeToStream(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            progressed();
            stream.Write(head.Written.Span);
            using var progress = new ProgressStream(stream, progressed);
            content.WriteTo(progress);
        }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            SerializeToStream(stream, context, CancellationToken.None);
            return Task.CompletedTask;
        }

        protected override bool TryComputeLength(out long length)
        {
            length = head.Length + content.Length;
            return true;
        }
    }

    /// <summary>Passes writes on and tells of each.</summary>
    private sealed class ProgressStream(Stream inner, Action progressed) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            inner.Write(buffer);
            progressed();
        }
    }
}
