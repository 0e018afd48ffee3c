using Microsoft.Extensions.Logging;

namespace Etcd.Client;

/// <summary>
/// What the client logs. Never keys, values, passwords or tokens. Event ids: 1-19 calls and connections, 20-39 watches, 40-59 leases,
/// 60-79 locks, elections and copies.
/// </summary>
internal static partial class ClientLog
{
    [LoggerMessage(1, LogLevel.Debug, "{Operation} at {Endpoint} failed in attempt {Attempt} and is tried again: {Reason}")]
    public static partial void Retrying(ILogger log, string operation, string? endpoint, int attempt, string reason);

    [LoggerMessage(2, LogLevel.Warning, "A certificate file has changed but cannot be read; the one that was read before stays in use.")]
    public static partial void CertificateNotReloaded(ILogger log, Exception error);

    [LoggerMessage(3, LogLevel.Information, "The endpoints are now {Endpoints}, as the cluster's members advertise them.")]
    public static partial void EndpointsChanged(ILogger log, string endpoints);

    [LoggerMessage(4, LogLevel.Warning, "The endpoints could not be read from the cluster; those in use stay.")]
    public static partial void EndpointSyncFailed(ILogger log, Exception error);

    [LoggerMessage(20, LogLevel.Information, "The watch stream to {Endpoint} broke; {Watches} watches are resumed: {Reason}")]
    public static partial void WatchStreamBroke(ILogger log, string endpoint, int watches, string reason);

    [LoggerMessage(21, LogLevel.Debug, "A watch's reader is behind; the watch is ended on the server until it has caught up. It goes on at revision {Revision}.")]
    public static partial void WatchPaused(ILogger log, long revision);

    [LoggerMessage(22, LogLevel.Warning, "A watch at revision {Revision} found history compacted up to {CompactRevision}; its range is listed again.")]
    public static partial void WatchListsAgain(ILogger log, long revision, long? compactRevision);

    [LoggerMessage(23, LogLevel.Warning, "A watch at revision {Revision} of cluster {Expected:x} has met cluster {Found:x}; its range is listed again.")]
    public static partial void WatchMetAnotherCluster(ILogger log, long revision, ulong expected, ulong found);

    [LoggerMessage(40, LogLevel.Information, "The keep-alive stream to {Endpoint} broke; {Leases} leases are renewed elsewhere: {Reason}")]
    public static partial void KeepAliveStreamBroke(ILogger log, string endpoint, int leases, string reason);

    [LoggerMessage(41, LogLevel.Warning, "Lease {Lease} is lost: {Reason}")]
    public static partial void LeaseLost(ILogger log, EtcdLeaseId lease, string reason);

    [LoggerMessage(42, LogLevel.Warning, "Lease {Lease} of a session could not be revoked; it ends by itself.")]
    public static partial void RevokeFailed(ILogger log, EtcdLeaseId lease, Exception error);

    [LoggerMessage(60, LogLevel.Warning, "What lease {Lease} holds could not be released; that is tried again until it succeeds or the lease has ended.")]
    public static partial void ReleaseFailed(ILogger log, EtcdLeaseId lease);
}
