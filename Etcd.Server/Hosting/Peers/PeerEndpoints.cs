using System.Globalization;
using Etcd.Server.Peer;
using Etcd.Server.Peer.Codec;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace Etcd.Server.Hosting.Peers;

/// <summary>
/// What the peer port serves: raft's messages here, requests between members in <see cref="PeerServiceEndpoints"/>. Statuses
/// and texts are etcd's.
/// </summary>
internal static class PeerEndpoints
{
    /// <summary>Maps everything.</summary>
    /// <param name="app">Where.</param>
    /// <param name="transport">Where messages go.</param>
    /// <param name="services">Who answers the rest.</param>
    public static void MapPeers(this IEndpointRouteBuilder app, PeerTransport transport, IPeerServices services)
    {
        app.Map(PeerPaths.Pipeline, http => Pipeline(http, transport));
        app.Map(PeerPaths.Streams + "{**rest}", http => Stream(http, transport));
        app.Map(PeerPaths.Snapshot, http => Snapshot(http, transport));
        app.Map(PeerPaths.Probing, Probing);
        app.MapPeerServices(transport, services);
        app.MapFallback("{**path}", http => PeerReply.ErrorAsync(http, StatusCodes.Status404NotFound, "404 page not found"));
    }

    private static Task Probing(HttpContext http)
    {
        string now = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.fffffffZ", CultureInfo.InvariantCulture);
        return PeerReply.BytesAsync(http, "text/plain; charset=utf-8", System.Text.Encoding.UTF8.GetBytes($$"""{"OK":true,"Now":"{{now}}"}""" + "\n"));
    }

    private static async Task Stream(HttpContext http, PeerTransport transport)
    {
        if (PeerReply.IsOtherMethod(http, HttpMethods.Get))
        {
            await PeerReply.MethodNotAllowedAsync(http).ConfigureAwait(false);
            return;
        }

        PeerIdentity self = transport.Identity;
        http.Response.Headers[PeerHeaders.ServerVersion] = self.Version.Server;
        if (await AdmitAsync(http, transport).ConfigureAwait(false) is not { } admitted)
        {
            return;
        }

        (PeerContext context, PeerRequestHead head) = admitted;
        PeerRefusal? refusal = PeerAdmission.CheckStream(self, head, http.Request.Path.Value ?? "", transport, out StreamKind kind, out MemberId from);
        PeerLink? link = transport.Peer(from);
        if (refusal is null && link is null)
        {
            // It was taken out of the cluster just now.
            refusal = new PeerRefusal(StatusCodes.Status404NotFound, PeerAdmission.SenderNotFound);
        }

        if (refusal is { } no)
        {
            TellRefusedStream(context, transport, head, from, no);
            await PeerReply.ErrorAsync(http, no.Status, no.Text).ConfigureAwait(false);
            return;
        }

        // The sender takes the stream for open when it has the headers.
        http.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        await http.Response.StartAsync(http.RequestAborted).ConfigureAwait(false);
        await http.Response.Body.FlushAsync(http.RequestAborted).ConfigureAwait(false);
        await link!.ServeStreamAsync(kind, http).ConfigureAwait(false);
    }

    private static void TellRefusedStream(PeerContext context, PeerTransport transport, in PeerRequestHead head, MemberId from, PeerRefusal refusal)
    {
        string self = context.Identity.Self.ToString();
        switch (refusal.Status)
        {
            case StatusCodes.Status410Gone:
                PeerLog.RemovedRejected(context.Log, self, from.ToString());
                break;
            case StatusCodes.Status412PreconditionFailed:
                PeerLog.WrongTarget(context.Log, self, head.RaftTo ?? "", from.ToString());
                break;
            case StatusCodes.Status404NotFound when refusal.Text == PeerAdmission.SenderNotFound:
                PeerLog.Unknown(context.Log, self, from.ToString(), context.Identity.ClusterText);
                // The sender may be one that joined after what this member has learned so far.
                transport.AddRemote(head with { From = from.ToString() });
                break;
            default:
                // A path that no member asks for names nobody.
                break;
        }
    }

