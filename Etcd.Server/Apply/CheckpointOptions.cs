using Etcd.Server.Primitives;

namespace Etcd.Server.Apply;

/// <summary>When the state is made durable, so that the log before it is not needed any more.</summary>
public sealed record CheckpointOptions
{
    /// <summary>After so many entries (--snapshot-count).</summary>
    public long Entries { get; init; } = Limits.CheckpointEntries;

    /// <summary>After so many bytes of records, if that is sooner.</summary>
    public long Bytes { get; init; } = Limits.CheckpointBytes;
}
