using System.Buffers;
using System.Buffers.Binary;

namespace Grpc.AspNetCore.Server.Calls;

/// <summary>
/// One length-prefixed message: a byte that says whether it is compressed, four bytes of length (big-endian), the payload.
/// <c>00 00 00 00 02 0a 00</c> is an uncompressed message of two bytes.
/// </summary>
internal readonly struct MessageFrame(bool compressed, ReadOnlySequence<byte> payload)
{
    public const int HeaderBytes = 5;

    public bool Compressed { get; } = compressed;

    /// <summary>The payload, in the transport's buffers.</summary>
    public ReadOnlySequence<byte> Payload { get; } = payload;

    /// <summary>Where the message ends in the buffer that it was read from.</summary>
    public SequencePosition End => Payload.End;

    /// <summary>Reads the first message; false if it is not complete yet.</summary>
    /// <exception cref="Grpc.Core.RpcException">The message is longer than the limit, or its flag is unknown: known from
    /// the header, before the payload is waited for.</exception>
    public static bool TryRead(in ReadOnlySequence<byte> buffer, long limit, out MessageFrame frame)
    {
        frame = default;
        if (buffer.Length < HeaderBytes)
        {
            return false;
        }

        var (flag, length) = ReadHeader(buffer);
        if (flag > 1)
        {
            throw GrpcErrors.UnknownFormat(flag);
        }

        if (length > limit)
        {
            throw GrpcErrors.ReceivedTooLarge(length, limit);
        }

        if (buffer.Length - HeaderBytes < length)
        {
            return false;
        }

        frame = new MessageFrame(flag == 1, buffer.Slice(HeaderBytes, length));
        return true;
    }

    public static void WriteHeader(Span<byte> target, bool compressed, int length)
    {
        target[0] = compressed ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt32BigEndian(target[1..], (uint)length);
    }

    private static (byte Flag, uint Length) ReadHeader(in ReadOnlySequence<byte> buffer)
    {
        var first = buffer.FirstSpan;
        if (first.Length >= HeaderBytes)
        {
            return (first[0], BinaryPrimitives.ReadUInt32BigEndian(first[1..]));
        }

        Span<byte> header = stackalloc byte[HeaderBytes];
        buffer.Slice(0, HeaderBytes).CopyTo(header);
        return (header[0], BinaryPrimitives.ReadUInt32BigEndian(header[1..]));
    }
}
