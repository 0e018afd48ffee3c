using System.Buffers;
using System.Buffers.Binary;
using Grpc.Core;
using Grpc.Net.Compression;

namespace Grpc.Net.Client.Internal.Messages;

/// <summary>
/// Serializes one message at a time, with its five byte prefix (compressed or not, length), into a pooled buffer. The
/// bytes are valid until <see cref="Release"/>, which must follow each <see cref="Write"/>.
/// </summary>
internal sealed class MessageWriter(int maxSize) : SerializationContext, IBufferWriter<byte>
{
    internal const int PrefixLength = 5;
    private const int FirstBufferLength = 256;

    private byte[]? _buffer;
    private int _length;
    private bool _completed;

    public ReadOnlyMemory<byte> Write<T>(Action<T, SerializationContext> serializer, T message, ICompressionProvider? compression)
    {
        _length = PrefixLength;
        _completed = false;
        serializer(message, this);
        if (!_completed)
            throw new InvalidOperationException("The serializer returned without completing the message.");
        CheckSize(_length - PrefixLength);
        if (compression is not null)
            Compress(compression);
        EnsureFree(0);
        _buffer![0] = compression is null ? (byte)0 : (byte)1;
        BinaryPrimitives.WriteInt32BigEndian(_buffer.AsSpan(1), _length - PrefixLength);
        return _buffer.AsMemory(0, _length);
    }

    public void Release()
    {
        if (_buffer is null)
            return;
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = null;
    }

    public override void SetPayloadLength(int payloadLength)
    {
        CheckSize(payloadLength);
        EnsureFree(payloadLength);
    }

    public override IBufferWriter<byte> GetBufferWriter() => this;

    public override void Complete(byte[] payload)
    {
        Complete();
        CheckSize(payload.Length);
        EnsureFree(payload.Length);
        payload.CopyTo(_buffer.AsSpan(_length));
        _length += payload.Length;
    }

    public override void Complete()
    {
        if (_completed)
            throw new InvalidOperationException("The message has been completed already.");
        _completed = true;
    }

    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, (_buffer?.Length ?? 0) - _length);
        _length += count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        EnsureFree(Math.Max(sizeHint, 1));
        return _buffer.AsMemory(_length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        EnsureFree(Math.Max(sizeHint, 1));
        return _buffer.AsSpan(_length);
    }

    private void CheckSize(int payloadLength)
    {
        if (payloadLength > maxSize)
            throw new RpcException(new Status(
                StatusCode.ResourceExhausted, "Sending message exceeds the maximum configured message size."));
    }

    private void EnsureFree(int count)
    {
        if (_buffer is null)
        {
            _buffer = ArrayPool<byte>.Shared.Rent(Math.Max(_length + count, FirstBufferLength));
            return;
        }

        if (_buffer.Length - _length >= count)
            return;
        var larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(Array.MaxLength, Math.Max((long)_length + count, 2L * _buffer.Length)));
        _buffer.AsSpan(0, _length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }

    private void Compress(ICompressionProvider compression)
    {
        using var target = new MemoryStream();
        using (var stream = compression.CreateCompressionStream(target, null))
            stream.Write(_buffer.AsSpan(PrefixLength, _length - PrefixLength));
        _length = PrefixLength;
        var compressed = target.GetBuffer().AsSpan(0, (int)target.Length);
        EnsureFree(compressed.Length);
        compressed.CopyTo(_buffer.AsSpan(_length));
        _length += compressed.Length;
    }
}
