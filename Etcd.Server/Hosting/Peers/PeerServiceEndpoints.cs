using System.Globalization;
using System.Text;
using System.Text.Json;
using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.Leasepb;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Member = Etcd.Server.Membership.Member;

namespace Etcd.Server.Hosting.Peers;

/// <summary>What the peer port serves besides raft's messages: members, versions, leases, hashes.</summary>
internal static class PeerServiceEndpoints
{
    private const string LeaseTimeout = "waiting for node to catch up its applied index has timed out";
    private const string LeaseNotFound = "lease not found";

    private static readonly TimeSpan BodySilence = TimeSpan.FromMilliseconds(Limits.PeerStreamTimeoutMilliseconds);

    /// <summary>Maps it.</summary>
    public static void MapPeerServices(this IEndpointRouteBuilder app, PeerTransport transport, IPeerServices services)
    {
        app.Map(PeerPaths.Members, http => Members(http, transport, services));
        app.Map(PeerPaths.Promote + "{**id}", http => Promote(http, transport, services));
        app.Map(PeerPaths.HashKv, http => HashKv(http, transport, services));
        app.Map(PeerPaths.Leases, http => Lease(http, services, isInternal: false));
        app.Map(PeerPaths.LeasesInternal, http => Lease(http, services, isInternal: true));
        app.Map(PeerPaths.Version, http => Version(http, transport, services));
        app.Map(PeerPaths.State, http => StateEndpoint.ServeAsync(http, transport, services));
        app.Map(PeerPaths.DowngradeEnabled, http => DowngradeEnabled(http, transport, services));
    }

    private static Task Members(HttpContext http, PeerTransport transport, IPeerServices services)
    {
        if (PeerReply.IsOtherMethod(http, HttpMethods.Get))
        {
            return PeerReply.MethodNotAllowedAsync(http);
        }

        http.Response.Headers[PeerHeaders.ClusterId] = transport.Identity.ClusterText;
        return PeerReply.BytesAsync(http, "application/json", PeerJson.Members(services.Members));
    }

    private static Task Version(HttpContext http, PeerTransport transport, IPeerServices services)
    {
        if (PeerReply.IsOtherMethod(http, HttpMethods.Get))
        {
            return PeerReply.MethodNotAllowedAsync(http);
        }

        ClaimedVersion version = transport.Identity.Version;
        // 3.5 says nothing of it; later ones follow what the members agreed on.
        string? storage = version.Storage is null ? null : EtcdVersion.StorageOf(services.ClusterVersion) ?? "unknown";
        return PeerReply.BytesAsync(
            http, "application/json", PeerJson.Versions(version.Server, services.ClusterVersion ?? "not_decided", storage));
    }

    private static async Task Promote(HttpContext http, PeerTransport transport, IPeerServices services)
    {
        if (PeerReply.IsOtherMethod(http, HttpMethods.Post))
        {
            await PeerReply.MethodNotAllowedAsync(http).ConfigureAwait(false);
            return;
        }

        http.Response.Headers[PeerHeaders.ClusterId] = transport.Identity.ClusterText;
        string text = (http.Request.Path.Value ?? "")[PeerPaths.Promote.Length..];
        if (!ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong id))
        {
            await PeerReply.ErrorAsync(http, StatusCodes.Status404NotFound, $"member {text} not found in cluster").ConfigureAwait(false);
            return;
        }

        string? token = http.Request.Headers.Authorization.FirstOrDefault();
        IReadOnlyList<Member> members;
        try
        {
            members = await services.PromoteAsync(new MemberId(id), token, http.RequestAborted).ConfigureAwait(false);
        }
        catch (EtcdErrorException e)
        {
            if (transport.Context is { } context)
            {
                PeerLog.PromoteFailed(context.Log, new MemberId(id).ToString(), e.Error.Text);
            }

            await RefusePromotionAsync(http, e.Error).ConfigureAwait(false);
            return;
        }

