namespace Etcd.Bench.Http2.Hpack;

/// <summary>Integers with an N-bit prefix (RFC 7541, section 5.1).</summary>
internal static class HpackInteger
{
    // Nothing in a header block needs more than 28 bits; a longer one is an attack or garbage.
    private const int ShiftMax = 21;

    public static int Read(ReadOnlySpan<byte> source, ref int position, int prefixBits)
    {
        if (position >= source.Length)
            throw new Http2ProtocolException("HPACK: a header block ends inside an integer");
        int prefixMax = (1 << prefixBits) - 1;
        int value = source[position++] & prefixMax;
        return value < prefixMax ? value : ReadRest(source, ref position, value);
    }

    private static int ReadRest(ReadOnlySpan<byte> source, ref int position, int value)
    {
        for (int shift = 0; shift <= ShiftMax; shift += 7)
        {
            if (position >= source.Length)
                throw new Http2ProtocolException("HPACK: a header block ends inside an integer");
            byte next = source[position++];
            value += (next & 0x7F) << shift;
            if ((next & 0x80) == 0)
                return value;
        }
        throw new Http2ProtocolException("HPACK: an integer is too large");
    }

    public static void Write(ByteBuffer destination, byte firstByteBits, int prefixBits, int value)
    {
        Span<byte> room = destination.Reserve(6);
        int prefixMax = (1 << prefixBits) - 1;
        int length = 0;
        if (value < prefixMax)
        {
            room[length++] = (byte)(firstByteBits | value);
        }
        else
        {
            room[length++] = (byte)(firstByteBits | prefixMax);
            for (value -= prefixMax; value >= 0x80; value >>= 7)
                room[length++] = (byte)(value | 0x80);
            room[length++] = (byte)value;
        }
        destination.Commit(length);
    }
}
