using Etcd.Protocol.Wire;
using Etcd.Server.Node;

namespace Etcd.Server.Api;

/// <summary>
/// The header of every answer (etcdserverpb.ResponseHeader as field 1), written straight into the answer's buffer.
/// cluster_id = 1, member_id = 2, revision = 3, raft_term = 4.
/// </summary>
internal static class ResponseHeader
{
    /// <summary>What the header takes at most, with its tag and length.</summary>
    public const int BytesMax = 2 + (4 * 11);

    private const byte HeaderTag = (1 << 3) | 2;

    /// <summary>Writes it.</summary>
    /// <param name="to">At least <see cref="BytesMax"/> long.</param>
    /// <param name="status">Whose answer it is.</param>
    /// <param name="revision">The store's revision.</param>
    /// <returns>Bytes written.</returns>
    public static int Write(Span<byte> to, IMemberStatus status, long revision)
    {
        int at = 2;
        at += WriteField(to[at..], 1, status.ClusterId);
        at += WriteField(to[at..], 2, status.MemberId.Value);
        at += WriteField(to[at..], 3, (ulong)revision);
        at += WriteField(to[at..], 4, status.Term.Value);
        to[0] = HeaderTag;
        to[1] = (byte)(at - 2);
        return at;
    }

    /// <summary>The same as a message, for answers that are made as messages.</summary>
    /// <param name="status">Whose answer it is.</param>
    /// <param name="revision">The store's revision.</param>
    public static Protocol.Etcdserverpb.ResponseHeader Message(IMemberStatus status, long revision) => new()
    {
        ClusterId = status.ClusterId,
        MemberId = status.MemberId.Value,
        Revision = revision,
        RaftTerm = status.Term.Value,
    };

    private static int WriteField(Span<byte> to, int field, ulong value)
    {
        if (value == 0)
        {
            return 0;
        }

        to[0] = (byte)(field << 3);
        return 1 + ProtoWriter.WriteVarint(to[1..], value);
    }
}
