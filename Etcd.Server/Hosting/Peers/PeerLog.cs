using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Peers;

/// <summary>
/// Log lines about the other members. Messages are constant texts, those of etcd, which operators search for. Event ids
/// 1200-1299.
/// </summary>
internal static partial class PeerLog
{
    [LoggerMessage(1200, LogLevel.Information, "added remote peer")]
    public static partial void Added(ILogger log, string localMemberId, string remotePeerId, IEnumerable<string> remotePeerUrls);

    [LoggerMessage(1201, LogLevel.Information, "updated remote peer")]
    public static partial void Updated(ILogger log, string localMemberId, string updatedRemotePeerId, IEnumerable<string> updatedRemotePeerUrls);

    [LoggerMessage(1202, LogLevel.Information, "removed remote peer")]
    public static partial void Removed(ILogger log, string localMemberId, string removedRemotePeerId);

    [LoggerMessage(1203, LogLevel.Information, "added new remote peer")]
    public static partial void AddedRemote(ILogger log, string localMemberId, string remotePeerId, IEnumerable<string> remotePeerUrls);

    [LoggerMessage(1204, LogLevel.Information, "peer became active")]
    public static partial void Active(ILogger log, string peerId);

    [LoggerMessage(1205, LogLevel.Warning, "peer became inactive (message send to peer failed)")]
    public static partial void Inactive(ILogger log, string peerId, string error);

    [LoggerMessage(1206, LogLevel.Debug, "peer deactivated again")]
    public static partial void InactiveAgain(ILogger log, string peerId, string error);

    [LoggerMessage(1207, LogLevel.Information, "established TCP streaming connection with remote peer")]
    public static partial void StreamOpened(ILogger log, string streamReaderType, string localMemberId, string remotePeerId);

    [LoggerMessage(1208, LogLevel.Warning, "lost TCP streaming connection with remote peer")]
    public static partial void StreamLost(ILogger log, string streamReaderType, string localMemberId, string remotePeerId, string error);

    [LoggerMessage(1209, LogLevel.Information, "set message encoder")]
    public static partial void StreamAttached(ILogger log, string from, string to, string streamType);

    [LoggerMessage(1210, LogLevel.Warning, "closed TCP streaming connection with remote peer")]
    public static partial void StreamDetached(ILogger log, string streamWriterType, string remotePeerId, string error);

    [LoggerMessage(1211, LogLevel.Warning, "dropped internal Raft message since sending buffer is full")]
    public static partial void Dropped(
        ILogger log, string messageType, string localMemberId, string from, string remotePeerId, bool remotePeerActive);

    [LoggerMessage(1212, LogLevel.Warning, "failed to process Raft message")]
    public static partial void MessageRefused(ILogger log, string localMemberId, string from, string messageType, string error);

    [LoggerMessage(1213, LogLevel.Warning, "request cluster ID mismatch")]
    public static partial void ClusterMismatch(
        ILogger log, string localMemberId, string localMemberClusterId, string remotePeerServerName, string remotePeerClusterId);

    [LoggerMessage(1214, LogLevel.Warning, "failed version compatibility check")]
    public static partial void VersionMismatch(
        ILogger log, string localMemberId, string localMemberServerVersion, string remotePeerServerName, string remotePeerServerVersion);

    [LoggerMessage(1215, LogLevel.Warning, "rejected stream from remote peer because it was removed")]
    public static partial void RemovedRejected(ILogger log, string localMemberId, string remotePeerIdFrom);

    [LoggerMessage(1216, LogLevel.Warning, "failed to find remote peer in cluster")]
    public static partial void Unknown(ILogger log, string localMemberId, string remotePeerIdFrom, string clusterId);

    [LoggerMessage(1217, LogLevel.Warning, "ignored streaming request; ID mismatch")]
    public static partial void WrongTarget(ILogger log, string localMemberId, string remotePeerIdHeader, string remotePeerIdFrom);

    [LoggerMessage(1218, LogLevel.Warning, "request sent was ignored by remote peer due to cluster ID mismatch")]
    public static partial void OtherCluster(ILogger log, string remotePeerId, string remotePeerClusterId, string localMemberClusterId);

    [LoggerMessage(1219, LogLevel.Warning, "request sent was ignored by remote peer due to server version incompatibility")]
    public static partial void OtherVersion(ILogger log, string remotePeerId);

    [LoggerMessage(1220, LogLevel.Information, "sending database snapshot")]
    public static partial void SendingSnapshot(ILogger log, ulong snapshotIndex, string remotePeerId, long bytes);

    [LoggerMessage(1221, LogLevel.Information, "sent database snapshot")]
    public static partial void SentSnapshot(ILogger log, ulong snapshotIndex, string remotePeerId, long bytes);

    [LoggerMessage(1222, LogLevel.Warning, "failed to send database snapshot")]
    public static partial void SnapshotNotSent(ILogger log, ulong snapshotIndex, string remotePeerId, long bytes, string error);

    [LoggerMessage(1223, LogLevel.Information, "receiving database snapshot")]
    public static partial void ReceivingSnapshot(
        ILogger log, string localMemberId, string remoteSnapshotSenderId, ulong incomingSnapshotIndex, int incomingSnapshotMessageSizeBytes);

    [LoggerMessage(1224, LogLevel.Information, "received and saved database snapshot")]
    public static partial void ReceivedSnapshot(
        ILogger log, string localMemberId, string remoteSnapshotSenderId, ulong incomingSnapshotIndex, long incomingSnapshotSizeBytes);

    [LoggerMessage(1225, LogLevel.Warning, "failed to save incoming database snapshot")]
    public static partial void SnapshotNotSaved(
        ILogger log, string localMemberId, string remoteSnapshotSenderId, ulong incomingSnapshotIndex, string error);

    [LoggerMessage(1226, LogLevel.Warning, "failed to decode Raft message")]
    public static partial void NotDecoded(ILogger log, string localMemberId, string remoteAddress, string error);

    [LoggerMessage(1227, LogLevel.Warning, "prober detected unhealthy status")]
    public static partial void Unhealthy(ILogger log, string roundTripperName, string remotePeerId, string rtt, string error);

    [LoggerMessage(1228, LogLevel.Warning, "prober found high clock drift")]
    public static partial void ClockDrift(ILogger log, string roundTripperName, string remotePeerId, string clockDrift, string rtt);

    [LoggerMessage(1229, LogLevel.Warning, "failed to promote a member")]
    public static partial void PromoteFailed(ILogger log, string memberId, string error);

    [LoggerMessage(1230, LogLevel.Warning, "failed to get hashKV")]
    public static partial void HashFailed(ILogger log, long requestedRevision, string error);
}
