using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace Grpc.Net.Client.Internal;

internal static partial class LogMessages
{
    [LoggerMessage(1, LogLevel.Debug, "Call ended with {StatusCode}: {Detail}")]
    public static partial void CallFailed(ILogger logger, StatusCode statusCode, string detail, Exception? exception);

    [LoggerMessage(2, LogLevel.Warning, "Credentials of the call to {Method} are not sent because the channel has no TLS")]
    public static partial void CallCredentialsNotSent(ILogger logger, string method);

    [LoggerMessage(3, LogLevel.Information, "No connection for {Method}; the call waits and tries again in {Delay}")]
    public static partial void WaitingForConnection(ILogger logger, string method, TimeSpan delay, Exception exception);
}
