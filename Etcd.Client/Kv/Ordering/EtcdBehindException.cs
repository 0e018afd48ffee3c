using Grpc.Core;

namespace Etcd.Client;

/// <summary>
/// What can be read is older than what was seen before. After a linearizable read it means that the store itself has gone back: it was wiped,
/// or restored from a backup.
/// </summary>
public sealed class EtcdBehindException : EtcdException
{
    internal EtcdBehindException(long seen, long found, bool isTransient)
        : base(new Failure
        {
            Message = $"The store answers at revision {found}, which is older than revision {seen} that was seen before.",
            Code = isTransient ? StatusCode.Unavailable : StatusCode.DataLoss,
            IsTransient = isTransient,
        })
    {
        SeenRevision = seen;
        Revision = found;
    }

    /// <summary>The highest revision that was seen before.</summary>
    public long SeenRevision { get; }

    /// <summary>The revision of the last answer.</summary>
    public long Revision { get; }
}
