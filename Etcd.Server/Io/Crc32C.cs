using System.Buffers.Binary;
using System.Numerics;

namespace Etcd.Server.Io;

/// <summary>
/// CRC-32C (Castagnoli) as a running value: <c>Append(Append(0, a), b) == Append(0, ab)</c>, the same numbers as Go's
/// hash/crc32 gives with that polynomial. Uses the processor's instruction where it has one.
/// </summary>
public static class Crc32C
{
    /// <summary>Continues <paramref name="crc"/> (0 to begin) over <paramref name="data"/>.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> data)
    {
        uint state = ~crc;
        while (data.Length >= sizeof(ulong))
        {
            state = BitOperations.Crc32C(state, BinaryPrimitives.ReadUInt64LittleEndian(data));
            data = data[sizeof(ulong)..];
        }

        foreach (byte value in data)
        {
            state = BitOperations.Crc32C(state, value);
        }

        return ~state;
    }
}
