namespace Etcd.Client;

/// <summary>How <see cref="EtcdOrderingExtensions.WithOrdering"/> deals with members that are behind.</summary>
public sealed record EtcdOrderingOptions
{
    /// <summary>
    /// How many answers of members that are behind are thrown away, each with the next endpoint asked in its place, before
    /// <see cref="OnBehind"/> says what to do. The default is 3.
    /// </summary>
    public int MaxAttempts { get; init; } = 3;

    /// <summary>What happens when all that were asked are behind. By default the leader is asked.</summary>
    public EtcdBehindPolicy OnBehind { get; init; }
}

/// <summary>What happens to a read when all members that were asked are behind what was seen before.</summary>
public enum EtcdBehindPolicy
{
    /// <summary>It is made linearizable: the member waits until it has all that was committed, for which the cluster needs a leader.</summary>
    ReadLinearizable,

    /// <summary>It fails with <see cref="EtcdBehindException"/>.</summary>
    Throw,
}