    private static async Task Pipeline(HttpContext http, PeerTransport transport)
    {
        if (PeerReply.IsOtherMethod(http, HttpMethods.Post))
        {
            await PeerReply.MethodNotAllowedAsync(http).ConfigureAwait(false);
            return;
        }

        if (await AdmitAsync(http, transport).ConfigureAwait(false) is not { } admitted)
        {
            return;
        }

        (PeerContext context, PeerRequestHead head) = admitted;
        transport.AddRemote(head);
        using var buffer = new ReceiveBuffer();
        Message message;
        string text = "error reading raft message";
        try
        {
            await ReadBodyAsync(http, buffer, Limits.PeerMessageBytesMax, context.Options.StreamTimeout).ConfigureAwait(false);
            text = "error unmarshalling raft message";
            message = MessageCodec.Read(buffer.Received);
        }
        catch (Exception e) when (e is IOException or PeerFormatException or OperationCanceledException)
        {
            await RefuseUnreadableAsync(http, context, text, e).ConfigureAwait(false);
            return;
        }

        context.Metrics[message.From].CountReceived(buffer.Received.Length);
        if (transport.Peer(message.From) is { IsPaused: true })
        {
            http.Abort();
            return;
        }

        if (context.Receive(message) is { } refusal)
        {
            await PeerReply.JsonErrorAsync(http, refusal.Status, refusal.Text).ConfigureAwait(false);
            return;
        }

        http.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private static async Task Snapshot(HttpContext http, PeerTransport transport)
    {
        if (PeerReply.IsOtherMethod(http, HttpMethods.Post))
        {
            transport.Metrics.CountSnapshotOfUnknown();
            await PeerReply.MethodNotAllowedAsync(http).ConfigureAwait(false);
            return;
        }

        if (await AdmitAsync(http, transport).ConfigureAwait(false) is not { } admitted)
        {
            transport.Metrics.CountSnapshotOfUnknown();
            return;
        }

        (PeerContext context, PeerRequestHead head) = admitted;
        transport.AddRemote(head);
        using var buffer = new ReceiveBuffer();
        Message message;
        int taken;
        try
        {
            (message, taken) = await ReadSnapshotMessageAsync(http, buffer, context).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or PeerFormatException or OperationCanceledException)
        {
            transport.Metrics.CountSnapshotOfUnknown();
            await RefuseUnreadableAsync(http, context, $"failed to decode raft message ({PeerContext.Reason(e)})", e).ConfigureAwait(false);
            return;
        }

        context.Metrics[message.From].CountReceived(taken);
        buffer.Take(taken);
        await new SnapshotReceiver(context, transport.Snapshots).ReceiveAsync(http, message, taken, buffer).ConfigureAwait(false);
    }

    private static async Task<(Message Message, int Bytes)> ReadSnapshotMessageAsync(HttpContext http, ReceiveBuffer buffer, PeerContext context)
    {
        var decoder = new MessageStreamDecoder(Limits.PeerSnapshotMessageBytesMax);
        while (true)
        {
            if (await ReadSomeAsync(http, buffer, context.Options.StreamTimeout).ConfigureAwait(false) == 0)
            {
                throw new EndOfStreamException("unexpected EOF");
            }

            if (decoder.Decode(buffer.Received, out int taken, out Message message) != StreamItem.Incomplete)
            {
                return (message, taken);
            }
        }
    }

    /// <summary>Checks versions and cluster; null if the request was refused.</summary>
    private static async ValueTask<(PeerContext Context, PeerRequestHead Head)?> AdmitAsync(HttpContext http, PeerTransport transport)
    {
        PeerIdentity self = transport.Identity;
        http.Response.Headers[PeerHeaders.ClusterId] = self.ClusterText;
        if (transport.Context is not { } context)
        {
            await PeerReply.ErrorAsync(http, StatusCodes.Status503ServiceUnavailable, "the member has not started yet").ConfigureAwait(false);
            return null;
        }

        if (transport.IsStopped)
        {
            await PeerReply.ErrorAsync(http, StatusCodes.Status503ServiceUnavailable, "the member is stopping").ConfigureAwait(false);
            return null;
        }

        PeerRequestHead head = PeerReply.Head(http.Request);
        if (PeerAdmission.CheckCluster(self, head) is not { } refusal)
        {
            return (context, head);
        }

        if (refusal.Text == PeerAdmission.ClusterMismatch)
        {
            PeerLog.ClusterMismatch(context.Log, self.Self.ToString(), self.ClusterText, head.From ?? "", head.ClusterId ?? "");
        }
        else
        {
            PeerLog.VersionMismatch(context.Log, self.Self.ToString(), self.Version.Server, head.From ?? "", head.ServerVersion ?? "");
        }

        await PeerReply.ErrorAsync(http, refusal.Status, refusal.Text).ConfigureAwait(false);
        return null;
    }

    private static Task RefuseUnreadableAsync(HttpContext http, PeerContext context, string text, Exception e)
    {
        string address = http.Connection.RemoteIpAddress?.ToString() ?? "";
        PeerLog.NotDecoded(context.Log, context.Identity.Self.ToString(), address, PeerContext.Reason(e));
        context.Metrics.CountReceiveFailure(address);
        return http.RequestAborted.IsCancellationRequested
            ? Task.CompletedTask
            : PeerReply.ErrorAsync(http, StatusCodes.Status400BadRequest, text);
    }

    private static async Task ReadBodyAsync(HttpContext http, ReceiveBuffer buffer, int bytesMax, TimeSpan silence)
    {
        while (await ReadSomeAsync(http, buffer, silence).ConfigureAwait(false) > 0)
        {
            if (buffer.Received.Length > bytesMax)
            {
                throw new PeerFormatException(PeerFormatException.TooLarge);
            }
        }
    }

    /// <summary>Reads what there is; one who sends nothing for too long is let go.</summary>
    internal static async ValueTask<int> ReadSomeAsync(HttpContext http, ReceiveBuffer buffer, TimeSpan silence)
    {
        ValueTask<int> reading = http.Request.Body.ReadAsync(buffer.Free(), http.RequestAborted);
        // What is there already needs no limit.
        using CancellationTokenSource? limit = reading.IsCompleted ? null : new CancellationTokenSource(silence);
        // The read cannot be taken back while the connection lives: whoever is silent loses it.
        using CancellationTokenRegistration abort = limit?.Token.UnsafeRegister(static h => ((HttpContext)h!).Abort(), http) ?? default;
        int read = await reading.ConfigureAwait(false);
        buffer.Advance(read);
        return read;
    }
}
