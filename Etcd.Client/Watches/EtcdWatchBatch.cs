namespace Etcd.Client;

/// <summary>What a batch of a watch is.</summary>
public enum EtcdWatchBatchKind
{
    /// <summary>All that one revision has changed in the range.</summary>
    Events,

    /// <summary>A part of the range as it is at one revision: each key as a put.</summary>
    Snapshot,

    /// <summary>All up to the revision was told. No events.</summary>
    Progress,
}

/// <summary>What happens to a key.</summary>
public enum EtcdEventType
{
    /// <summary>It was written.</summary>
    Put,

    /// <summary>It was deleted, or its lease ended.</summary>
    Delete,
}

/// <summary>A change of one key.</summary>
/// <param name="Type">What happened.</param>
/// <param name="KeyValue">The key as it is now; of a deleted one, key and revision of the delete.</param>
/// <param name="Previous">What it had before, if that was asked for, there was something, and history still has it.</param>
public readonly record struct EtcdWatchEvent(EtcdEventType Type, EtcdKeyValue KeyValue, EtcdKeyValue? Previous)
{
    /// <summary>The key.</summary>
    public EtcdKey Key => KeyValue.Key;

    /// <summary>The value; empty for a delete.</summary>
    public EtcdValue Value => KeyValue.Value;
}

/// <summary>All that a watch has to tell of one revision. Immutable.</summary>
public sealed class EtcdWatchBatch
{
    internal EtcdWatchBatch(EtcdWatchBatchKind kind, long revision, IReadOnlyList<EtcdWatchEvent> events)
    {
        Kind = kind;
        Revision = revision;
        Events = events;
    }

    /// <summary>What this is.</summary>
    public EtcdWatchBatchKind Kind { get; }

    /// <summary>The revision that made the changes, at which the snapshot was read, or up to which all was told.</summary>
    public long Revision { get; }

    /// <summary>The changes, in the order in which the transaction made them; of a snapshot, the keys in order.</summary>
    public IReadOnlyList<EtcdWatchEvent> Events { get; }

    /// <summary>Whether a snapshot begins: what was known of the range before does not count any more.</summary>
    public bool StartsSnapshot { get; internal init; }

    /// <summary>Whether a snapshot is complete.</summary>
    public bool EndsSnapshot { get; internal init; }

    /// <summary>The cluster of a snapshot; 0 for other batches, whose watch stays with the one that it began with.</summary>
    internal ulong ClusterId { get; init; }

    internal long Bytes { get; init; }
}
