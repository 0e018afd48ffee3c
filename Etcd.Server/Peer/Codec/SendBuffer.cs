using System.Buffers;

namespace Etcd.Server.Peer.Codec;

/// <summary>
/// Bytes in one pooled array that grows: what is encoded for a stream before it is written at once. Not thread safe; its
/// owner gives the array back with <see cref="Dispose"/>.
/// </summary>
internal sealed class SendBuffer : IDisposable
{
    /// <summary>A larger array is not kept between two batches.</summary>
    private const int KeptBytesMax = 1024 * 1024;

    private byte[] _bytes = [];

    /// <summary>How many bytes were written.</summary>
    public int Length { get; private set; }

    /// <summary>What was written; valid until the next write.</summary>
    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, Length);

    /// <summary>Room for that many bytes at the end; to be followed by <see cref="Advance"/>.</summary>
    public Span<byte> Reserve(int count)
    {
        if (_bytes.Length - Length < count)
        {
            Grow(count);
        }

        return _bytes.AsSpan(Length);
    }

    /// <summary>So many of the reserved bytes were written.</summary>
    public void Advance(int count) => Length += count;

    /// <summary>Forgets what was written.</summary>
    public void Clear()
    {
        Length = 0;
        if (_bytes.Length > KeptBytesMax)
        {
            Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Length = 0;
        byte[] bytes = Interlocked.Exchange(ref _bytes, []);
        if (bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private void Grow(int count)
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(checked(Length + count), Math.Max(4096, (int)Math.Min(2L * _bytes.Length, Array.MaxLength))));
        _bytes.AsSpan(0, Length).CopyTo(larger);
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
        }

        _bytes = larger;
    }
}
