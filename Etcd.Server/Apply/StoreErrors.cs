using Etcd.Protocol.Errors;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;

namespace Etcd.Server.Apply;

/// <summary>The store's outcomes as errors of the table.</summary>
public static class StoreErrors
{
    /// <summary>The error that a read's or compaction's status stands for.</summary>
    /// <param name="status">The status.</param>
    /// <returns>The error; null for Ok.</returns>
    public static EtcdError? ToError(this ReadStatus status) => status switch
    {
        ReadStatus.Ok => null,
        ReadStatus.Compacted => EtcdErrors.Compacted,
        ReadStatus.FutureRevision => EtcdErrors.FutureRevision,
        _ => throw new InvariantException($"a status of the store that nobody knows: {status}"),
    };
}
