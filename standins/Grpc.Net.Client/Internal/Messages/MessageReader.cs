using System.Buffers;
using System.Buffers.Binary;
using Grpc.Core;
using Grpc.Net.Compression;

namespace Grpc.Net.Client.Internal.Messages;

/// <summary>
/// Cuts a response body into messages in a pooled buffer and hands each to the deserializer in place. It holds no buffer
/// while it waits for the first byte of a message: a pool has few for the thousands of calls and streams that may wait. One
/// reader at a time. A message that is longer than allowed, or broken, fails with <see cref="RpcException"/>.
/// </summary>
/// <remarks>
/// The buffer holds, from the message that is being looked at, whatever has arrived:
/// <c>consumed | prefix (5) | payload | next prefix ...| free</c>.
/// </remarks>
internal sealed class MessageReader(Stream body, ICompressionProvider? compression, string? encoding, ChannelSettings settings)
    : DeserializationContext
{
    private const int PrefixLength = MessageWriter.PrefixLength;
    private const int FirstBufferLength = 4096;

    // Beyond this a length is trusted only as the bytes arrive.
    private const int TrustedLength = 1024 * 1024;

    private byte[] _buffer = [];
    private int _start;
    private int _end;
    private byte[]? _decompressed;
    private int _decompressedLength;
    private int _payloadLength;
    private bool _hasMessage;

    public override int PayloadLength => _decompressed is null ? _payloadLength : _decompressedLength;

    public override ReadOnlySequence<byte> PayloadAsReadOnlySequence() => _decompressed is null
        ? new ReadOnlySequence<byte>(_buffer, _start + PrefixLength, _payloadLength)
        : new ReadOnlySequence<byte>(_decompressed, 0, _decompressedLength);

    /// <summary>Goes to the next message where all of it has arrived.</summary>
    public bool TryMoveNext()
    {
        Consume();
        return TryTakeMessage();
    }

    /// <summary>Goes to the next message; false at the end of the body.</summary>
    public async ValueTask<bool> MoveNextAsync(CancellationToken cancellationToken)
    {
        Consume();
        while (!TryTakeMessage())
        {
            if (_start == _end)
                await WaitForDataAsync(cancellationToken).ConfigureAwait(false);
            EnsureFree();
            var count = await body.ReadAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
            if (count == 0)
                return _start == _end ? false : throw Broken("The response ended inside a message.");
            _end += count;
        }

        return true;
    }

    /// <summary>Gives the buffers back. No read may run, and none may follow.</summary>
    public void Release()
    {
        ReleaseDecompressed();
        ReleaseBuffer();
        _start = _end = 0;
        _hasMessage = false;
    }

    private static RpcException Broken(string detail) => new(new Status(StatusCode.Internal, detail));

    private static RpcException TooLarge() => new(new Status(
        StatusCode.ResourceExhausted, "Received message exceeds the maximum configured message size."));

    private bool TryTakeMessage()
    {
        if (!TryReadLength(out var length) || _end - _start - PrefixLength < length)
            return false;
        _payloadLength = length;
        _hasMessage = true;
        if (_buffer[_start] == 1)
            Decompress();
        return true;
    }

    private bool TryReadLength(out int length)
    {
        length = 0;
        if (_end - _start < PrefixLength)
            return false;
        if (_buffer[_start] > 1)
            throw Broken("The compressed flag of a message is neither 0 nor 1.");
        var value = BinaryPrimitives.ReadUInt32BigEndian(_buffer.AsSpan(_start + 1));
        if (value > (uint)settings.MaxReceiveMessageSize || value > Array.MaxLength - PrefixLength)
            throw TooLarge();
        length = (int)value;
        return true;
    }

    private void Consume()
    {
        if (!_hasMessage)
            return;
        _hasMessage = false;
        ReleaseDecompressed();
        _start += PrefixLength + _payloadLength;
        if (_start == _end)
            _start = _end = 0;
    }

    // A read of nothing waits until there is something, or gives up at once where a stream does not know such reads. What has
    // arrived already, which is the rule after the first message, is read into the buffer that is there.
    private ValueTask<int> WaitForDataAsync(CancellationToken cancellationToken)
    {
        var ready = body.ReadAsync(Memory<byte>.Empty, cancellationToken);
        if (!ready.IsCompleted)
            ReleaseBuffer();
        return ready;
    }

    private void ReleaseBuffer()
    {
        if (_buffer.Length != 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    // Room for at least one more byte, and for the whole message where its length is known and can be trusted.
    private void EnsureFree()
    {
        var present = _end - _start;
        var wanted = TryReadLength(out var length)
            ? Math.Min(PrefixLength + length, Math.Max(TrustedLength, (int)Math.Min(2L * present, Array.MaxLength)))
            : PrefixLength;
        if (_buffer.Length - _start >= wanted && _end < _buffer.Length)
            return;
        if (_buffer.Length >= wanted && present < _buffer.Length)
        {
            _buffer.AsSpan(_start, present).CopyTo(_buffer);
        }
        else
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(wanted, FirstBufferLength));
            _buffer.AsSpan(_start, present).CopyTo(larger);
            if (_buffer.Length != 0)
                ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }

        _start = 0;
        _end = present;
    }

    private void Decompress()
    {
        if (encoding is null or "identity")
            throw Broken("A message is compressed, but the response has no grpc-encoding.");
        if (compression is null)
            throw new RpcException(new Status(
                StatusCode.Unimplemented,
                $"Unsupported grpc-encoding value '{encoding}'. Supported encodings: {settings.AcceptEncoding}"));
        using var source = new MemoryStream(_buffer, _start + PrefixLength, _payloadLength, writable: false);
        using var stream = compression.CreateDecompressionStream(source);
        _decompressedLength = 0;
        _decompressed = ArrayPool<byte>.Shared.Rent(Math.Max(FirstBufferLength, (int)Math.Min(TrustedLength, 4L * _payloadLength)));
        int count;
        while ((count = stream.Read(_decompressed, _decompressedLength, _decompressed.Length - _decompressedLength)) > 0)
            TakeDecompressed(count);
    }

    private void TakeDecompressed(int count)
    {
        _decompressedLength += count;
        if (_decompressedLength > settings.MaxReceiveMessageSize)
            throw TooLarge();
        if (_decompressedLength < _decompressed!.Length)
            return;
        var larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(Array.MaxLength, 2L * _decompressedLength));
        _decompressed.AsSpan(0, _decompressedLength).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_decompressed);
        _decompressed = larger;
    }

    private void ReleaseDecompressed()
    {
        if (_decompressed is null)
            return;
        ArrayPool<byte>.Shared.Return(_decompressed);
        _decompressed = null;
    }
}
