namespace Etcd.Bench.Http2;

/// <summary>
/// A queue of bytes in one array that is reused for the life of a connection: written at the end, taken from the front.
/// It grows when it must and never shrinks. Spans it hands out hold until the next write. Not thread-safe.
/// </summary>
internal sealed class ByteBuffer(int initialCapacity)
{
    private byte[] _bytes = new byte[initialCapacity];
    private int _start;
    private int _end;

    public int Length => _end - _start;

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(_start, Length);

    /// <summary>Room for at least <paramref name="sizeMin"/> bytes; <see cref="Commit"/> says how many were written.</summary>
    public Span<byte> Reserve(int sizeMin)
    {
        if (_bytes.Length - _end < sizeMin)
            MakeRoom(sizeMin);
        return _bytes.AsSpan(_end);
    }

    public void Commit(int count) => _end += count;

    public void Write(ReadOnlySpan<byte> source)
    {
        source.CopyTo(Reserve(source.Length));
        _end += source.Length;
    }

    public void Consume(int count)
    {
        _start += count;
        if (_start == _end)
            Clear();
    }

    public void Clear() => _start = _end = 0;

    private void MakeRoom(int sizeMin)
    {
        int length = Length;
        byte[] target = _bytes.Length - length >= sizeMin
            ? _bytes
            : new byte[Math.Max(_bytes.Length * 2, length + sizeMin)];
        _bytes.AsSpan(_start, length).CopyTo(target);
        _bytes = target;
        _start = 0;
        _end = length;
    }
}
