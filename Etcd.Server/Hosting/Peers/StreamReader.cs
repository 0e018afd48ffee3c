using System.Net;
using Etcd.Server.Peer;
using Etcd.Server.Peer.Codec;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Hosting.Peers;

/// <summary>
/// Opens one stream at another member, hands on what arrives, and opens it again when it ends. A stream that is silent for
/// longer than signs of life may be apart is taken for dead.
/// </summary>
internal sealed class StreamReader(PeerContext context, PeerLink link, StreamKind kind)
{
    private static readonly Version OldestWithStreams = new(2, 1);

    private volatile CancellationTokenSource? _reading;
    private long _lastRead;

    /// <summary>Runs until stopped.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            long dialed = context.Clock.GetTimestamp();
            await DialAndReadAsync(stopping).ConfigureAwait(false);
            TimeSpan pause = context.Options.RedialInterval - context.Clock.GetElapsedTime(dialed);
            if (pause > TimeSpan.Zero)
            {
                await Task.Delay(pause, context.Clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>From time to time: gives up a silent connection.</summary>
    public void Tick()
    {
        if (context.IsOver(Volatile.Read(ref _lastRead), context.Options.StreamTimeout))
        {
            Volatile.Write(ref _lastRead, 0);
            try
            {
                _reading?.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // It has ended by itself.
            }
        }
    }

    private async Task DialAndReadAsync(CancellationToken stopping)
    {
        string url = link.Urls.Pick();
        string action = "dial";
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        try
        {
            reading.CancelAfter(context.Options.DialTimeout + context.Options.StreamTimeout);
            using HttpResponseMessage answer = await DialAsync(url, reading.Token).ConfigureAwait(false);
            reading.CancelAfter(Timeout.InfiniteTimeSpan);
            action = "read";
            _reading = reading;
            link.Activate();
            PeerLog.StreamOpened(context.Log, AttachedStream.Name(kind), context.Identity.Self.ToString(), link.Member.ToString());
            await ReadAsync(answer, reading.Token).ConfigureAwait(false);
            Lost("EOF");
        }
        catch (Exception) when (stopping.IsCancellationRequested)
        {
            // Stopped.
        }
        catch (Exception e) when (e is HttpRequestException or IOException or PeerFormatException or OperationCanceledException or FormatException)
        {
            string reason = e is OperationCanceledException ? "i/o timeout" : PeerContext.Reason(e);
            if (action == "dial")
            {
                link.Urls.Unreachable(url);
            }
            else
            {
                Lost(reason);
            }

            link.Deactivate($"failed to {action} {link.Member} on {AttachedStream.Name(kind)} ({reason})");
        }
        finally
        {
            _reading = null;
            Volatile.Write(ref _lastRead, 0);
        }
    }

    private void Lost(string reason) => PeerLog.StreamLost(
        context.Log, AttachedStream.Name(kind), context.Identity.Self.ToString(), link.Member.ToString(), reason);

    private async Task<HttpResponseMessage> DialAsync(string url, CancellationToken cancellation)
    {
        string path = (kind == StreamKind.MsgApp ? PeerPaths.MsgAppStream : PeerPaths.MessageStream) + "/" + context.Identity.Self;
        using HttpRequestMessage request = context.Http.NewRequest(HttpMethod.Get, url, path, context.Identity);
        request.Headers.TryAddWithoutValidation(PeerHeaders.RaftTo, link.Member.ToString());
        HttpResponseMessage answer = await context.Http.Streams.SendAsync(request, cancellation).ConfigureAwait(false);
        try
        {
            await CheckAsync(answer, cancellation).ConfigureAwait(false);
            return answer;
        }
        catch
        {
            answer.Dispose();
            throw;
        }
    }

    private async Task CheckAsync(HttpResponseMessage answer, CancellationToken cancellation)
    {
        if (ServerVersion(answer) < OldestWithStreams)
        {
            throw new HttpRequestException("unsupported stream type");
        }

        switch (answer.StatusCode)
        {
            case HttpStatusCode.OK:
                return;
            case HttpStatusCode.Gone:
                context.Options.OnRemoved();
                throw new HttpRequestException(EtcdMember.RemovedText);
            case HttpStatusCode.NotFound:
                throw new HttpRequestException($"peer {link.Member} failed to find local node {context.Identity.Self}");
            case HttpStatusCode.PreconditionFailed:
                throw new HttpRequestException(await PeerAnswers.RefusalAsync(context, link.Member, answer, cancellation).ConfigureAwait(false));
            default:
                throw new HttpRequestException($"unhandled http status {(int)answer.StatusCode}");
        }
    }

    private static Version ServerVersion(HttpResponseMessage answer) =>
        answer.Headers.TryGetValues(PeerHeaders.ServerVersion, out IEnumerable<string>? values)
            && ClaimedVersion.Number(values.First()) is { } version
            ? version
            : new Version(2, 0);

    private async Task ReadAsync(HttpResponseMessage answer, CancellationToken cancellation)
    {
        Stream body = await answer.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        IStreamDecoder decoder = kind == StreamKind.MsgApp
            ? new MsgAppStreamDecoder(context.Identity.Self, link.Member)
            : new MessageStreamDecoder();
        using var buffer = new ReceiveBuffer();
        while (true)
        {
            Volatile.Write(ref _lastRead, context.Clock.GetTimestamp());
            int read = await body.ReadAsync(buffer.Free(), cancellation).ConfigureAwait(false);
            if (read == 0)
            {
                return;
            }

            buffer.Advance(read);
            link.Counters.CountReceived(read);
            while (decoder.Decode(buffer.Received, out int taken, out Message message) is var item and not StreamItem.Incomplete)
            {
                buffer.Take(taken);
                if (item == StreamItem.Message && !link.IsPaused)
                {
                    context.Receive(message);
                }
            }
        }
    }
}
