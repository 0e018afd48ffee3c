using Microsoft.Extensions.Logging;

namespace Grpc.AspNetCore.Server.Calls;

/// <summary>Log messages of calls. Event ids 1 to 9 of the category <c>Grpc.AspNetCore.Server.ServerCallHandler</c>.</summary>
internal static partial class CallLog
{
    public const string Category = "Grpc.AspNetCore.Server.ServerCallHandler";

    [LoggerMessage(6, LogLevel.Error, "Error when executing service method '{Method}'.", EventName = "ErrorExecutingServiceMethod")]
    public static partial void Failed(ILogger logger, string method, Exception failure);

    [LoggerMessage(7, LogLevel.Debug, "The call of '{Method}' was aborted by the client.", EventName = "CallAborted")]
    public static partial void Aborted(ILogger logger, string method, Exception failure);

    [LoggerMessage(8, LogLevel.Debug, "Service method '{Method}' failed after its call had ended.", EventName = "FailedAfterEnd")]
    public static partial void FailedAfterEnd(ILogger logger, string method, Exception failure);
}
