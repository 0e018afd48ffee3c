using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Upkeep;

/// <summary>
/// Log lines about a member's space, compactions and the comparison of data. Messages are constant texts, those of etcd where
/// it has some; values stand beside them. Event ids 1300-1349.
/// </summary>
internal static partial class UpkeepLog
{
    [LoggerMessage(1300, LogLevel.Information, "disabled backend quota")]
    public static partial void QuotaDisabled(ILogger log, string quotaName, long quotaSizeBytes);

    [LoggerMessage(1301, LogLevel.Information, "enabled backend quota with default value")]
    public static partial void QuotaDefault(ILogger log, string quotaName, long quotaSizeBytes, string quotaSize);

    [LoggerMessage(1302, LogLevel.Information, "enabled backend quota")]
    public static partial void QuotaEnabled(ILogger log, string quotaName, long quotaSizeBytes, string quotaSize);

    [LoggerMessage(1303, LogLevel.Warning, "quota exceeds the maximum value")]
    public static partial void QuotaLarge(
        ILogger log, string quotaName, long quotaSizeBytes, string quotaSize, long quotaMaximumSizeBytes, string quotaMaximumSize);

    [LoggerMessage(1304, LogLevel.Warning, "the store has taken most of its quota")]
    public static partial void NearlyFull(ILogger log, string localMemberId, long usedBytes, long quotaSizeBytes, int usedPercent);

    [LoggerMessage(1305, LogLevel.Information, "disarming the NOSPACE alarm, because enough of the quota is free")]
    public static partial void Disarming(ILogger log, string localMemberId, long usedBytes, long quotaSizeBytes);

    [LoggerMessage(1306, LogLevel.Warning, "failed to disarm the NOSPACE alarm; it is tried again")]
    public static partial void DisarmFailed(ILogger log, string localMemberId, string error);

    [LoggerMessage(1307, LogLevel.Warning, "message exceeded backend quota; raising alarm")]
    public static partial void BeyondQuota(ILogger log, long quotaSizeBytes, string quotaSize, string error);

    [LoggerMessage(1310, LogLevel.Information, "starting auto {kind} compaction")]
    public static partial void CompactionStarting(ILogger log, string kind, long revision);

    [LoggerMessage(1311, LogLevel.Information, "completed auto {kind} compaction")]
    public static partial void CompactionCompleted(ILogger log, string kind, long revision, string took);

    [LoggerMessage(1312, LogLevel.Warning, "failed auto {kind} compaction")]
    public static partial void CompactionFailed(ILogger log, string kind, long revision, string retryInterval, string error);

    [LoggerMessage(1320, LogLevel.Information, "starting initial corruption check")]
    public static partial void InitialCheckStarting(ILogger log, string localMemberId, string timeout);

    [LoggerMessage(1321, LogLevel.Information, "initial corruption checking passed; no corruption")]
    public static partial void InitialCheckPassed(ILogger log, string localMemberId);

    [LoggerMessage(1322, LogLevel.Error, "checkInitialHashKV failed")]
    public static partial void InitialCheckFailed(ILogger log, string error);

    [LoggerMessage(1323, LogLevel.Warning, "found different hash values from remote peer")]
    public static partial void DifferentHash(
        ILogger log, string localMemberId, long localMemberRevision, long localMemberCompactRevision, uint localMemberHash,
        string remotePeerId, IEnumerable<string> remotePeerEndpoints, long remotePeerRevision, long remotePeerCompactRevision, uint remotePeerHash);

    [LoggerMessage(1324, LogLevel.Warning, "found different compact revision values from remote peer")]
    public static partial void DifferentCompaction(
        ILogger log, string localMemberId, long localMemberRevision, long localMemberCompactRevision, uint localMemberHash,
        string remotePeerId, IEnumerable<string> remotePeerEndpoints, long remotePeerRevision, long remotePeerCompactRevision, uint remotePeerHash);

    [LoggerMessage(1325, LogLevel.Warning, "cannot fetch hash from slow remote peer")]
    public static partial void PeerIsBehind(ILogger log, string localMemberId, long localMemberRevision, string remotePeerId, string error);

