namespace Etcd.Client;

/// <summary>What a mirror copies, and where to.</summary>
public sealed record EtcdMirrorOptions
{
    /// <summary>What the keys to copy begin with; empty for all keys.</summary>
    public EtcdKey Prefix { get; init; }

    /// <summary>What stands in place of <see cref="Prefix"/> in the copies; null for the same.</summary>
    public EtcdKey? DestinationPrefix { get; init; }

    /// <summary>
    /// Whether keys under the destination's prefix stay that the source does not have when the mirror begins. By default they are deleted,
    /// so that both are the same.
    /// </summary>
    public bool KeepOthers { get; init; }

    /// <summary>
    /// How many keys one transaction of the destination may write: its --max-txn-ops. A revision that changed more keys comes in several
    /// transactions. The default is etcd's, 128.
    /// </summary>
    public int MaxTxnOps { get; init; } = 128;
}
