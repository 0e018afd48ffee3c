using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Restore;

/// <summary>Log lines of a restore; the texts are etcdutl's. Event ids 1080-1089.</summary>
internal static partial class RestoreLog
{
    [LoggerMessage(1080, LogLevel.Information, "restoring snapshot")]
    public static partial void Restoring(ILogger log, string path, string walDir, string dataDir, string snapDir);

    [LoggerMessage(1081, LogLevel.Information, "added member")]
    public static partial void AddedMember(ILogger log, string clusterId, string addedPeerId, IEnumerable<string> addedPeerPeerUrls);

    [LoggerMessage(1082, LogLevel.Information, "restored snapshot")]
    public static partial void Restored(ILogger log, string path, string walDir, string dataDir, string snapDir);
}
