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
    public static partial void ElectedLeader(ILogger log, string localMemberId, string leader, ulong term);

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

    [LoggerMessage(1060, LogLevel.Information, "serving metrics")]
    public static partial void ServingMetrics(ILogger log, string address);

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

    [LoggerMessage(1019, LogLevel.Information, "lost leader")]
    public static partial void LostLeader(ILogger log, string localMemberId, string leader, ulong term);

    [LoggerMessage(1020, LogLevel.Information, "changed leader")]
    public static partial void ChangedLeader(ILogger log, string localMemberId, string from, string to, ulong term);

    [LoggerMessage(1021, LogLevel.Information, "became follower")]
    public static partial void BecameFollower(ILogger log, string localMemberId, ulong term);

    [LoggerMessage(1022, LogLevel.Warning, "leader failed to send out heartbeat on time; took too long, leader is overloaded likely from slow disk")]
    public static partial void HeartbeatLate(ILogger log, string heartbeatInterval, string exceededDuration);

    [LoggerMessage(1023, LogLevel.Information, "updated cluster version")]
    public static partial void ClusterVersionUpdated(ILogger log, string clusterId, string from, string to);

    [LoggerMessage(1024, LogLevel.Warning, "failed to get version")]
    public static partial void VersionUnknown(ILogger log, string remoteMemberId, string error);

    [LoggerMessage(1025, LogLevel.Warning, "failed to update cluster version")]
    public static partial void ClusterVersionFailed(ILogger log, string error);

    [LoggerMessage(1026, LogLevel.Warning, "failed to get cluster response")]
    public static partial void NoClusterAnswer(ILogger log, string address, string error);

    [LoggerMessage(1027, LogLevel.Warning, "rejecting member add request")]
    public static partial void AddRefused(ILogger log, string localMemberId, IEnumerable<string> peerUrls, string error);

    [LoggerMessage(1028, LogLevel.Warning, "rejecting member remove request")]
    public static partial void RemoveRefused(ILogger log, string localMemberId, string memberId, string error);

    [LoggerMessage(1029, LogLevel.Warning, "rejecting member promote request")]
    public static partial void PromoteRefused(ILogger log, string localMemberId, string memberId, string error);

    [LoggerMessage(1030, LogLevel.Warning, "rejecting promote learner: learner is not ready")]
    public static partial void LearnerNotReady(ILogger log, double learnerReadyPercent, double readyPercentThreshold);

    [LoggerMessage(1031, LogLevel.Information, "applied a configuration change through raft")]
    public static partial void Changed(ILogger log, string localMemberId, string raftConfChange, string raftConfChangeNodeId);

    [LoggerMessage(1032, LogLevel.Information, "leadership transfer starting")]
    public static partial void TransferStarting(ILogger log, string localMemberId, string currentLeaderMemberId, string transfereeMemberId);

    [LoggerMessage(1033, LogLevel.Information, "leadership transfer finished")]
    public static partial void TransferFinished(ILogger log, string localMemberId, string oldLeaderMemberId, string newLeaderMemberId);

    [LoggerMessage(1034, LogLevel.Information, "skipped leadership transfer")]
    public static partial void TransferSkipped(ILogger log, string localMemberId, string currentLeaderMemberId, string reason);

    [LoggerMessage(1035, LogLevel.Warning, "leadership transfer failed")]
    public static partial void TransferFailed(ILogger log, string localMemberId, string error);

    [LoggerMessage(1036, LogLevel.Warning, "server error")]
    public static partial void ServerError(ILogger log, string error);

    [LoggerMessage(1037, LogLevel.Warning, "data-dir used by this member must be removed")]
    public static partial void DataMustBeRemoved(ILogger log);

    [LoggerMessage(1038, LogLevel.Warning, "failed to publish local member to cluster through raft")]
    public static partial void PublishFailed(ILogger log, string localMemberId, string error);

    [LoggerMessage(1039, LogLevel.Warning, "timed out waiting for the ready notification")]
    public static partial void NotReadyInTime(ILogger log);

    [LoggerMessage(1040, LogLevel.Information, "initialized peer connections; fast-forwarding election ticks")]
    public static partial void ElectionAdvanced(ILogger log, string localMemberId, int forwardTicks, int electionTicks, int activeRemoteMembers);

    [LoggerMessage(1041, LogLevel.Information, "the cluster has been downgraded")]
    public static partial void Downgraded(ILogger log, string clusterVersion);

    [LoggerMessage(1042, LogLevel.Warning, "reject downgrade request")]
    public static partial void DowngradeRefused(ILogger log, string error);

    [LoggerMessage(1043, LogLevel.Warning, "failed to cancel downgrade")]
    public static partial void DowngradeCancelRefused(ILogger log, string error);

    [LoggerMessage(1044, LogLevel.Information, "updating cluster version using v3 API")]
    public static partial void VersionLowered(ILogger log, string from, string to);

    [LoggerMessage(1090, LogLevel.Information, "resolved URL Host")]
    public static partial void HostResolved(ILogger log, string url, string host, string resolvedAddr);

    [LoggerMessage(1091, LogLevel.Warning, "failed to resolve URL Host")]
    public static partial void HostNotResolved(ILogger log, string url, string host, string error);

    [LoggerMessage(1092, LogLevel.Warning, "forcing restart member")]
    public static partial void ForcedRestart(
        ILogger log, string clusterId, string localMemberId, int numberOfUnconfirmedEntries, IEnumerable<string> removedMembers, ulong commitIndex);

    [LoggerMessage(1096, LogLevel.Warning, "simple token is not cryptographically signed")]
    public static partial void SimpleTokens(ILogger log);

    [LoggerMessage(1097, LogLevel.Warning, "unknown JWT options")]
    public static partial void UnknownTokenOptions(ILogger log, IEnumerable<string> keys);

    [LoggerMessage(1098, LogLevel.Warning, "use default bcrypt cost instead of the invalid given cost")]
    public static partial void BcryptCostInvalid(ILogger log, int minCost, int maxCost, int defaultCost, int givenCost);

    [LoggerMessage(1095, LogLevel.Warning, "the disk is full: what was to be written was given up; nothing is lost, and it is tried again")]
    public static partial void DiskFull(ILogger log, string folder);
}
