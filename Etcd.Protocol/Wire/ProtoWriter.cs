using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Etcd.Protocol.Wire;

/// <summary>
/// Encodes fields straight into a caller's buffer, for paths that cannot afford objects. Each Write method starts at
/// the buffer's first byte and returns how many bytes it took; the matching Size method tells that number beforehand.
/// A buffer that is too short throws. Whether a field with its default value is written is the caller's decision, as
/// that differs between proto2, proto3 and oneof members.
/// </summary>
public static class ProtoWriter
{
    /// <summary>Most bytes that a varint takes.</summary>
    public const int VarintSizeMax = 10;

    /// <summary>The tag of a field; a constant wherever both parts are.</summary>
    public static uint Tag(int field, ProtoWireType type) => ((uint)field << 3) | (uint)type;

    /// <summary>Bytes that the varint takes, 1 to 10.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int VarintSize(ulong value)
    {
        // Each started seven bits cost a byte: (log2 * 9 + 73) / 64 is log2 / 7 + 1 for all 64 values of log2.
        return ((BitOperations.Log2(value | 1) * 9) + 73) >> 6;
    }

    /// <summary>Bytes that the tag of this field takes.</summary>
    public static int TagSize(int field) => VarintSize((uint)field << 3);

    /// <summary>Bytes that a varint field takes, tag included. Signed numbers are given as their 64-bit two's complement.</summary>
    public static int VarintFieldSize(int field, ulong value) => TagSize(field) + VarintSize(value);

    /// <summary>Bytes that a length-delimited field takes, tag and length included.</summary>
    public static int BytesFieldSize(int field, int length) => TagSize(field) + VarintSize((uint)length) + length;

    /// <summary>Writes a varint.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int WriteVarint(Span<byte> destination, ulong value)
    {
        if (value < 0x80)
        {
            destination[0] = (byte)value;
            return 1;
        }

        return WriteLongVarint(destination, value);
    }

    /// <summary>Writes a tag.</summary>
    public static int WriteTag(Span<byte> destination, int field, ProtoWireType type) =>
        WriteVarint(destination, Tag(field, type));

    /// <summary>Writes a varint field. Signed numbers are given as their 64-bit two's complement.</summary>
    public static int WriteVarintField(Span<byte> destination, int field, ulong value)
    {
        var at = WriteTag(destination, field, ProtoWireType.Varint);
        return at + WriteVarint(destination[at..], value);
    }

    /// <summary>Writes a bool field.</summary>
    public static int WriteBoolField(Span<byte> destination, int field, bool value) =>
        WriteVarintField(destination, field, value ? 1UL : 0UL);

    /// <summary>Writes a fixed32 field.</summary>
    public static int WriteFixed32Field(Span<byte> destination, int field, uint value)
    {
        var at = WriteTag(destination, field, ProtoWireType.Fixed32);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[at..], value);
        return at + sizeof(uint);
    }

    /// <summary>Writes a fixed64 field.</summary>
    public static int WriteFixed64Field(Span<byte> destination, int field, ulong value)
    {
        var at = WriteTag(destination, field, ProtoWireType.Fixed64);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[at..], value);
        return at + sizeof(ulong);
    }

    /// <summary>Writes tag and length of a length-delimited field; its content of that length has to follow.</summary>
    public static int WriteLengthPrefix(Span<byte> destination, int field, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        var at = WriteTag(destination, field, ProtoWireType.LengthDelimited);
        return at + WriteVarint(destination[at..], (uint)length);
    }

    /// <summary>Writes a length-delimited field: bytes, the UTF-8 of a string, or an encoded message.</summary>
    public static int WriteBytesField(Span<byte> destination, int field, ReadOnlySpan<byte> value)
    {
        var at = WriteLengthPrefix(destination, field, value.Length);
        value.CopyTo(destination[at..]);
        return at + value.Length;
    }

    private static int WriteLongVarint(Span<byte> destination, ulong value)
    {
        var at = 0;
        for (; value >= 0x80; value >>= 7)
            destination[at++] = (byte)(value | 0x80);
        destination[at++] = (byte)value;
        return at;
    }
}
