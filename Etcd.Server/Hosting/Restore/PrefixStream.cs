using Etcd.Server.Io;

namespace Etcd.Server.Hosting.Restore;

/// <summary>The first bytes of a file, for reading. Does not dispose the file.</summary>
internal sealed class PrefixStream(IDataFile file, long length) : Stream
{
    private long _position;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => length;

    public override long Position
    {
        get => _position;
        set => _position = value;
    }

    public override int Read(Span<byte> buffer)
    {
        int wanted = (int)Math.Min(buffer.Length, Math.Max(0, length - _position));
        int read = file.ReadAt(buffer[..wanted], _position);
        _position += read;
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override long Seek(long offset, SeekOrigin origin) => _position = offset + origin switch
    {
        SeekOrigin.Current => _position,
        SeekOrigin.End => length,
        _ => 0,
    };

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }
}
