using System.Globalization;
using Etcd.Protocol.Errors;
using Etcd.Server.Node;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Etcd.Server.Api;

/// <summary>
/// Which gRPC calls are let in: a learner answers little, and a call whose metadata say <c>hasleader: true</c> is refused at once by
/// a member that knows no leader. In etcd these are interceptors; here it is done before the request is read.
/// </summary>
internal static class CallAdmission
{
    /// <summary>The metadata with which a client asks for a member that has a leader.</summary>
    public const string RequireLeader = "hasleader";

    private const string GrpcContent = "application/grpc";

    // Its service looks whether it is serializable: that is all that a learner reads.
    private const string Range = "/etcdserverpb.KV/Range";

    /// <summary>Why a call is refused; null if it is not, or is none.</summary>
    /// <param name="http">The request.</param>
    /// <param name="status">The member.</param>
    public static EtcdError? Refuse(HttpContext http, IMemberStatus status)
    {
        if (http.Request.ContentType is not { } content || !content.StartsWith(GrpcContent, StringComparison.Ordinal))
        {
            return null;
        }

        if (status.IsLearner && !IsForLearners(http.Request.Path.Value))
        {
            return EtcdErrors.NotSupportedForLearner;
        }

        return IsLeaderRequired(http.Request.Headers[RequireLeader]) && status.Leader.IsNone ? EtcdErrors.NoLeader : null;
    }

    /// <summary>Whether metadata ask for a leader.</summary>
    /// <param name="values">The values of <see cref="RequireLeader"/>.</param>
    public static bool IsLeaderRequired(StringValues values) => values.Count > 0 && values[0] == "true";

    /// <summary>Ends a call with an error and nothing else.</summary>
    /// <param name="http">The request.</param>
    /// <param name="error">The error.</param>
    public static Task AnswerAsync(HttpContext http, EtcdError error)
    {
        http.Response.ContentType = GrpcContent;
        http.Response.Headers["grpc-status"] = ((int)error.WireCode).ToString(CultureInfo.InvariantCulture);
        http.Response.Headers["grpc-message"] = error.Text;
        return http.Response.CompleteAsync();
    }

    private static bool IsForLearners(string? path) =>
        path is Range or "/etcdserverpb.Maintenance/Status" or "/etcdserverpb.Maintenance/Snapshot";
}
