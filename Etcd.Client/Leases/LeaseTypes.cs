namespace Etcd.Client;

/// <summary>How a lease is made.</summary>
public sealed record EtcdGrantOptions : EtcdCallOptions
{
    /// <summary>
    /// The id; none for one of the server's choice. A grant with an id is tried again only where it is certain that it was not
    /// carried out.
    /// </summary>
    public EtcdLeaseId Id { get; init; }
}

/// <summary>A lease that was made.</summary>
/// <param name="Id">Its id.</param>
/// <param name="TimeToLive">What the server gave.</param>
public readonly record struct EtcdLeaseGrant(EtcdLeaseId Id, TimeSpan TimeToLive);

/// <summary>What a server knows of a lease.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Remaining">How long it lasts unless it is renewed, in whole seconds.</param>
/// <param name="Granted">How long it lasts after a renewal.</param>
/// <param name="Keys">Its keys, if they were asked for: below the client's namespace, without it.</param>
public sealed record EtcdLeaseInfo(EtcdLeaseId Id, TimeSpan Remaining, TimeSpan Granted, IReadOnlyList<EtcdKey> Keys);
