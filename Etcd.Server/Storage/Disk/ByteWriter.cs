using System.Buffers.Binary;

namespace Etcd.Server.Storage.Disk;

/// <summary>Bytes that grow at the end: fixed numbers little-endian, others as varints of 7 bits a byte, lowest first.</summary>
internal sealed class ByteWriter(int capacity = 1024)
{
    private byte[] _bytes = new byte[capacity];

    /// <summary>Bytes written.</summary>
    public int Length { get; private set; }

    /// <summary>What was written; valid until the next write.</summary>
    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    /// <summary>What was written; valid until the next write.</summary>
    public ReadOnlyMemory<byte> Memory => _bytes.AsMemory(0, Length);

    /// <summary>Begins again.</summary>
    public void Clear() => Length = 0;

    /// <summary>Room at the end, to be filled by the caller.</summary>
    public Span<byte> Take(int count)
    {
        if (Length + count > _bytes.Length)
            Array.Resize(ref _bytes, Math.Max(Length + count, checked(_bytes.Length * 2)));

        Length += count;
        return _bytes.AsSpan(Length - count, count);
    }

    /// <summary>Writes bytes as they are.</summary>
    public void Write(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Take(bytes.Length));

    /// <summary>Writes bytes with their length before them.</summary>
    public void WriteBytes(ReadOnlySpan<byte> bytes)
    {
        WriteVarint((ulong)bytes.Length);
        Write(bytes);
    }

    /// <summary>Writes 4 bytes.</summary>
    public void WriteFixed32(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Take(4), value);

    /// <summary>Writes 8 bytes.</summary>
    public void WriteFixed64(ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Take(8), value);

    /// <summary>Writes a varint.</summary>
    public void WriteVarint(ulong value)
    {
        Span<byte> to = Take(10);
        int at = 0;
        for (; value >= 0x80; value >>= 7)
            to[at++] = (byte)(value | 0x80);

        to[at++] = (byte)value;
        Length -= 10 - at;
    }
}

/// <summary>Reads what <see cref="ByteWriter"/> wrote. Whatever is not such is an <see cref="InvalidDataException"/>.</summary>
internal ref struct ByteReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _left = bytes;

    /// <summary>How many bytes are left.</summary>
    public readonly int Left => _left.Length;

    /// <summary>Bytes as they are.</summary>
    public ReadOnlySpan<byte> Read(int count)
    {
        if ((uint)count > (uint)_left.Length)
            Throw();

        ReadOnlySpan<byte> taken = _left[..count];
        _left = _left[count..];
        return taken;
    }

    /// <summary>Bytes with their length before them.</summary>
    public ReadOnlySpan<byte> ReadBytes() => Read(ReadInt());

    /// <summary>4 bytes.</summary>
    public uint ReadFixed32() => BinaryPrimitives.ReadUInt32LittleEndian(Read(4));

    /// <summary>8 bytes.</summary>
    public ulong ReadFixed64() => BinaryPrimitives.ReadUInt64LittleEndian(Read(8));

    /// <summary>A varint that is a count or a length.</summary>
    public int ReadInt()
    {
        ulong value = ReadVarint();
        if (value > int.MaxValue)
            Throw();

        return (int)value;
    }

    /// <summary>A varint.</summary>
    public ulong ReadVarint()
    {
        // Most are small.
        if (!_left.IsEmpty && _left[0] < 0x80)
        {
            byte small = _left[0];
            _left = _left[1..];
            return small;
        }

        return ReadLongVarint();
    }

    private ulong ReadLongVarint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            if (_left.IsEmpty)
                break;

            byte next = _left[0];
            _left = _left[1..];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
                return value;
        }

        Throw();
        return 0;
    }

    private static void Throw() => throw new InvalidDataException("the bytes end too early, or a number is too large");
}
