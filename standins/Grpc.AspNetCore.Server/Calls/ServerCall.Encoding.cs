using System.Buffers;
using Grpc.Core;

namespace Grpc.AspNetCore.Server.Calls;

// Compression: what the client sends, what it takes, what the service is set to.
internal sealed partial class ServerCall
{
    private const string Identity = "identity";

    private bool _requestCompressed;
    private bool _responseCompressed;

    private void CheckEncodings()
    {
        var encoding = Stream.Encoding;
        if (encoding is not null && encoding != Identity)
        {
            if (encoding != GzipCodec.Name)
            {
                Stream.AddHeader("grpc-accept-encoding", "identity,gzip");
                throw GrpcErrors.UnknownEncoding(encoding);
            }

            _requestCompressed = true;
        }

        if (Settings.Compress && Accepts(Stream.AcceptEncoding))
        {
            _responseCompressed = true;
            Stream.AddHeader("grpc-encoding", GzipCodec.Name);
        }
    }

    private static bool Accepts(string? acceptEncoding)
    {
        foreach (var range in acceptEncoding.AsSpan().Split(','))
        {
            if (acceptEncoding.AsSpan(range).Trim().SequenceEqual(GzipCodec.Name))
            {
                return true;
            }
        }

        return false;
    }

    private T Deserialize<T>(in MessageFrame frame, Func<DeserializationContext, T> deserializer)
    {
        if (!frame.Compressed)
        {
            return PayloadContext.Deserialize(frame.Payload, deserializer);
        }

        if (!_requestCompressed)
        {
            throw GrpcErrors.CompressedWithoutEncoding();
        }

        using var message = GzipCodec.Decompress(frame.Payload, Settings.ReceiveBytesMax);
        return PayloadContext.Deserialize(new ReadOnlySequence<byte>(message.Written), deserializer);
    }
}
