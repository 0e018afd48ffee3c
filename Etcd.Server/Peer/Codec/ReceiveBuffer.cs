using System.Buffers;

namespace Etcd.Server.Peer.Codec;

/// <summary>
/// What has arrived on a stream and is not yet taken, in one pooled array. It grows with what arrives, never by a length that
/// a peer names. Not thread safe.
/// </summary>
internal sealed class ReceiveBuffer : IDisposable
{
    private const int FirstBytes = 16 * 1024;
    private const int KeptBytesMax = 1024 * 1024;

    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(FirstBytes);
    private int _start;
    private int _end;

    /// <summary>What was received and not taken.</summary>
    public ReadOnlySpan<byte> Received => _bytes.AsSpan(_start, _end - _start);

    /// <summary>Room for what arrives next; never empty.</summary>
    public Memory<byte> Free()
    {
        if (_start == _end)
        {
            _start = _end = 0;
            if (_bytes.Length > KeptBytesMax)
            {
                Replace(FirstBytes);
            }
        }

        if (_end == _bytes.Length)
        {
            MakeRoom();
        }

        return _bytes.AsMemory(_end);
    }

    /// <summary>So many bytes have arrived.</summary>
    public void Advance(int count) => _end += count;

    /// <summary>So many of the received bytes are done with.</summary>
    public void Take(int count) => _start += count;

    /// <inheritdoc/>
    public void Dispose()
    {
        byte[] bytes = Interlocked.Exchange(ref _bytes, []);
        _start = _end = 0;
        if (bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private void MakeRoom()
    {
        // What is half taken is moved to the front; what fills the array gets one of twice the size.
        if (_start >= _bytes.Length / 2)
        {
            Received.CopyTo(_bytes);
            _end -= _start;
            _start = 0;
        }
        else
        {
            Replace((int)Math.Min(2L * _bytes.Length, Array.MaxLength));
        }
    }

    private void Replace(int size)
    {
        byte[] other = ArrayPool<byte>.Shared.Rent(size);
        Received.CopyTo(other);
        ArrayPool<byte>.Shared.Return(_bytes);
        _end -= _start;
        _start = 0;
        _bytes = other;
    }
}
