using System.Numerics;

namespace Etcd.Server.Wal;

/// <summary>
/// The protobuf wire format, as far as the log's messages need it. Writing goes straight into a span that the caller
/// has measured; nothing here allocates.
/// </summary>
internal static class Proto
{
    public const int VarintBytesMax = 10;
    private const int WireTypeBits = 3;

    public enum WireType
    {
        Varint = 0,
        Fixed64 = 1,
        Bytes = 2,
        Fixed32 = 5,
    }

    public static int VarintBytes(ulong value) => (BitOperations.Log2(value | 1) / 7) + 1;

    public static int WriteVarint(Span<byte> to, ulong value)
    {
        int at = 0;
        while (value >= 0x80)
        {
            to[at++] = (byte)(value | 0x80);
            value >>= 7;
        }

        to[at++] = (byte)value;
        return at;
    }

    /// <summary>A one-byte tag and its varint.</summary>
    public static int WriteField(Span<byte> to, byte tag, ulong value)
    {
        to[0] = tag;
        return 1 + WriteVarint(to[1..], value);
    }

    public static byte Tag(int field, WireType type) => (byte)((field << WireTypeBits) | (int)type);

    public static bool TryReadVarint(ReadOnlySpan<byte> from, ref int at, out ulong value)
    {
        value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            if (at >= from.Length)
            {
                return false;
            }

            byte next = from[at++];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
            {
                return true;
            }
        }

        return false;
    }

    public static bool TryReadTag(ReadOnlySpan<byte> from, ref int at, out int field, out WireType type)
    {
        bool read = TryReadVarint(from, ref at, out ulong tag);
        type = (WireType)(tag & ((1 << WireTypeBits) - 1));
        field = (int)Math.Min(tag >> WireTypeBits, int.MaxValue);
        return read && field != 0;
    }

    /// <summary>Reads a length and checks that so many bytes follow; leaves <paramref name="at"/> at the first.</summary>
    public static bool TryReadLength(ReadOnlySpan<byte> from, ref int at, out int length)
    {
        length = 0;
        if (!TryReadVarint(from, ref at, out ulong value) || value > (ulong)(from.Length - at))
        {
            return false;
        }

        length = (int)value;
        return true;
    }

    /// <summary>Passes over a field that this version does not know.</summary>
    public static bool TrySkip(ReadOnlySpan<byte> from, ref int at, WireType type)
    {
        switch (type)
        {
            case WireType.Varint:
                return TryReadVarint(from, ref at, out _);
            case WireType.Bytes:
                bool whole = TryReadLength(from, ref at, out int length);
                at += length;
                return whole;
            case WireType.Fixed64:
                at += sizeof(ulong);
                return at <= from.Length;
            case WireType.Fixed32:
                at += sizeof(uint);
                return at <= from.Length;
            default:
                return false;
        }
    }
}
