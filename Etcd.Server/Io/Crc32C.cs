using System.Buffers.Binary;
using System.Numerics;

namespace Etcd.Server.Io;

/// <summary>
/// CRC-32C (Castagnoli) as a running value: <c>Append(Append(0, a), b) == Append(0, ab)</c>, the same numbers as Go's
/// hash/crc32 gives with that polynomial. Uses the processor's instruction where it has one.
/// <para>
/// Each step of a CRC waits for the one before, while the processor could do three at a time. So long data are taken three blocks
/// at a time, each by itself, and put together: what a block of zeros makes of a value is linear in the value (a table).
/// </para>
/// </summary>
public static class Crc32C
{
    private const int BlockBytes = 512;

    // For each byte of a value, what a block of zeros behind it makes of it.
    private static readonly uint[] BehindZeros = MakeBehindZeros();

    /// <summary>Continues <paramref name="crc"/> (0 to begin) over <paramref name="data"/>.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> data)
    {
        uint state = ~crc;
        while (data.Length >= 3 * BlockBytes)
        {
            state = AppendThree(state, data[..(3 * BlockBytes)]);
            data = data[(3 * BlockBytes)..];
        }

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

    private static uint AppendThree(uint state, ReadOnlySpan<byte> data)
    {
        ReadOnlySpan<byte> first = data[..BlockBytes];
        ReadOnlySpan<byte> second = data.Slice(BlockBytes, BlockBytes);
        ReadOnlySpan<byte> third = data.Slice(2 * BlockBytes, BlockBytes);
        uint secondState = 0;
        uint thirdState = 0;
        for (int at = 0; at < BlockBytes; at += sizeof(ulong))
        {
            state = BitOperations.Crc32C(state, BinaryPrimitives.ReadUInt64LittleEndian(first[at..]));
            secondState = BitOperations.Crc32C(secondState, BinaryPrimitives.ReadUInt64LittleEndian(second[at..]));
            thirdState = BitOperations.Crc32C(thirdState, BinaryPrimitives.ReadUInt64LittleEndian(third[at..]));
        }

        return Shift(Shift(state) ^ secondState) ^ thirdState;
    }

    private static uint Shift(uint state)
    {
        uint[] table = BehindZeros;
        return table[state & 0xFF] ^ table[0x100 | ((state >> 8) & 0xFF)] ^ table[0x200 | ((state >> 16) & 0xFF)] ^ table[0x300 | (state >> 24)];
    }

    private static uint[] MakeBehindZeros()
    {
        var table = new uint[4 * 256];
        for (int bit = 0; bit < 32; bit++)
        {
            uint state = 1U << bit;
            for (int at = 0; at < BlockBytes; at += sizeof(ulong))
            {
                state = BitOperations.Crc32C(state, 0UL);
            }

            // It is in all values of its byte that have the bit.
            int row = (bit / 8) << 8;
            for (int value = 0; value < 256; value++)
            {
                table[row | value] ^= (value & (1 << (bit % 8))) != 0 ? state : 0;
            }
        }

        return table;
    }
}
