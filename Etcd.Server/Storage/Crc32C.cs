using System.Buffers.Binary;
using System.Numerics;

namespace Etcd.Server.Storage;

/// <summary>A running CRC-32 with Castagnoli's polynomial, as Go's hash/crc32 computes it.</summary>
internal struct Crc32C
{
    private uint _inverted;

    /// <summary>The checksum of what was added.</summary>
    public readonly uint Value => _inverted;

    /// <summary>Adds bytes.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        uint crc = ~_inverted;
        for (; bytes.Length >= 8; bytes = bytes[8..])
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));

        foreach (byte next in bytes)
            crc = BitOperations.Crc32C(crc, next);

        _inverted = ~crc;
    }
}
