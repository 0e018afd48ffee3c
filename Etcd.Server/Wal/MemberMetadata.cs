using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Primitives;
using Google.Protobuf;

namespace Etcd.Server.Wal;

/// <summary>Who writes a log: etcdserverpb.Metadata, which stands at the head of each of its segments.</summary>
/// <param name="Member">The member.</param>
/// <param name="ClusterId">Its cluster.</param>
public readonly record struct MemberMetadata(MemberId Member, ulong ClusterId)
{
    /// <summary>Encodes.</summary>
    public byte[] Encode() => new Metadata { NodeID = Member.Value, ClusterID = ClusterId }.ToByteArray();

    /// <summary>Decodes.</summary>
    /// <param name="bytes">The encoded message.</param>
    /// <exception cref="InvalidDataException">The bytes are no such message.</exception>
    public static MemberMetadata Decode(ReadOnlySpan<byte> bytes)
    {
        try
        {
            Metadata metadata = Metadata.Parser.ParseFrom(bytes);
            return new MemberMetadata(new MemberId(metadata.NodeID), metadata.ClusterID);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new InvalidDataException("wal: the metadata are not those of a member", e);
        }
    }
}
