using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Grpc.Core;

namespace Grpc.Net.Client.Internal.Http;

/// <summary>Reads the status of a call from the headers and trailers of its response.</summary>
internal static class ResponseStatus
{
    private const string ContentType = "application/grpc";

    /// <summary>
    /// The status where the response headers already decide it: the server sent nothing but trailers, or what answered
    /// does not speak gRPC. Null where messages follow.
    /// </summary>
    public static Status? FromHeaders(HttpResponseMessage response)
    {
        if (response.Version < HttpVersion.Version20)
            return new Status(StatusCode.Internal, $"Bad gRPC response. Response protocol downgraded to HTTP/{response.Version.ToString(2)}.");
        if (FromGrpcStatus(response.Headers) is { } status)
            return status;
        if (response.StatusCode != HttpStatusCode.OK)
            return new Status(
                FromHttpStatus(response.StatusCode),
                string.Create(CultureInfo.InvariantCulture, $"Bad gRPC response. HTTP status code: {(int)response.StatusCode}"));
        return FromContentType(HeaderMetadata.Find(response.Content.Headers, "Content-Type"));
    }

    /// <summary>The status after the last message.</summary>
    public static Status FromTrailers(HttpResponseMessage response) =>
        FromGrpcStatus(response.TrailingHeaders) ?? new Status(StatusCode.Cancelled, "No grpc-status found on response.");

    private static Status? FromGrpcStatus(HttpHeaders headers)
    {
        var code = HeaderMetadata.Find(headers, "grpc-status");
        if (code is null)
            return null;
        var message = HeaderMetadata.Find(headers, "grpc-message") is { } encoded ? PercentDecoder.Decode(encoded) : "";
        return code == "0" && message.Length == 0 ? Status.DefaultSuccess : new Status(ParseCode(code), message);
    }

    private static StatusCode ParseCode(string code) =>
        int.TryParse(code, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && number <= (int)StatusCode.Unauthenticated
            ? (StatusCode)number
            : StatusCode.Unknown;

    private static Status? FromContentType(string? value)
    {
        if (value is null)
            return new Status(StatusCode.Cancelled, "Bad gRPC response. Response did not have a content-type header.");
        var known = value.StartsWith(ContentType, StringComparison.OrdinalIgnoreCase)
            && (value.Length == ContentType.Length || value[ContentType.Length] is ';' or '+');
        return known ? null : new Status(StatusCode.Cancelled, $"Bad gRPC response. Invalid content-type value: {value}");
    }

    // By the table in the gRPC project's doc/http-grpc-status-mapping.md.
    private static StatusCode FromHttpStatus(HttpStatusCode status) => status switch
    {
        HttpStatusCode.BadRequest or HttpStatusCode.RequestHeaderFieldsTooLarge => StatusCode.Internal,
        HttpStatusCode.Unauthorized => StatusCode.Unauthenticated,
        HttpStatusCode.Forbidden => StatusCode.PermissionDenied,
        HttpStatusCode.NotFound => StatusCode.Unimplemented,
        HttpStatusCode.TooManyRequests or HttpStatusCode.BadGateway
            or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout => StatusCode.Unavailable,
        _ => StatusCode.Unknown,
    };
}
