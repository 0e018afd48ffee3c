namespace Etcd.Client;

/// <summary>What a transaction of <see cref="EtcdStm"/> may notice of others that run at the same time.</summary>
public enum EtcdIsolation
{
    /// <summary>All reads are of one revision; nothing that was read and nothing that is written has changed since.</summary>
    SerializableSnapshot,

    /// <summary>All reads are of one revision, and nothing that was read has changed since.</summary>
    Serializable,

    /// <summary>Each key is read once, of any revision, and has not changed since.</summary>
    RepeatableReads,

    /// <summary>Reads are of any revision that was committed. What was read may have changed when the writes are made.</summary>
    ReadCommitted,
}

/// <summary>How a transaction of <see cref="EtcdStm"/> runs.</summary>
public sealed record EtcdStmOptions : EtcdCallOptions
{
    /// <summary>What it may notice of others; nothing by default.</summary>
    public EtcdIsolation Isolation { get; init; }

    /// <summary>Keys to read in one request before the function runs, as it will need them.</summary>
    public IReadOnlyList<EtcdKey> Prefetch { get; init; } = [];

    /// <summary>How often the function may run at most; null for until it succeeds.</summary>
    public int? MaxAttempts { get; init; }
}
