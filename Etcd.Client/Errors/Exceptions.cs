namespace Etcd.Client;

/// <summary>The revision that was asked for is compacted away.</summary>
public sealed class EtcdCompactedException : EtcdException
{
    internal EtcdCompactedException(Failure failure, long? compactRevision = null)
        : base(failure) => CompactRevision = compactRevision;

    /// <summary>
    /// The store's compact revision: history begins there. Watches know it; null for other requests, whose answers do not say.
    /// </summary>
    public long? CompactRevision { get; }
}

/// <summary>
/// The one who answered belongs to another cluster than the one that a watch or listing began with: the data was replaced, or the endpoints
/// lead somewhere else. Revisions of the one mean nothing in the other.
/// </summary>
public sealed class EtcdClusterChangedException : EtcdException
{
    internal EtcdClusterChangedException(ulong expected, ulong found, string? endpoint)
        : base(new Failure
        {
            Message = $"The cluster {found:x} has answered in place of {expected:x}.",
            Code = Grpc.Core.StatusCode.FailedPrecondition,
            Endpoint = endpoint,
        })
    {
        ExpectedClusterId = expected;
        ClusterId = found;
    }

    /// <summary>The cluster that it began with.</summary>
    public ulong ExpectedClusterId { get; }

    /// <summary>The cluster that has answered.</summary>
    public ulong ClusterId { get; }
}

/// <summary>The lease does not exist, or not any more.</summary>
public sealed class EtcdLeaseNotFoundException : EtcdException
{
    internal EtcdLeaseNotFoundException(Failure failure)
        : base(failure)
    {
    }
}

/// <summary>No endpoint could be reached or had a leader, for as long as the request was allowed to take.</summary>
public sealed class EtcdUnavailableException : EtcdException
{
    internal EtcdUnavailableException(Failure failure)
        : base(failure)
    {
    }
}

/// <summary>The request took longer than its timeout.</summary>
public sealed class EtcdTimeoutException : EtcdException
{
    internal EtcdTimeoutException(Failure failure)
        : base(failure)
    {
    }
}

/// <summary>The client is not known, or may not do this.</summary>
public sealed class EtcdAuthException : EtcdException
{
    internal EtcdAuthException(Failure failure)
        : base(failure)
    {
    }
}

/// <summary>The session that something was to belong to is over, or may be.</summary>
public sealed class EtcdSessionLostException : EtcdException
{
    internal EtcdSessionLostException(EtcdLeaseId lease)
        : base(new Failure
        {
            Message = $"The session with lease {lease} is lost.",
            Code = Grpc.Core.StatusCode.FailedPrecondition,
        }) => LeaseId = lease;

    /// <summary>The session's lease.</summary>
    public EtcdLeaseId LeaseId { get; }
}
