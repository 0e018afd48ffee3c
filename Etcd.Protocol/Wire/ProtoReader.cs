using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Etcd.Protocol.Wire;

/// <summary>
/// Reads one encoded message field by field, for paths that cannot afford objects. It allocates nothing, and what it
/// returns points into the given span. It never reads outside of it, and throws <see cref="ProtoFormatException"/>
/// for everything that Go's protobuf refuses: bytes it went over to the end are a well-formed message.
/// <para>
/// Google.Protobuf is more lenient in one point, varints with surplus high bits, which it cuts off; see
/// <see cref="ProtoFault.VarintTooWide"/>.
/// </para>
/// <para>
/// Use: call <see cref="ReadTag"/> until it returns 0; compare the whole tag, not only its field number; for a tag
/// that is not known call <see cref="Skip"/>, which is also what protobuf demands for a known field in another
/// wire type.
/// </para>
/// </summary>
public ref struct ProtoReader
{
    /// <summary>Groups may nest this deep, as in Google.Protobuf.</summary>
    public const int GroupDepthMax = 100;

    private const int VarintBytesMax = 10;

    private readonly ReadOnlySpan<byte> _message;
    private int _position;

    /// <summary>Starts at the head of an encoded message.</summary>
    public ProtoReader(ReadOnlySpan<byte> message) => _message = message;

    /// <summary>Offset of the next byte to read.</summary>
    public readonly int Position => _position;

    /// <summary>True once everything was read.</summary>
    public readonly bool IsAtEnd => _position == _message.Length;

    /// <summary>Goes over a whole message and throws unless it is well-formed. Nested messages are opaque bytes to it.</summary>
    public static void Validate(ReadOnlySpan<byte> message)
    {
        var reader = new ProtoReader(message);
        for (var tag = reader.ReadTag(); tag != 0; tag = reader.ReadTag())
            reader.Skip(tag);
    }

    /// <summary>Reads the next field's tag; 0 at the end of the message.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint ReadTag()
    {
        var at = _position;
        if ((uint)at < (uint)_message.Length)
        {
            // One byte holds the tags of fields 1 to 15, and a valid one is at least 8.
            uint first = _message[at];
            if (first < 0x80 && first >= 8 && (first & 7) <= 5)
            {
                _position = at + 1;
                return first;
            }
        }

        return ReadTagSlow();
    }

    /// <summary>Reads an unsigned 64-bit varint.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong ReadVarint()
    {
        var at = _position;
        if ((uint)at < (uint)_message.Length && _message[at] < 0x80)
        {
            _position = at + 1;
            return _message[at];
        }

        return ReadVarintSlow();
    }

    /// <summary>Reads an int64.</summary>
    public long ReadInt64() => unchecked((long)ReadVarint());

    /// <summary>Reads an int32 or an enum: the low half of the varint, as negative ones are written in ten bytes.</summary>
    public int ReadInt32() => unchecked((int)ReadVarint());

    /// <summary>Reads a uint32: the low half of the varint.</summary>
    public uint ReadUInt32() => unchecked((uint)ReadVarint());

    /// <summary>Reads a bool: any number but zero is true.</summary>
    public bool ReadBool() => ReadVarint() != 0;

    /// <summary>Reads four bytes, little endian.</summary>
    public uint ReadFixed32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint)));

    /// <summary>Reads eight bytes, little endian.</summary>
    public ulong ReadFixed64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(sizeof(ulong)));

    /// <summary>Reads a length-delimited value: bytes, the UTF-8 of a string, or an encoded message.</summary>
    public ReadOnlySpan<byte> ReadBytes() => Take(ReadLength());

    /// <summary>
    /// As <see cref="ReadBytes()"/>, and tells where the value begins, so that a caller who holds the message as
    /// memory can keep a slice of it.
    /// </summary>
    public ReadOnlySpan<byte> ReadBytes(out int offset)
    {
        var length = ReadLength();
        offset = _position;
        return Take(length);
    }

    /// <summary>Reads a length-delimited value as a message of its own.</summary>
    public ProtoReader ReadMessage() => new(ReadBytes());

    /// <summary>Goes over the value of the field with this tag, which <see cref="ReadTag"/> has just returned.</summary>
    public void Skip(uint tag)
    {
        switch ((ProtoWireType)(tag & 7))
        {
            case ProtoWireType.Varint:
                ReadVarint();
                break;
            case ProtoWireType.Fixed64:
                Take(sizeof(ulong));
                break;
            case ProtoWireType.LengthDelimited:
                ReadBytes();
                break;
            case ProtoWireType.Fixed32:
                Take(sizeof(uint));
                break;
            case ProtoWireType.StartGroup:
                SkipGroup(tag >> 3);
                break;
            case ProtoWireType.EndGroup:
                Fail(ProtoFault.UnmatchedEndGroup);
                break;
            default:
                Fail(ProtoFault.UnknownWireType);
                break;
        }
    }

    // Keeps the open groups in an array of its own rather than on the call stack: depth is the sender's choice.
    private void SkipGroup(uint number)
    {
        Span<uint> open = stackalloc uint[GroupDepthMax];
        open[0] = number;
        var depth = 1;
        while (depth > 0)
        {
            var tag = ReadTag();
            if (tag == 0)
                Fail(ProtoFault.Truncated);

            switch ((ProtoWireType)(tag & 7))
            {
                case ProtoWireType.StartGroup:
                    if (depth == GroupDepthMax)
                        Fail(ProtoFault.TooDeep);
                    open[depth++] = tag >> 3;
                    break;
                case ProtoWireType.EndGroup:
                    if (open[--depth] != tag >> 3)
                        Fail(ProtoFault.UnmatchedEndGroup);
                    break;
                default:
                    Skip(tag);
                    break;
            }
        }
    }

    private uint ReadTagSlow()
    {
        if (IsAtEnd)
            return 0;

        var tag = ReadVarint();
        if (tag > uint.MaxValue)
            Fail(ProtoFault.VarintTooWide);
        if (tag < 8)
            Fail(ProtoFault.FieldNumberZero);
        if ((tag & 7) > (uint)ProtoWireType.Fixed32)
            Fail(ProtoFault.UnknownWireType);
        return (uint)tag;
    }

    private ulong ReadVarintSlow()
    {
        var rest = _message[_position..];
        var result = 0UL;
        for (var i = 0; i < VarintBytesMax; i++)
        {
            if (i == rest.Length)
                Fail(ProtoFault.Truncated);

            ulong piece = rest[i];
            result |= (piece & 0x7f) << (7 * i);
            if (piece < 0x80)
            {
                // The tenth byte holds bit 63 alone.
                if (i == VarintBytesMax - 1 && piece > 1)
                    Fail(ProtoFault.VarintTooWide);
                _position += i + 1;
                return result;
            }
        }

        Fail(ProtoFault.VarintTooLong);
        return 0;
    }

    private int ReadLength()
    {
        var length = ReadVarint();
        if (length > int.MaxValue)
            Fail(ProtoFault.VarintTooWide);
        return (int)length;
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if ((uint)count > (uint)(_message.Length - _position))
            Fail(ProtoFault.Truncated);

        var taken = _message.Slice(_position, count);
        _position += count;
        return taken;
    }

    [DoesNotReturn]
    private readonly void Fail(ProtoFault fault) => throw new ProtoFormatException(fault, _position);
}
