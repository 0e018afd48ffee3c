using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.Wire;

namespace Etcd.Client;

/// <summary>What every answer says about the member that gave it.</summary>
/// <param name="ClusterId">The cluster.</param>
/// <param name="MemberId">The member.</param>
/// <param name="Revision">The store's revision when the request was carried out.</param>
/// <param name="RaftTerm">The raft term then.</param>
public readonly record struct EtcdHeader(ulong ClusterId, ulong MemberId, long Revision, ulong RaftTerm)
{
    private const uint ClusterField = 1 << 3;
    private const uint MemberField = 2 << 3;
    private const uint RevisionField = 3 << 3;
    private const uint TermField = 4 << 3;

    /// <summary>Reads an etcdserverpb.ResponseHeader.</summary>
    internal static EtcdHeader Read(ProtoReader message)
    {
        ulong cluster = 0;
        ulong member = 0;
        long revision = 0;
        ulong term = 0;
        for (uint tag = message.ReadTag(); tag != 0; tag = message.ReadTag())
        {
            switch (tag)
            {
                case ClusterField:
                    cluster = message.ReadVarint();
                    break;
                case MemberField:
                    member = message.ReadVarint();
                    break;
                case RevisionField:
                    revision = message.ReadInt64();
                    break;
                case TermField:
                    term = message.ReadVarint();
                    break;
                default:
                    message.Skip(tag);
                    break;
            }
        }

        return new EtcdHeader(cluster, member, revision, term);
    }

    internal static EtcdHeader From(ResponseHeader? header) => header is null
        ? default
        : new EtcdHeader(header.ClusterId, header.MemberId, header.Revision, header.RaftTerm);
}
