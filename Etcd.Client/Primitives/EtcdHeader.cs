using Etcd.Protocol.Etcdserverpb;

namespace Etcd.Client;

/// <summary>What every answer says about the member that gave it.</summary>
/// <param name="ClusterId">The cluster.</param>
/// <param name="MemberId">The member.</param>
/// <param name="Revision">The store's revision when the request was carried out.</param>
/// <param name="RaftTerm">The raft term then.</param>
public readonly record struct EtcdHeader(ulong ClusterId, ulong MemberId, long Revision, ulong RaftTerm)
{
    internal static EtcdHeader From(ResponseHeader? header) => header is null
        ? default
        : new EtcdHeader(header.ClusterId, header.MemberId, header.Revision, header.RaftTerm);
}
