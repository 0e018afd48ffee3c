using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Etcd.Server.Api.Gateway;

/// <summary>
/// What of an HTTP request's headers a gRPC call gets as metadata: Authorization, which carries the token; what begins with
/// <c>Grpc-Metadata-</c>, without that; who has asked; and the timeout.
/// </summary>
internal static class GatewayMetadata
{
    private const string Prefix = "Grpc-Metadata-";
    private const string Forwarded = "x-forwarded-for";
    private const string ForwardedHost = "x-forwarded-host";

    /// <summary>The call's headers.</summary>
    /// <param name="outer">The HTTP request.</param>
    public static IHeaderDictionary Of(HttpContext outer)
    {
        IHeaderDictionary given = outer.Request.Headers;
        IHeaderDictionary metadata = new HeaderDictionary();
        foreach ((string name, StringValues values) in given)
        {
            if (name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) && IsFree(name[Prefix.Length..]))
            {
                metadata[name[Prefix.Length..].ToLowerInvariant()] = values;
            }
        }

        if (given.Authorization.Count > 0)
        {
            metadata["authorization"] = given.Authorization;
        }

        if (given.GrpcTimeout.Count > 0)
        {
            metadata.GrpcTimeout = given.GrpcTimeout;
        }

        AddOrigin(outer, given, metadata);
        metadata.TE = "trailers";
        return metadata;
    }

    // Those that say what the call is are not the client's to set.
    private static bool IsFree(string name) =>
        name.Length > 0
        && !name.StartsWith("grpc-", StringComparison.OrdinalIgnoreCase)
        && !name.Equals("content-type", StringComparison.OrdinalIgnoreCase)
        && !name.Equals("content-length", StringComparison.OrdinalIgnoreCase)
        && !name.Equals("te", StringComparison.OrdinalIgnoreCase)
        && !name.Equals("host", StringComparison.OrdinalIgnoreCase);

    private static void AddOrigin(HttpContext outer, IHeaderDictionary given, IHeaderDictionary metadata)
    {
        StringValues host = given[ForwardedHost];
        metadata[ForwardedHost] = host.Count > 0 ? host : outer.Request.Host.Value;
        if (outer.Connection.RemoteIpAddress is { } address)
        {
            metadata[Forwarded] = string.Join(", ", [.. given[Forwarded], address.ToString()]);
        }
    }
}
