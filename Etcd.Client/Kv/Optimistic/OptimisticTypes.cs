namespace Etcd.Client;

/// <summary>How a key is written or deleted on the condition that nobody has changed it.</summary>
public sealed record EtcdOptimisticOptions : EtcdCallOptions
{
    /// <summary>The lease that the key ends with; for puts only.</summary>
    public EtcdLeaseId Lease { get; init; }

    /// <summary>Whether the key is read where somebody has changed it, in the same transaction.</summary>
    public bool GetOnFailure { get; init; }
}

/// <summary>What became of a put or delete on a condition.</summary>
/// <param name="Header">Who answered; its revision is that of the change, or the store's where nothing was changed.</param>
/// <param name="Succeeded">Whether nobody had changed the key, so that the change was made.</param>
/// <param name="Current">The key as it is, where the change was not made and that was asked for; null where it does not exist.</param>
public readonly record struct EtcdOptimisticResult(EtcdHeader Header, bool Succeeded, EtcdKeyValue? Current)
{
    /// <summary>The revision of the change: what the next one expects.</summary>
    public long Revision => Header.Revision;
}

/// <summary>Which part of a prefix is listed.</summary>
public sealed record EtcdListPartOptions : EtcdCallOptions
{
    /// <summary>The revision to list at; 0 for the latest. The parts of one listing belong to one: take it from the first.</summary>
    public long Revision { get; init; }

    /// <summary>How many keys at most; 0 for all.</summary>
    public long Limit { get; init; }

    /// <summary>Where to go on: <see cref="EtcdListPart.Continue"/> of the part before. Null for the beginning.</summary>
    public EtcdKey? Continue { get; init; }
}

/// <summary>A part of a listing.</summary>
/// <param name="Revision">The revision at which it was made; for the options of the next part.</param>
/// <param name="Items">The keys, in order.</param>
/// <param name="Count">How many keys there are from here to the end, these included.</param>
/// <param name="Continue">Where the next part begins; null where this is the last.</param>
public sealed record EtcdListPart(long Revision, IReadOnlyList<EtcdKeyValue> Items, long Count, EtcdKey? Continue);
