using Etcd.Protocol.Wire;

namespace Etcd.Server.Apply;

/// <summary>
/// Encodes an answer front to back, nested messages included: a message's length is put in when it ends. Used again and again
/// by one thread.
/// </summary>
internal sealed class ResponseBuffer
{
    private const int KeptBytesMax = 1 << 20;

    private byte[] _bytes = new byte[1024];
    private int _length;

    /// <summary>Begins anew.</summary>
    public void Clear()
    {
        _length = 0;
        if (_bytes.Length > KeptBytesMax)
            _bytes = new byte[1024];
    }

    /// <summary>What was written, as an array of its own.</summary>
    public byte[] ToArray() => _length == 0 ? [] : _bytes.AsSpan(0, _length).ToArray();

    /// <summary>Writes a number; zero is left out.</summary>
    public void Number(int field, long value)
    {
        if (value != 0)
            _length += ProtoWriter.WriteVarintField(Room(2 * ProtoWriter.VarintSizeMax), field, (ulong)value);
    }

    /// <summary>Writes a bool; false is left out.</summary>
    public void Bool(int field, bool value) => Number(field, value ? 1 : 0);

    /// <summary>Writes bytes or an encoded message, even if empty.</summary>
    public void Bytes(int field, ReadOnlySpan<byte> value) =>
        _length += ProtoWriter.WriteBytesField(Room(ProtoWriter.BytesFieldSize(field, value.Length)), field, value);

    /// <summary>Begins a nested message.</summary>
    /// <returns>A mark for <see cref="End"/>.</returns>
    public int Begin(int field)
    {
        _length += ProtoWriter.WriteTag(Room(ProtoWriter.VarintSizeMax), field, ProtoWireType.LengthDelimited);
        return _length++;
    }

    /// <summary>Ends a nested message. Most lengths take the one byte that was left for them; else the message moves up.</summary>
    public void End(int mark)
    {
        int length = _length - mark - 1;
        int extra = ProtoWriter.VarintSize((uint)length) - 1;
        if (extra > 0)
        {
            Room(extra);
            _bytes.AsSpan(mark + 1, length).CopyTo(_bytes.AsSpan(mark + 1 + extra));
            _length += extra;
        }

        ProtoWriter.WriteVarint(_bytes.AsSpan(mark), (uint)length);
    }

    private Span<byte> Room(int bytes)
    {
        // One spare byte for the length that Begin leaves open.
        if (_length + bytes + 1 > _bytes.Length)
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _length + bytes + 1));

        return _bytes.AsSpan(_length);
    }
}
