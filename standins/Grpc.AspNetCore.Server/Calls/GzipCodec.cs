using System.Buffers;
using System.IO.Compression;

namespace Grpc.AspNetCore.Server.Calls;

/// <summary>Compresses and decompresses single messages. The result is in a pooled buffer which the caller disposes.</summary>
internal static class GzipCodec
{
    public const string Name = "gzip";

    public static PooledBuffer Compress(ReadOnlySpan<byte> message, CompressionLevel level)
    {
        var target = new PooledBuffer();
        using (var gzip = new GZipStream(new BufferStream(target), level, leaveOpen: false))
        {
            gzip.Write(message);
        }

        return target;
    }

    /// <exception cref="Grpc.Core.RpcException">The bytes are not gzip, or more than the limit comes out of them.</exception>
    public static PooledBuffer Decompress(in ReadOnlySequence<byte> message, long limit)
    {
        var target = new PooledBuffer();
        try
        {
            using var gzip = new GZipStream(new SequenceStream(message), CompressionMode.Decompress, leaveOpen: false);
            int count;
            while ((count = gzip.Read(target.GetSpan())) > 0)
            {
                target.Advance(count);
                if (target.WrittenCount > limit)
                {
                    throw GrpcErrors.DecompressedTooLarge(limit);
                }
            }

            return target;
        }
        catch (InvalidDataException broken)
        {
            target.Dispose();
            throw GrpcErrors.BrokenCompression(broken);
        }
        catch
        {
            target.Dispose();
            throw;
        }
    }

    private sealed class BufferStream(IBufferWriter<byte> target) : OneWayStream
    {
        public override bool CanWrite => true;

        public override void Write(ReadOnlySpan<byte> buffer) => target.Write(buffer);

        public override void Write(byte[] buffer, int offset, int count) => target.Write(buffer.AsSpan(offset, count));
    }

    private sealed class SequenceStream(ReadOnlySequence<byte> source) : OneWayStream
    {
        private ReadOnlySequence<byte> _rest = source;

        public override bool CanRead => true;

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            var count = (int)Math.Min(buffer.Length, _rest.Length);
            _rest.Slice(0, count).CopyTo(buffer);
            _rest = _rest.Slice(count);
            return count;
        }
    }

    private abstract class OneWayStream : Stream
    {
        public override bool CanRead => false;

        public override bool CanWrite => false;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
