using System.Net.Sockets;
using System.Text;
using Grpc.Core;

namespace Grpc.Net.Client.Internal.Http;

/// <summary>From what the HTTP handler throws to the status of the call.</summary>
internal static class FailureStatus
{
    /// <summary>The status for a failure; its detail names each exception in the chain.</summary>
    public static Status Create(Exception exception, string what) => exception is RpcException rpc
        ? rpc.Status
        : new Status(FindCode(exception), Describe(exception, what), exception);

    /// <summary>Whether no connection was made, so the server has seen nothing of the call.</summary>
    public static bool IsConnectFailure(Exception exception) =>
        exception is HttpRequestException
        {
            HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
                or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError,
        }
        or OperationCanceledException { InnerException: TimeoutException };

    private static StatusCode FindCode(Exception exception)
    {
        for (var current = exception; current is not null; current = current.InnerException)
            if (current is HttpProtocolException protocol)
                return FromHttp2Error(protocol.ErrorCode);
        if (IsConnectFailure(exception))
            return StatusCode.Unavailable;
        return exception switch
        {
            OperationCanceledException => StatusCode.Cancelled,
            HttpRequestException or IOException or SocketException => StatusCode.Unavailable,
            _ => StatusCode.Internal,
        };
    }

    // By the table "HTTP2 Transport Mapping, Errors" in the gRPC project's doc/PROTOCOL-HTTP2.md, but for one: the handler
    // reports a keep-alive ping without an answer, which is a lost connection, as PROTOCOL_ERROR (0x1) like a real one.
    private static StatusCode FromHttp2Error(long errorCode) => errorCode switch
    {
        0x1 or 0x7 => StatusCode.Unavailable,
        0x8 => StatusCode.Cancelled,
        0xb => StatusCode.ResourceExhausted,
        0xc => StatusCode.PermissionDenied,
        _ => StatusCode.Internal,
    };

    private static string Describe(Exception exception, string what)
    {
        var text = new StringBuilder(what);
        for (var current = exception; current is not null; current = current.InnerException)
            text.Append(' ').Append(current.GetType().Name).Append(": ").Append(current.Message);
        return text.ToString();
    }
}