    [LoggerMessage(1326, LogLevel.Warning, "cannot fetch hash from remote peer; local member is behind")]
    public static partial void MemberIsBehind(ILogger log, string localMemberId, long localMemberRevision, string remotePeerId, string error);

    [LoggerMessage(1327, LogLevel.Warning, "cluster ID mismatch")]
    public static partial void OtherCluster(ILogger log, string localMemberId, long localMemberRevision, string remotePeerId, string error);

    [LoggerMessage(1328, LogLevel.Warning, "failed hash kv request")]
    public static partial void HashUnavailable(ILogger log, string localMemberId, long requestedRevision, string remotePeerId, string error);

    [LoggerMessage(1329, LogLevel.Information, "enabled corruption checking")]
    public static partial void PeriodicCheckEnabled(ILogger log, string localMemberId, string interval);

    [LoggerMessage(1330, LogLevel.Warning, "failed to check hash KV")]
    public static partial void PeriodicCheckFailed(ILogger log, string error);

    [LoggerMessage(1331, LogLevel.Information, "finished peer corruption check")]
    public static partial void PeriodicCheckFinished(ILogger log, int numberOfPeersChecked);

    [LoggerMessage(1332, LogLevel.Warning, "found hash mismatch")]
    public static partial void OwnHashChanged(ILogger log, long revision, long compactRevision, uint hash1, uint hash2);

    [LoggerMessage(1333, LogLevel.Warning, "revision from follower must be less than or equal to leader's")]
    public static partial void RevisionAhead(ILogger log, long leaderRevision, long followerRevision, string followerPeerId);

    [LoggerMessage(1334, LogLevel.Warning, "compact revision from follower must be less than or equal to leader's")]
    public static partial void CompactionAhead(ILogger log, long leaderCompactRevision, long followerCompactRevision, string followerPeerId);

    [LoggerMessage(1335, LogLevel.Warning, "same compact revision then hashes must match")]
    public static partial void HashDiffers(
        ILogger log, long leaderCompactRevision, uint leaderHash, long followerCompactRevision, uint followerHash, string followerPeerId);

    [LoggerMessage(1336, LogLevel.Information, "starting compact hash check")]
    public static partial void CompactionCheckStarting(ILogger log, string localMemberId, string timeout);

    [LoggerMessage(1337, LogLevel.Information, "finished compaction hash check")]
    public static partial void CompactionCheckFinished(ILogger log, int numberOfHashesChecked);

    [LoggerMessage(1338, LogLevel.Debug, "Skipped peer's hash")]
    public static partial void PeerSkipped(ILogger log, int numberOfPeers, string leaderId, string peerId, string reason);

    [LoggerMessage(1339, LogLevel.Information, "successfully checked hash on whole cluster")]
    public static partial void CompactionChecked(ILogger log, int numberOfPeersChecked, long revision, long compactRevision);

    [LoggerMessage(1340, LogLevel.Warning, "skipped revision in compaction hash check; was not able to check all peers")]
    public static partial void CompactionSkipped(ILogger log, int numberOfPeersChecked, int numberOfPeers, long revision, long compactRevision);

    [LoggerMessage(1341, LogLevel.Error, "Detected compaction hash mismatch but cannot identify the corrupted members, so intentionally set the memberID as 0")]
    public static partial void NoMajority(ILogger log, string leaderId, long leaderRevision, long leaderCompactRevision, uint leaderHash);

    [LoggerMessage(1342, LogLevel.Error, "Detected compaction hash mismatch")]
    public static partial void CompactionDiffers(
        ILogger log, string leaderId, long leaderRevision, long leaderCompactRevision, uint leaderHash, uint peerHash,
        IEnumerable<string> peerIds, bool quorumExist);

    [LoggerMessage(1343, LogLevel.Warning, "failed to raise a CORRUPT alarm; the next check tries again")]
    public static partial void RaiseFailed(ILogger log, string memberId, string error);
}
