using System.Buffers.Binary;
using System.Buffers.Text;
using System.Text;
using Etcd.Bench.Http2.Hpack;

namespace Etcd.Bench.Http2;

/// <summary>
/// One unary gRPC call at a time: a client of the load. The object is used again for each of its calls. Its owner sets
/// <see cref="Message"/> and leaves it alone until the call has completed.
/// </summary>
internal class Call : IHeaderSink
{
    private const int MessagePrefixBytes = 5;
    private const int NoStatus = -1;

    private int _httpStatus;
    private int _grpcStatus;
    private string _grpcMessage = "";
    private byte _compressed;
    private uint _messageLength;
    private long _received;

    /// <summary>The request's gRPC message with its five-byte prefix.</summary>
    public byte[] Message { get; set; } = [];

    /// <summary>A response message shorter than this is an error: an empty answer must not pass for a fast one.</summary>
    public int ResponseBytesMin { get; set; }

    /// <summary>When the call should have started, in Stopwatch ticks.</summary>
    public long StartedAt { get; set; }

    public int StreamId { get; set; }

    /// <summary>Bytes of <see cref="Message"/> that are in the output buffer or beyond.</summary>
    public int Sent { get; set; }

    /// <summary>What the stream's flow control window still lets through.</summary>
    public long SendWindow { get; set; }

    public void Begin(int streamId, long sendWindow)
    {
        StreamId = streamId;
        SendWindow = sendWindow;
        Sent = 0;
        _httpStatus = NoStatus;
        _grpcStatus = NoStatus;
        _grpcMessage = "";
        _messageLength = 0;
        _compressed = 0;
        _received = 0;
    }

    public void OnHeader(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (name.SequenceEqual("grpc-status"u8))
            _grpcStatus = ParseNumber(value);
        else if (name.SequenceEqual(":status"u8))
            _httpStatus = ParseNumber(value);
        else if (!value.IsEmpty && name.SequenceEqual("grpc-message"u8))
            _grpcMessage = Uri.UnescapeDataString(Encoding.ASCII.GetString(value));
    }

    public void OnData(ReadOnlySpan<byte> data)
    {
        if (_received == 0 && data.Length >= MessagePrefixBytes)
        {
            _compressed = data[0];
            _messageLength = BinaryPrimitives.ReadUInt32BigEndian(data[1..]);
        }
        else
        {
            OnSplitPrefix(data);
        }
        _received += data.Length;
    }

    /// <summary>What is wrong with the answer now that the stream has ended, or null.</summary>
    public string? Verify()
    {
        if (_httpStatus != 200)
            return _httpStatus == NoStatus ? "no HTTP status" : $"HTTP status {_httpStatus}";
        if (_grpcStatus != 0)
            return _grpcStatus == NoStatus ? "no grpc-status" : $"grpc-status {_grpcStatus}: {_grpcMessage}";
        if (_received < MessagePrefixBytes || _received - MessagePrefixBytes != _messageLength)
            return $"not exactly one message: {_received} bytes of data, a length prefix of {_messageLength}";
        if (_compressed != 0)
            return "a compressed message that was not asked for";
        return _messageLength < ResponseBytesMin ? $"an answer of only {_messageLength} bytes" : null;
    }

    // A DATA frame may end anywhere, so also inside the prefix.
    private void OnSplitPrefix(ReadOnlySpan<byte> data)
    {
        for (int i = 0; i < data.Length && _received + i < MessagePrefixBytes; i++)
        {
            if (_received + i == 0)
                _compressed = data[i];
            else
                _messageLength = (_messageLength << 8) | data[i];
        }
    }

    private static int ParseNumber(ReadOnlySpan<byte> value) =>
        Utf8Parser.TryParse(value, out int number, out int used) && used == value.Length ? number : int.MaxValue;
}
