using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Upkeep.Integrity;

/// <summary>Log lines about damage of the store on the disk and what is done about it. Event ids 1350-1369.</summary>
internal static partial class RepairLog
{
    [LoggerMessage(1350, LogLevel.Error, "found damage in the store")]
    public static partial void Found(ILogger log, string localMemberId, string file, long offset, bool recordsAreLost, string error);

    [LoggerMessage(1351, LogLevel.Warning, "repaired the store from memory")]
    public static partial void RepairedFromMemory(ILogger log, string localMemberId, string file);

    [LoggerMessage(1352, LogLevel.Warning, "failed to repair the store from memory; it is tried again")]
    public static partial void MemoryRepairFailed(ILogger log, string localMemberId, string file, string error);

    [LoggerMessage(1353, LogLevel.Warning, "asking another member for its state to repair the store")]
    public static partial void Asking(ILogger log, string localMemberId, string remotePeerId, ulong appliedIndex);

    [LoggerMessage(1354, LogLevel.Warning, "repaired the store with the state of another member")]
    public static partial void Repaired(ILogger log, string localMemberId, string remotePeerId, ulong index, ulong term, long bytes);

    [LoggerMessage(1355, LogLevel.Warning, "failed to repair the store with the state of another member")]
    public static partial void Failed(ILogger log, string localMemberId, string remotePeerId, string error);

    [LoggerMessage(1356, LogLevel.Error, "cannot repair the store: no other member has the data or can be reached; what is not damaged can be read")]
    public static partial void NobodyToAsk(ILogger log, string localMemberId, int members);

    [LoggerMessage(1357, LogLevel.Warning, "repaired the store with the snapshot of the leader")]
    public static partial void RepairedBySnapshot(ILogger log, string localMemberId);

    [LoggerMessage(1358, LogLevel.Error, "raising a CORRUPT alarm about this member, because its store cannot be repaired")]
    public static partial void Raising(ILogger log, string localMemberId);

    [LoggerMessage(1359, LogLevel.Warning, "lowering the CORRUPT alarm about this member, because its store is repaired")]
    public static partial void Lowering(ILogger log, string localMemberId);

    [LoggerMessage(1360, LogLevel.Warning, "failed to change the CORRUPT alarm about this member")]
    public static partial void AlarmFailed(ILogger log, string localMemberId, string error);

    [LoggerMessage(1361, LogLevel.Warning, "the leadership could not be handed over before the repair")]
    public static partial void HandOverFailed(ILogger log, string localMemberId, string error);

    [LoggerMessage(1362, LogLevel.Debug, "checked everything that the store has on the disk")]
    public static partial void Scrubbed(ILogger log, string localMemberId, long bytes, string took);
}
