using System.Buffers;
using System.Numerics;

namespace Etcd.Server.Watch;

/// <summary>
/// The little of protobuf that a WatchResponse needs, written straight into the sender's buffer. Tags are of fields with
/// numbers below 16, so each is one byte: <c>number &lt;&lt; 3 | wire type</c>.
/// </summary>
internal ref struct WatchWire
{
    public const byte HeaderTag = 1 << 3 | 2;
    public const byte WatchIdTag = 2 << 3;
    public const byte CreatedTag = 3 << 3;
    public const byte CanceledTag = 4 << 3;
    public const byte CompactRevisionTag = 5 << 3;
    public const byte CancelReasonTag = 6 << 3 | 2;
    public const byte FragmentTag = 7 << 3;
    public const byte EventsTag = 11 << 3 | 2;

    public const byte ClusterIdTag = 1 << 3;
    public const byte MemberIdTag = 2 << 3;
    public const byte RevisionTag = 3 << 3;
    public const byte RaftTermTag = 4 << 3;

    public const byte EventTypeTag = 1 << 3;
    public const byte EventKeyValueTag = 2 << 3 | 2;
    public const byte EventPreviousTag = 3 << 3 | 2;

    private const int TagAndVarintMax = 11;
    private const int FreshSpanMin = 512;

    private readonly IBufferWriter<byte>? _output;
    private Span<byte> _span;
    private int _written;

    public WatchWire(IBufferWriter<byte> output)
    {
        _output = output;
        _span = default;
        _written = 0;
    }

    /// <summary>Writes into memory that is large enough for everything.</summary>
    public WatchWire(Span<byte> target)
    {
        _output = null;
        _span = target;
        _written = 0;
    }

    /// <summary>What was written into such memory, in bytes.</summary>
    public readonly int Written => _written;

    public static int VarintSize(ulong value) => (BitOperations.Log2(value | 1) * 9 + 73) / 64;

    /// <summary>The size of a length-delimited field with its tag.</summary>
    public static int FieldSize(int length) => 1 + VarintSize((uint)length) + length;

    /// <summary>The size of a varint field; proto3 leaves zeros out.</summary>
    public static int VarintFieldSize(ulong value) => value == 0 ? 0 : 1 + VarintSize(value);

    /// <summary>A varint field, left out if zero.</summary>
    public void VarintUnlessZero(byte tag, ulong value)
    {
        if (value != 0)
        {
            Varint(tag, value);
        }
    }

    /// <summary>A varint field.</summary>
    public void Varint(byte tag, ulong value)
    {
        Reserve();
        _span[_written++] = tag;
        while (value >= 0x80)
        {
            _span[_written++] = (byte)(value | 0x80);
            value >>= 7;
        }

        _span[_written++] = (byte)value;
    }

    /// <summary>Tag and length of a field whose content is written next.</summary>
    public void Length(byte tag, int length) => Varint(tag, (uint)length);

    /// <summary>A length-delimited field.</summary>
    public void Bytes(byte tag, ReadOnlySpan<byte> content)
    {
        Length(tag, content.Length);
        Raw(content);
    }

    /// <summary>Fields that are encoded already.</summary>
    public void Raw(ReadOnlySpan<byte> content)
    {
        if (content.Length <= _span.Length - _written)
        {
            content.CopyTo(_span[_written..]);
            _written += content.Length;
            return;
        }

        Flush();
        _output!.Write(content);
    }

    /// <summary>Hands what was written to the output; nothing may be written after it without it being called again.</summary>
    public void Flush()
    {
        if (_written > 0)
        {
            _output!.Advance(_written);
        }

        _span = default;
        _written = 0;
    }

    private void Reserve()
    {
        if (_output is not null && _span.Length - _written < TagAndVarintMax)
        {
            Flush();
            _span = _output.GetSpan(FreshSpanMin);
        }
    }
}
