using System.Buffers.Binary;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Peer.Codec;

/// <summary>
/// The message stream: each message as its length in 8 bytes, big endian, and its bytes. A sign of life is a heartbeat from
/// nobody to nobody, which raft never sends.
/// </summary>
internal sealed class MessageStreamEncoder : IStreamEncoder
{
    /// <inheritdoc/>
    public void Encode(in Message message, SendBuffer to) => Frame(message, to);

    /// <inheritdoc/>
    public void EncodeHeartbeat(SendBuffer to) => Frame(new Message { Type = MessageType.Heartbeat }, to);

    /// <summary>One message with its length in front, as it also stands before a snapshot's content.</summary>
    public static void Frame(in Message message, SendBuffer to)
    {
        int size = MessageCodec.Size(message);
        BinaryPrimitives.WriteUInt64BigEndian(to.Reserve(sizeof(ulong)), (ulong)size);
        to.Advance(sizeof(ulong));
        MessageCodec.Write(to, message);
    }
}

/// <summary>Reads the message stream.</summary>
/// <param name="bytesMax">Largest message that is taken.</param>
internal sealed class MessageStreamDecoder(int bytesMax = Limits.PeerMessageBytesMax) : IStreamDecoder
{
    /// <inheritdoc/>
    public StreamItem Decode(ReadOnlySpan<byte> received, out int taken, out Message message)
    {
        taken = 0;
        message = default;
        if (received.Length < sizeof(ulong))
        {
            return StreamItem.Incomplete;
        }

        ulong length = BinaryPrimitives.ReadUInt64BigEndian(received);
        if (length > (ulong)bytesMax)
        {
            throw new PeerFormatException(PeerFormatException.TooLarge);
        }

        if ((ulong)(received.Length - sizeof(ulong)) < length)
        {
            return StreamItem.Incomplete;
        }

        taken = sizeof(ulong) + (int)length;
        message = MessageCodec.Read(received[sizeof(ulong)..taken]);
        return message.Type == MessageType.Heartbeat && message.From.IsNone && message.To.IsNone
            ? StreamItem.LinkHeartbeat
            : StreamItem.Message;
    }
}
