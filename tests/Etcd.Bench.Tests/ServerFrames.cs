using System.Buffers.Binary;
using Etcd.Bench.Http2;

namespace Etcd.Bench.Tests;

/// <summary>Builds the bytes that a server would send, written out by hand so that no code under test makes them.</summary>
internal sealed class ServerFrames
{
    // :status 200; content-type: application/grpc as a literal that enters the table.
    public const string ResponseHeaders = "885f106170706c69636174696f6e2f67727063";

    // grpc-status: 0 as a literal with incremental indexing and a new name, both Huffman-coded.
    public const string OkTrailers = "40889acac8b21234da8f8107";

    private readonly List<byte> _bytes = [];

    public byte[] ToArray() => [.. _bytes];

    public ServerFrames Frame(FrameType type, byte flags, int streamId, ReadOnlySpan<byte> payload)
    {
        Span<byte> header = stackalloc byte[9];
        BinaryPrimitives.WriteInt32BigEndian(header, payload.Length << 8);
        header[3] = (byte)type;
        header[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(header[5..], streamId);
        _bytes.AddRange(header);
        _bytes.AddRange(payload);
        return this;
    }

    public ServerFrames Frame(FrameType type, byte flags, int streamId, string payload = "") =>
        Frame(type, flags, streamId, Convert.FromHexString(payload));

    public ServerFrames Settings(string payload = "") => Frame(FrameType.Settings, 0, 0, payload);

    public ServerFrames Response(int streamId, string message = "0000000002abcd", string trailers = OkTrailers) =>
        Frame(FrameType.Headers, FrameHeader.EndHeaders, streamId, ResponseHeaders)
            .Frame(FrameType.Data, 0, streamId, message)
            .Frame(FrameType.Headers, FrameHeader.EndHeaders | FrameHeader.EndStream, streamId, trailers);
}
