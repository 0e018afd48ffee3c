using System.Buffers;
using System.IO.Pipelines;
using Grpc.Core;

namespace Grpc.AspNetCore.Server.Calls;

/// <summary>
/// Takes a message from a serializer and writes it, length prefix first, to the response. A serializer that says its
/// length before it writes does so straight into the response's buffer; the others go through a pooled one. There is
/// one per thread, as serializers run synchronously and may not keep it.
/// </summary>
internal sealed class MessageWriter : SerializationContext, IBufferWriter<byte>
{
    /// <summary>Prefix and payload share a buffer segment up to this size; a larger one need not be contiguous.</summary>
    private const int ContiguousBytesMax = 2048;

    private const int UnknownLength = -1;

    [ThreadStatic]
    private static MessageWriter? _idle;

    private PipeWriter _output = null!;
    private MethodSettings _settings = null!;
    private PooledBuffer? _buffer;
    private bool _compress;
    private bool _completed;
    private bool _direct;
    private int _length;
    private int _written;

    /// <summary>Appends a message to the output, without flushing.</summary>
    /// <exception cref="TornMessageException">The serializer failed after part of the message was in the output.</exception>
    public static void Write<T>(T message, Action<T, SerializationContext> serializer, PipeWriter output, MethodSettings settings, bool compress)
    {
        var writer = _idle ?? new MessageWriter();
        _idle = null;
        writer.Begin(output, settings, compress);
        try
        {
            serializer(message, writer);
            writer.CheckComplete();
        }
        catch (Exception failure) when (writer._direct && failure is not OutOfMemoryException)
        {
            throw new TornMessageException(failure);
        }
        finally
        {
            writer.Reset();
            _idle = writer;
        }
    }

    public override void SetPayloadLength(int payloadLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(payloadLength);
        if (_length != UnknownLength || _buffer is not null || _completed)
        {
            throw new InvalidOperationException("The payload's length has to be set once, before anything is written.");
        }

        if (_compress)
        {
            return;
        }

        CheckLimit(payloadLength);
        _length = payloadLength;
    }

    public override IBufferWriter<byte> GetBufferWriter()
    {
        ThrowIfCompleted();
        if (_length == UnknownLength)
        {
            return _buffer ??= new PooledBuffer();
        }

        if (!_direct)
        {
            _direct = true;
            WriteHeader(_length, compressed: false);
        }

        return this;
    }

    public override void Complete(byte[] payload)
    {
        ArgumentNullException.ThrowIfNull(payload);
        ThrowIfCompleted();
        if (_buffer is not null || _direct)
        {
            throw new InvalidOperationException("The payload is already being written.");
        }

        _completed = true;
        WriteWhole(payload);
    }

    public override void Complete()
    {
        ThrowIfCompleted();
        _completed = true;
        if (_length == UnknownLength)
        {
            WriteWhole(_buffer is null ? default : _buffer.Written.Span);
        }
        else if (!_direct)
        {
            // Nothing was written: right only for an empty message.
            _direct = true;
            WriteHeader(_length, compressed: false);
        }
    }

    void IBufferWriter<byte>.Advance(int count)
    {
        _written += count;
        _output.Advance(count);
    }

    Memory<byte> IBufferWriter<byte>.GetMemory(int sizeHint) => _output.GetMemory(sizeHint);

    Span<byte> IBufferWriter<byte>.GetSpan(int sizeHint) => _output.GetSpan(sizeHint);

    private void Begin(PipeWriter output, MethodSettings settings, bool compress)
    {
        _output = output;
        _settings = settings;
        _compress = compress;
        _completed = false;
        _direct = false;
        _length = UnknownLength;
        _written = 0;
    }

    private void Reset()
    {
        _buffer?.Dispose();
        _buffer = null;
        _output = null!;
        _settings = null!;
    }

    private void CheckComplete()
    {
        if (!_completed)
        {
            throw new InvalidOperationException("The serializer did not complete the payload.");
        }

        if (_direct && _written != _length)
        {
            throw new InvalidOperationException($"The serializer wrote {_written} bytes and had said {_length}.");
        }
    }

    private void ThrowIfCompleted()
    {
        if (_completed)
        {
            throw new InvalidOperationException("The payload has been completed already.");
        }
    }

    private void CheckLimit(long length)
    {
        if (length > _settings.SendBytesMax)
        {
            throw GrpcErrors.SentTooLarge(length, _settings.SendBytesMax);
        }
    }

    private void WriteHeader(int length, bool compressed)
    {
        var span = _output.GetSpan(length <= ContiguousBytesMax ? MessageFrame.HeaderBytes + length : MessageFrame.HeaderBytes);
        MessageFrame.WriteHeader(span, compressed, length);
        _output.Advance(MessageFrame.HeaderBytes);
    }

    private void WriteWhole(ReadOnlySpan<byte> payload)
    {
        if (!_compress)
        {
            CheckLimit(payload.Length);
            WriteHeader(payload.Length, compressed: false);
            _output.Write(payload);
            return;
        }

        using var compressed = GzipCodec.Compress(payload, _settings.CompressionLevel);
        CheckLimit(compressed.WrittenCount);
        WriteHeader(compressed.WrittenCount, compressed: true);
        _output.Write(compressed.Written.Span);
    }
}
