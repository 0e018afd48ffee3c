using System.Globalization;
using Grpc.Core;

namespace Grpc.AspNetCore.Server.Calls;

/// <summary>
/// The errors that the server itself ends a call with. Codes and texts are those of a grpc-go server, because that is what
/// clients of such servers have learnt to recognize.
/// </summary>
internal static class GrpcErrors
{
    public static RpcException ReceivedTooLarge(long length, long limit) =>
        Error(StatusCode.ResourceExhausted, $"grpc: received message larger than max ({length} vs. {limit})");

    public static RpcException DecompressedTooLarge(long limit) =>
        Error(StatusCode.ResourceExhausted, $"grpc: message after decompression larger than max {limit}");

    public static RpcException SentTooLarge(long length, long limit) =>
        Error(StatusCode.ResourceExhausted, $"trying to send message larger than max ({length} vs. {limit})");

    public static RpcException UnknownFormat(byte flag) =>
        Error(StatusCode.Internal, $"grpc: received unexpected payload format {flag}");

    public static RpcException CompressedWithoutEncoding() =>
        Error(StatusCode.Internal, $"grpc: compressed flag set with identity or empty encoding");

    public static RpcException UnknownEncoding(string encoding) =>
        Error(StatusCode.Unimplemented, $"grpc: Decompressor is not installed for grpc-encoding \"{encoding}\"");

    public static RpcException BrokenCompression(Exception cause) =>
        Error(StatusCode.Internal, $"grpc: failed to decompress the received message: {cause.Message}");

    public static RpcException Truncated() => Error(StatusCode.Internal, $"unexpected EOF");

    public static RpcException MissingRequest() => Error(StatusCode.Internal, $"EOF");

    public static RpcException SecondRequest() =>
        Error(StatusCode.Internal, $"cardinality violation: received multiple request messages for a call that takes one");

    public static RpcException Malformed(Exception cause) =>
        Error(StatusCode.Internal, $"grpc: error unmarshalling request: {cause.Message}");

    public static RpcException MalformedTimeout(string value) =>
        Error(StatusCode.Internal, $"malformed grpc-timeout: {value}");

    public static RpcException MalformedBinaryHeader(string name) =>
        Error(StatusCode.Internal, $"malformed binary metadata in header {name}");

    public static Status DeadlineExceeded() => new(StatusCode.DeadlineExceeded, "context deadline exceeded");

    public static Status UnknownService(string service) => new(StatusCode.Unimplemented, $"unknown service {service}");

    public static Status UnknownMethod(string service, string method) =>
        new(StatusCode.Unimplemented, $"unknown method {method} for service {service}");

    public static Status ContentType(string? contentType) =>
        new(StatusCode.InvalidArgument, $"invalid gRPC request content-type \"{contentType}\"");

    public static Status HttpVersion(string protocol) =>
        new(StatusCode.Internal, $"Request protocol '{protocol}' is not supported.");

    private static RpcException Error(StatusCode code, FormattableString text) =>
        new(new Status(code, text.ToString(CultureInfo.InvariantCulture)));
}
