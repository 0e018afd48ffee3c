using System.Net.Sockets;
using Etcd.Protocol.Errors;
using Grpc.Core;

namespace Etcd.Client;

/// <summary>
/// From what gRPC throws to an <see cref="EtcdException"/>. An error of etcd is found by its exact text, as the wire carries only
/// code and text; a failure of the connection by the exception behind the status.
/// </summary>
internal static class ErrorMapper
{
    private const string GoStatusPrefix = "rpc error: code = ";
    private const string GoStatusText = " desc = ";

    // HTTP/2's REFUSED_STREAM: by RFC 9113 8.7 the server has done nothing with the request.
    private const long RefusedStream = 0x7;

    /// <summary>Translates the failure of one attempt.</summary>
    /// <param name="exception">What the call threw.</param>
    /// <param name="endpoint">Where it went.</param>
    /// <param name="changes">Whether the request changes something.</param>
    public static EtcdException Map(RpcException exception, string? endpoint, bool changes)
    {
        Status status = exception.Status;
        if (status.DebugException is { } cause && IsTransportFailure(cause))
            return Lost(exception, cause, endpoint, changes);
        if (EtcdErrors.TryFromText(status.Detail, out EtcdError? error))
            return FromTable(error, exception, endpoint, changes);
        return Other(exception, endpoint, changes);
    }

    /// <summary>Translates the reason of a canceled watch, which may be a status as Go prints it.</summary>
    public static EtcdException FromReason(string reason, string? endpoint)
    {
        string text = reason;
        if (text.StartsWith(GoStatusPrefix, StringComparison.Ordinal)
            && text.IndexOf(GoStatusText, StringComparison.Ordinal) is > 0 and var at)
            text = text[(at + GoStatusText.Length)..];
        if (EtcdErrors.TryFromText(text, out EtcdError? error))
            return FromTable(error, null, endpoint, changes: false);
        return Make(new Failure { Message = text, Code = StatusCode.Unknown, Endpoint = endpoint });
    }

    /// <summary>An error of the table.</summary>
    public static EtcdException FromTable(EtcdError error, Exception? cause, string? endpoint, bool changes)
    {
        RetryAdvice advice = AdviceFor(error);
        return Make(new Failure
        {
            Message = error.Text,
            Code = error.Code,
            ErrorId = error.Id,
            Cause = cause,
            Endpoint = endpoint,
            Advice = advice,
            IsTransient = error.Code == StatusCode.Unavailable || advice != RetryAdvice.No || error.Id == EtcdErrorId.TooManyRequests,
            OutcomeUnknown = changes && advice == RetryAdvice.IfRepeatable,
        });
    }

    /// <summary>The exception for a stream or channel that is gone because its endpoint was taken out of use.</summary>
    public static EtcdException EndpointGone(string endpoint, Exception cause) => Make(new Failure
    {
        Message = $"The endpoint {endpoint} is not in use any more.",
        Code = StatusCode.Unavailable,
        Cause = cause,
        Endpoint = endpoint,
        Advice = RetryAdvice.Always,
        IsTransient = true,
    });

    /// <summary>Makes the exception of the type that users catch.</summary>
    public static EtcdException Make(Failure failure) => failure.ErrorId switch
    {
        EtcdErrorId.Compacted => new EtcdCompactedException(failure),
        EtcdErrorId.LeaseNotFound => new EtcdLeaseNotFoundException(failure),
        EtcdErrorId.AuthFailed or EtcdErrorId.InvalidAuthToken or EtcdErrorId.PermissionDenied or EtcdErrorId.UserEmpty =>
            new EtcdAuthException(failure),
        _ => failure.Code switch
        {
            StatusCode.Unavailable => new EtcdUnavailableException(failure),
            StatusCode.DeadlineExceeded => new EtcdTimeoutException(failure),
            StatusCode.Unauthenticated or StatusCode.PermissionDenied => new EtcdAuthException(failure),
            _ => new EtcdException(failure),
        },
    };

    private static EtcdException Lost(RpcException exception, Exception cause, string? endpoint, bool changes)
    {
        bool notSent = WasNotSent(cause);
        return Make(new Failure
        {
            Message = $"{(notSent ? "No connection to" : "The connection was lost to")} {endpoint}: {Innermost(cause).Message}",
            Code = StatusCode.Unavailable,
            Cause = exception,
            Endpoint = endpoint,
            Advice = notSent ? RetryAdvice.Always : RetryAdvice.IfRepeatable,
            IsTransient = true,
            OutcomeUnknown = changes && !notSent,
        });
    }

    // The caller's own cancellation does not come here: this is a stream that the server or a proxy reset.
    private static EtcdException Other(RpcException exception, string? endpoint, bool changes)
    {
        StatusCode code = exception.StatusCode;
        bool lost = code is StatusCode.Unavailable or StatusCode.Cancelled;
        bool unknown = lost || code is StatusCode.DeadlineExceeded or StatusCode.Internal or StatusCode.Unknown;
        return Make(new Failure
        {
            Message = code == StatusCode.DeadlineExceeded
                ? $"No answer from {endpoint} within the timeout."
                : $"{exception.Status.Detail} ({code}, {endpoint})",
            Code = lost ? StatusCode.Unavailable : code,
            Cause = exception,
            Endpoint = endpoint,
            Advice = lost || code == StatusCode.DeadlineExceeded ? RetryAdvice.IfRepeatable : RetryAdvice.No,
            IsTransient = lost || code == StatusCode.DeadlineExceeded,
            OutcomeUnknown = changes && unknown,
        });
    }

    // etcd answers "no leader" before it proposes anything, and refuses what a learner cannot do. The other errors of
    // code Unavailable may come after the request went into the log.
    private static RetryAdvice AdviceFor(EtcdError error) => error.Id switch
    {
        EtcdErrorId.InvalidAuthToken or EtcdErrorId.AuthOldRevision or EtcdErrorId.UserEmpty => RetryAdvice.WithNewToken,
        EtcdErrorId.NoLeader or EtcdErrorId.NotSupportedForLearner => RetryAdvice.Always,
        _ => error.Code == StatusCode.Unavailable ? RetryAdvice.IfRepeatable : RetryAdvice.No,
    };

    private static bool IsTransportFailure(Exception exception)
    {
        for (Exception? current = exception; current is not null; current = current.InnerException)
            if (current is HttpRequestException or HttpProtocolException or IOException or SocketException or TimeoutException)
                return true;
        return false;
    }

    private static bool WasNotSent(Exception exception)
    {
        for (Exception? current = exception; current is not null; current = current.InnerException)
            if (current is HttpProtocolException { ErrorCode: RefusedStream })
                return true;
        return exception is HttpRequestException
        {
            HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
                or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError,
        }
        or OperationCanceledException { InnerException: TimeoutException };
    }

    private static Exception Innermost(Exception exception)
    {
        while (exception.InnerException is { } inner)
            exception = inner;
        return exception;
    }
}