        await PeerReply.BytesAsync(http, "application/json", PeerJson.Members(members)).ConfigureAwait(false);
    }

    private static Task RefusePromotionAsync(HttpContext http, EtcdError error)
    {
        if (error == EtcdErrors.MemberNotFound)
        {
            return PeerReply.ErrorAsync(http, StatusCodes.Status404NotFound, "membership: ID not found");
        }

        if (error == EtcdErrors.MemberNotLearner)
        {
            return PeerReply.ErrorAsync(http, StatusCodes.Status412PreconditionFailed, "membership: can only promote a learner member");
        }

        return error == EtcdErrors.LearnerNotReady
            ? PeerReply.ErrorAsync(http, StatusCodes.Status412PreconditionFailed, error.Text)
            : PeerReply.JsonErrorAsync(http, StatusCodes.Status500InternalServerError, "Internal Server Error");
    }

    private static async Task HashKv(HttpContext http, PeerTransport transport, IPeerServices services)
    {
        if (PeerReply.IsOtherMethod(http, HttpMethods.Get))
        {
            await PeerReply.MethodNotAllowedAsync(http).ConfigureAwait(false);
            return;
        }

        string? theirs = PeerReply.Head(http.Request).ClusterId;
        if (!string.IsNullOrEmpty(theirs) && theirs != transport.Identity.ClusterText)
        {
            await PeerReply.ErrorAsync(http, StatusCodes.Status412PreconditionFailed, PeerAdmission.ClusterMismatch).ConfigureAwait(false);
            return;
        }

        long revision;
        string failure = "error reading body";
        try
        {
            byte[] body = await ReadBodyAsync(http).ConfigureAwait(false);
            failure = "error unmarshalling request";
            revision = PeerJson.ReadHashRequest(body);
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            await PeerReply.ErrorAsync(http, StatusCodes.Status400BadRequest, failure).ConfigureAwait(false);
            return;
        }

        try
        {
            PeerHash hash = await services.HashKvAsync(revision, http.RequestAborted).ConfigureAwait(false);
            http.Response.Headers[PeerHeaders.ClusterId] = transport.Identity.ClusterText;
            await PeerReply.BytesAsync(http, "application/json", PeerJson.Hash(hash)).ConfigureAwait(false);
        }
        catch (EtcdErrorException e)
        {
            if (transport.Context is { } context)
            {
                PeerLog.HashFailed(context.Log, revision, e.Error.Text);
            }

            // Inside a member the text stands without the prefix that clients see.
            await PeerReply.ErrorAsync(
                http, StatusCodes.Status400BadRequest, e.Error.Text.Replace("etcdserver: ", "", StringComparison.Ordinal)).ConfigureAwait(false);
        }
    }

    private static async Task Lease(HttpContext http, IPeerServices services, bool isInternal)
    {
        if (PeerReply.IsOtherMethod(http, HttpMethods.Post, naming: false))
        {
            await PeerReply.MethodNotAllowedAsync(http).ConfigureAwait(false);
            return;
        }

        byte[] body;
        try
        {
            body = await ReadBodyAsync(http).ConfigureAwait(false);
        }
        catch (IOException e)
        {
            Task refused = e is BodyTooLargeException
                ? PeerReply.ErrorAsync(http, StatusCodes.Status413PayloadTooLarge, "request body too large")
                : PeerReply.ErrorAsync(http, StatusCodes.Status400BadRequest, "error reading body");
            await refused.ConfigureAwait(false);
            return;
        }

        try
        {
            byte[] answer = isInternal
                ? await TimeToLiveAsync(LeaseInternalRequest.Parser.ParseFrom(body), services, http.RequestAborted).ConfigureAwait(false)
                : await RenewAsync(LeaseKeepAliveRequest.Parser.ParseFrom(body), services, http.RequestAborted).ConfigureAwait(false);
            await PeerReply.BytesAsync(http, "application/protobuf", answer).ConfigureAwait(false);
        }
        catch (InvalidProtocolBufferException)
        {
            await PeerReply.ErrorAsync(http, StatusCodes.Status400BadRequest, "error unmarshalling request").ConfigureAwait(false);
        }
        catch (EtcdErrorException e)
        {
            await RefuseLeaseAsync(http, e.Error, isInternal).ConfigureAwait(false);
        }
    }

    private static async Task<byte[]> RenewAsync(LeaseKeepAliveRequest request, IPeerServices services, CancellationToken cancellation)
    {
        long ttl = await services.RenewAsync(new LeaseId(request.ID), cancellation).ConfigureAwait(false);
        return new LeaseKeepAliveResponse { ID = request.ID, TTL = ttl }.ToByteArray();
    }

    private static async Task<byte[]> TimeToLiveAsync(LeaseInternalRequest request, IPeerServices services, CancellationToken cancellation)
    {
        // Go's server falls over a request without the question; a lease that does not exist is the next best answer.
        LeaseTimeToLiveRequest question = request.LeaseTimeToLiveRequest ?? new LeaseTimeToLiveRequest();
        PeerLease lease = await services.LeaseTimeToLiveAsync(new LeaseId(question.ID), question.Keys, cancellation).ConfigureAwait(false);
        var answer = new LeaseTimeToLiveResponse
        {
            Header = new ResponseHeader(),
            ID = question.ID,
            TTL = lease.RemainingSeconds,
            GrantedTTL = lease.GrantedSeconds,
        };
        answer.Keys.AddRange(lease.Keys.Select(k => ByteString.CopyFrom(k.Span)));
        return new LeaseInternalResponse { LeaseTimeToLiveResponse = answer }.ToByteArray();
    }

    private static Task RefuseLeaseAsync(HttpContext http, EtcdError error, bool isInternal)
    {
        if (error == EtcdErrors.LeaseNotFound)
        {
            return PeerReply.ErrorAsync(http, StatusCodes.Status404NotFound, LeaseNotFound);
        }

        if (error == EtcdErrors.Timeout)
        {
            return PeerReply.ErrorAsync(http, StatusCodes.Status408RequestTimeout, LeaseTimeout);
        }

        int status = isInternal ? StatusCodes.Status500InternalServerError : StatusCodes.Status400BadRequest;
        return PeerReply.ErrorAsync(http, status, error.Text);
    }

    private static async Task DowngradeEnabled(HttpContext http, PeerTransport transport, IPeerServices services)
    {
        if (PeerReply.IsOtherMethod(http, HttpMethods.Get))
        {
            await PeerReply.MethodNotAllowedAsync(http).ConfigureAwait(false);
            return;
        }

        http.Response.Headers[PeerHeaders.ClusterId] = transport.Identity.ClusterText;
        bool enabled;
        try
        {
            enabled = await services.IsDowngradeEnabledAsync(http.RequestAborted).ConfigureAwait(false);
        }
        catch (EtcdErrorException e)
        {
            await PeerReply.ErrorAsync(
                http, StatusCodes.Status500InternalServerError, "failed linearized read: " + e.Error.Text).ConfigureAwait(false);
            return;
        }

        await PeerReply.BytesAsync(http, "text/plain", Encoding.ASCII.GetBytes(enabled ? "true" : "false")).ConfigureAwait(false);
    }

    private static async Task<byte[]> ReadBodyAsync(HttpContext http)
    {
        using var buffer = new Peer.Codec.ReceiveBuffer();
        while (await PeerEndpoints.ReadSomeAsync(http, buffer, BodySilence).ConfigureAwait(false) > 0)
        {
            if (buffer.Received.Length > Limits.PeerLeaseRequestBytesMax)
            {
                throw new BodyTooLargeException();
            }
        }

        return buffer.Received.ToArray();
    }

    private sealed class BodyTooLargeException() : IOException("request body too large");
}
