using System.Globalization;
using System.Security.Cryptography;
using Etcd.Protocol.Errors;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Etcd.Server.Storage.Disk;
using Microsoft.AspNetCore.Http;

namespace Etcd.Server.Hosting.Peers;

/// <summary>
/// The whole state for a member that has lost its own: etcd's database and its SHA-256, with the index and term that it stands at in
/// the head. Members only are served, as with streams. What breaks on the way is cut off, so that the end of the chunks does not come.
/// </summary>
internal static class StateEndpoint
{
    /// <summary>Bytes of the hash behind the database.</summary>
    public const int HashBytes = 32;

    /// <summary>Serves one request.</summary>
    public static async Task ServeAsync(HttpContext http, PeerTransport transport, IPeerServices services)
    {
        if (PeerReply.IsOtherMethod(http, HttpMethods.Get))
        {
            await PeerReply.MethodNotAllowedAsync(http).ConfigureAwait(false);
            return;
        }

        if (Refuse(http, transport) is { } refusal)
        {
            await PeerReply.ErrorAsync(http, refusal.Status, refusal.Text).ConfigureAwait(false);
            return;
        }

        PeerStateSource state;
        try
        {
            state = await services.StateAsync(http.RequestAborted).ConfigureAwait(false);
        }
        catch (EtcdErrorException e)
        {
            await PeerReply.ErrorAsync(http, StatusCodes.Status503ServiceUnavailable, e.Error.Text).ConfigureAwait(false);
            return;
        }
        catch (StoreException)
        {
            await PeerReply.ErrorAsync(http, StatusCodes.Status503ServiceUnavailable, EtcdErrors.Corrupt.Text).ConfigureAwait(false);
            return;
        }

        using (state)
        {
            try
            {
                await SendAsync(http, state, transport.Context!).ConfigureAwait(false);
            }
            catch (Exception e) when (e is StoreException or TimeoutException)
            {
                http.Abort();
            }
        }
    }

    private static PeerRefusal? Refuse(HttpContext http, PeerTransport transport)
    {
        PeerRequestHead head = PeerReply.Head(http.Request);
        if (PeerAdmission.CheckCluster(transport.Identity, head) is { } refusal)
        {
            return refusal;
        }

        bool isMember = transport.Context is { } context && PeerIdentity.TryParseId(head.From, out MemberId from) && context.Directory.IsMember(from);
        return isMember ? null : new PeerRefusal(StatusCodes.Status403Forbidden, PeerAdmission.SenderNotFound);
    }

    private static async Task SendAsync(HttpContext http, PeerStateSource state, PeerContext context)
    {
        http.Response.ContentType = "application/octet-stream";
        http.Response.Headers[PeerHeaders.StateIndex] = state.Index.Value.ToString(CultureInfo.InvariantCulture);
        http.Response.Headers[PeerHeaders.StateTerm] = state.Term.Value.ToString(CultureInfo.InvariantCulture);
        // The asker holds its entries from the index on: it is to know it before the bytes are read.
        await http.Response.StartAsync(http.RequestAborted).ConfigureAwait(false);
        await http.Response.Body.FlushAsync(http.RequestAborted).ConfigureAwait(false);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using IEnumerator<ReadOnlyMemory<byte>> pieces = state.Pieces.GetEnumerator();
        // The first look goes through all records: not on a thread that has connections to serve.
        for (bool any = await Task.Run(pieces.MoveNext, http.RequestAborted).ConfigureAwait(false); any; any = pieces.MoveNext())
        {
            hash.AppendData(pieces.Current.Span);
            await WriteAsync(http, pieces.Current, context).ConfigureAwait(false);
        }

        await WriteAsync(http, hash.GetHashAndReset(), context).ConfigureAwait(false);
    }

    private static Task WriteAsync(HttpContext http, ReadOnlyMemory<byte> bytes, PeerContext context) =>
        http.Response.Body.WriteAsync(bytes, http.RequestAborted).AsTask().WaitAsync(context.Options.SnapshotStall, context.Clock, http.RequestAborted);
}
