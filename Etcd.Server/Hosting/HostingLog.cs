using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting;

/// <summary>
/// Log lines of a member's life. Messages are constant texts, some of which operators and test suites search for;
/// values stand beside them. Event ids 1000-1099.
/// </summary>
internal static partial class HostingLog
{
    [LoggerMessage(1000, LogLevel.Information, "starting an etcd server")]
    public static partial void Starting(
        ILogger log, string etcdVersion, string name, string dataDir, IEnumerable<string> listenClientUrls, IEnumerable<string> listenPeerUrls);

    [LoggerMessage(1001, LogLevel.Information, "starting local member")]
    public static partial void LocalMember(ILogger log, string localMemberId, string clusterId);

    [LoggerMessage(1002, LogLevel.Information, "restarting local member")]
    public static partial void Restarting(ILogger log, string clusterId, string localMemberId, ulong commitIndex);

    [LoggerMessage(1003, LogLevel.Warning, "repaired a torn write at the end of the write-ahead log")]
    public static partial void Repaired(ILogger log, string file, long offset, string backup);

    [LoggerMessage(1004, LogLevel.Information, "became leader")]
    public static partial void BecameLeader(ILogger log, string localMemberId, ulong term);

    [LoggerMessage(1005, LogLevel.Information, "elected leader")]
    public static partial void ElectedLeader(ILogger log, string leader, ulong term);

    [LoggerMessage(1006, LogLevel.Information, "published local member to cluster through raft")]
    public static partial void Published(ILogger log, string localMemberId, string name, IEnumerable<string> clientUrls, string clusterId);

    [LoggerMessage(1007, LogLevel.Information, "set initial cluster version")]
    public static partial void ClusterVersionSet(ILogger log, string clusterId, string clusterVersion);

    [LoggerMessage(1008, LogLevel.Information, "ready to serve client requests")]
    public static partial void Ready(ILogger log);

    [LoggerMessage(1009, LogLevel.Information, "serving client traffic insecurely; this is strongly discouraged!")]
    public static partial void ServingInsecurely(ILogger log, string traffic, string address);

    [LoggerMessage(1010, LogLevel.Information, "serving client traffic securely")]
    public static partial void ServingSecurely(ILogger log, string traffic, string address);

    [LoggerMessage(1011, LogLevel.Information, "serving peer traffic")]
    public static partial void ServingPeers(ILogger log, string address);

    [LoggerMessage(1012, LogLevel.Information, "received signal; shutting down...")]
    public static partial void SignalReceived(ILogger log, string signal);

    [LoggerMessage(1013, LogLevel.Information, "closed etcd server")]
    public static partial void Closed(ILogger log, string name, string dataDir);

    [LoggerMessage(1014, LogLevel.Critical, "the member failed; stopping, because its state can no longer be trusted")]
    public static partial void MemberFailed(ILogger log, Exception error);

    [LoggerMessage(1015, LogLevel.Critical, "failed to start etcd server")]
    public static partial void FailedToStart(ILogger log, Exception error);

    [LoggerMessage(1016, LogLevel.Warning, "failed to revoke an expired lease; it is tried again")]
    public static partial void LeaseRevokeFailed(ILogger log, string leaseId, string reason);

    [LoggerMessage(1017, LogLevel.Warning, "flags")]
    public static partial void FlagWarning(ILogger log, string warning);

    [LoggerMessage(1018, LogLevel.Warning, "a command of the member's start timed out; it is proposed again")]
    public static partial void StartCommandTimedOut(ILogger log, string command);

    [LoggerMessage(1019, LogLevel.Warning, "server error")]
    public static partial void ServerError(ILogger log, string error);

    [LoggerMessage(1020, LogLevel.Warning, "data-dir used by this member must be removed")]
    public static partial void DataDirMustBeRemoved(ILogger log);
}
