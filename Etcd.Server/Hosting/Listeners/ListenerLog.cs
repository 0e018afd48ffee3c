using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Listeners;

/// <summary>Log messages of the listeners. Event ids 9100 to 9119.</summary>
internal static partial class ListenerLog
{
    [LoggerMessage(9100, LogLevel.Warning, "stopped accepting connections on {Endpoint}")]
    public static partial void AcceptFailed(ILogger logger, string endpoint, Exception failure);

    /// <summary>The text is etcd's: operators search for it.</summary>
    [LoggerMessage(9102, LogLevel.Warning, "rejected connection on client endpoint")]
    public static partial void Rejected(ILogger logger, string remoteAddr, string error);

    /// <summary>The text is etcd's: operators search for it.</summary>
    [LoggerMessage(9103, LogLevel.Warning, "rejected connection on peer endpoint")]
    public static partial void PeerRejected(ILogger logger, string remoteAddr, string error);

    [LoggerMessage(9101, LogLevel.Debug, "connection on {Endpoint} failed before its protocol was known")]
    public static partial void ConnectionFailed(ILogger logger, string endpoint, Exception failure);
}
