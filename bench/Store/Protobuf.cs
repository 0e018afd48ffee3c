namespace Etcd.Bench.Store;

/// <summary>The little that the questions beside a load need of the encoding.</summary>
internal static class Protobuf
{
    /// <summary>A number of 7 bits a byte, lowest first.</summary>
    public static byte[] Varint(ulong value)
    {
        var bytes = new List<byte>();
        for (; value >= 0x80; value >>= 7)
            bytes.Add((byte)(value | 0x80));

        bytes.Add((byte)value);
        return [.. bytes];
    }

    /// <summary>A field of bytes.</summary>
    public static byte[] Bytes(int field, ReadOnlySpan<byte> value) => [(byte)((field << 3) | 2), .. Varint((ulong)value.Length), .. value];
}
