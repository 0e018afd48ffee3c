using System.Buffers.Binary;
using Etcd.Bench.Http2;

namespace Etcd.Bench.Tests;

/// <summary>
/// Goal: the session understands a server whatever way its bytes are cut, obeys its limits, and reports every failure.
/// Method: scripted server bytes; what the session sends is cut into frames again.
/// </summary>
public sealed class Http2SessionTests
{
    private const int PrefaceBytes = 24;
    private readonly Observer _observer = new();
    private readonly Http2Session _session;
    private readonly List<(FrameHeader Header, byte[] Payload)> _sent = [];
    private bool _prefaceSeen;

    public Http2SessionTests()
    {
        _session = new Http2Session(new RequestHeaders("localhost:2379", "/etcdserverpb.KV/Put"), _observer);
        _session.Start();
    }

    [Fact]
    public void A_conversation_cut_at_any_byte_gives_the_same_answers()
    {
        byte[] conversation = new ServerFrames()
            .Frame(FrameType.WindowUpdate, 0, 0, "00010000")
            .Response(1)
            .Frame(FrameType.Ping, 0, 0, "0102030405060708")
            .Frame((FrameType)0x2A, 0xFF, 0, "00")
            .Frame(FrameType.Headers, 0, 3, "88")
            .Frame(FrameType.Continuation, FrameHeader.EndHeaders, 3, ServerFrames.ResponseHeaders[2..])
            .Frame(FrameType.Data, FrameHeader.Padded, 3, "03" + "000000" + "000000")
            .Frame(FrameType.Data, 0, 3, "0001ff")
            .Frame(FrameType.Headers, FrameHeader.EndHeaders | FrameHeader.EndStream | FrameHeader.Padded | FrameHeader.HasPriority, 3,
                "01" + "0000000010" + "bf" + "00")
            .ToArray();

        for (int cut = 1; cut < conversation.Length; cut++)
        {
            var test = new Http2SessionTests();
            test.Receive(new ServerFrames().Settings("000300000064").ToArray());
            test.Submit();
            test.Submit();
            test.Receive(conversation[..cut]);
            test.Receive(conversation[cut..]);
            Assert.Equal([null, null], test._observer.Errors);
            Assert.Single(test.Sent(FrameType.Ping), frame => frame.Header.Has(FrameHeader.Ack) && frame.Payload is [1, 2, 3, 4, 5, 6, 7, 8]);
        }
    }

    [Fact]
    public void A_conversation_byte_by_byte_gives_the_same_answers()
    {
        Submit();
        foreach (byte next in new ServerFrames().Settings().Response(1).ToArray())
            Receive([next]);

        Assert.Equal([null], _observer.Errors);
        Assert.Equal(0, _session.CallsInFlight);
    }

    [Theory]
    [InlineData("0000000002abcd", "40889acac8b21234da8f023134", "grpc-status 14")]
    [InlineData("0000000003abcd", ServerFrames.OkTrailers, "not exactly one message")]
    [InlineData("00000000", ServerFrames.OkTrailers, "not exactly one message")]
    [InlineData("0100000002abcd", ServerFrames.OkTrailers, "compressed")]
    [InlineData("0000000000", ServerFrames.OkTrailers, "only 0 bytes")]
    [InlineData("0000000002abcd", "", "no grpc-status")]
    public void A_wrong_answer_is_an_error(string message, string trailers, string error)
    {
        Submit();
        Receive(new ServerFrames().Settings().ToArray());
        Receive(new ServerFrames().Response(1, message, trailers).ToArray());

        Assert.Contains(error, Assert.Single(_observer.Errors), StringComparison.Ordinal);
    }

    [Fact]
    public void A_trailers_only_error_keeps_its_message()
    {
        Submit();
        // grpc-status: 8, grpc-message: "too%20many", in one block.
        string block = "88" + "000b677270632d737461747573" + "0138" + "000c677270632d6d657373616765" + "0a746f6f2532306d616e79";
        Receive(new ServerFrames().Settings().ToArray());
        Receive(new ServerFrames()
            .Frame(FrameType.Headers, FrameHeader.EndHeaders | FrameHeader.EndStream, 1, block).ToArray());

        Assert.Equal(["grpc-status 8: too many"], _observer.Errors);
    }

    [Fact]
    public void A_status_that_is_not_200_is_an_error()
    {
        Submit();
        Receive(new ServerFrames().Settings().ToArray());
        Receive(new ServerFrames()
            .Frame(FrameType.Headers, FrameHeader.EndHeaders | FrameHeader.EndStream, 1, "8d").ToArray());

        Assert.Equal(["HTTP status 404"], _observer.Errors);
    }

    [Fact]
    public void Nothing_is_sent_before_the_servers_settings_and_then_no_more_streams_than_they_allow()
    {
        Submit();
        Submit();
        Submit();
        Assert.Empty(Sent(FrameType.Headers));

        Receive(new ServerFrames().Settings("000300000002").ToArray());
        Assert.Equal([1, 3], Sent(FrameType.Headers).Select(frame => frame.Header.StreamId));

        Receive(new ServerFrames().Response(3).ToArray());
        Assert.Equal([1, 3, 5], Sent(FrameType.Headers).Select(frame => frame.Header.StreamId));
        Assert.Contains(_sent, frame => frame.Header.Type == FrameType.Settings && frame.Header.Has(FrameHeader.Ack));
    }

    [Fact]
    public void A_message_waits_for_the_windows_and_goes_out_whole()
    {
        byte[] message = new byte[100_000];
        new Random(1).NextBytes(message);
        Submit(message);
        // 30000 per stream; the connection has its first 65535.
        Receive(new ServerFrames().Settings("000400007530").ToArray());
        Assert.Equal(30_000, SentData(1).Length);

        Receive(new ServerFrames().Frame(FrameType.WindowUpdate, 0, 1, "00020000").ToArray());
        Assert.Equal(65_535, SentData(1).Length);

        Receive(new ServerFrames().Frame(FrameType.WindowUpdate, 0, 0, "00020000").ToArray());
        Assert.Equal(message, SentData(1));
        Assert.All(Sent(FrameType.Data), frame => Assert.True(frame.Header.Length <= 16_384));
        Assert.True(Sent(FrameType.Data).Last().Header.Has(FrameHeader.EndStream));
        Assert.Single(Sent(FrameType.Data), frame => frame.Header.Has(FrameHeader.EndStream));
    }

    [Fact]
    public void The_connections_window_is_refilled()
    {
        Submit();
        Receive(new ServerFrames().Settings().ToArray());
        _ = Sent(FrameType.WindowUpdate);
        _sent.Clear();
        long received = 0;
        var data = new byte[16_384];
        while (received < 40_000_000)
        {
            Receive(new ServerFrames().Frame(FrameType.Data, 0, 1, data).ToArray());
            received += data.Length;
        }

        long refilled = Sent(FrameType.WindowUpdate).Sum(frame => BinaryPrimitives.ReadInt32BigEndian(frame.Payload));
        Assert.InRange(refilled, received - (1 << 25), received);
    }

    [Fact]
    public void Goaway_fails_the_calls_that_the_server_did_not_take_and_lets_the_others_end()
    {
        Submit();
        Submit();
        Receive(new ServerFrames().Settings().ToArray());
        Receive(new ServerFrames().Frame(FrameType.GoAway, 0, 0, "00000001" + "00000002" + "6f6f6d").ToArray());
        Assert.Equal(["GOAWAY with code 2 oom"], _observer.Errors);
        Assert.True(_session.Draining);

        Receive(new ServerFrames().Response(1).ToArray());
        Assert.Equal(["GOAWAY with code 2 oom", null], _observer.Errors);

        Submit();
        Assert.Contains("no more calls", _observer.Errors[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_reset_stream_fails_its_call_only()
    {
        Submit();
        Submit();
        Receive(new ServerFrames().Settings().ToArray());
        Receive(new ServerFrames().Frame(FrameType.ResetStream, 0, 1, "00000007").Response(3).ToArray());

        Assert.Equal(["RST_STREAM with code 7", null], _observer.Errors);
    }

    [Fact]
    public void A_lost_connection_fails_every_call_once()
    {
        Submit();
        Submit(new byte[100_000]);
        Receive(new ServerFrames().Settings().ToArray());
        _session.Abort("gone");

        Assert.Equal(["gone", "gone"], _observer.Errors);
    }

    [Fact]
    public void A_server_without_a_header_table_gets_literals()
    {
        Submit();
        Submit();
        Receive(new ServerFrames().Settings("000100000000").ToArray());

        Assert.All(Sent(FrameType.Headers), frame => Assert.True(frame.Payload.Length > 50));
        Assert.Equal(0x20, Sent(FrameType.Headers).First().Payload[0]);
    }

    [Theory]
    [InlineData((byte)FrameType.Data, 0, 1, "00", "before the server's settings")]
    [InlineData((byte)FrameType.Settings, 0, 0, "0001", "broken length")]
    public void Broken_beginnings_end_the_connection(byte type, byte flags, int streamId, string payload, string reason) =>
        AssertRefused(new ServerFrames().Frame((FrameType)type, flags, streamId, payload), reason);

    [Theory]
    [InlineData((byte)FrameType.PushPromise, 0, 1, "00000002", "PUSH_PROMISE")]
    [InlineData((byte)FrameType.Continuation, 4, 1, "88", "CONTINUATION")]
    [InlineData((byte)FrameType.Data, 8, 1, "05aabb", "padding")]
    [InlineData((byte)FrameType.Headers, 0x24, 1, "000000", "too short")]
    [InlineData((byte)FrameType.WindowUpdate, 0, 0, "00000000", "by nothing")]
    [InlineData((byte)FrameType.Ping, 0, 0, "00", "of 1 bytes")]
    [InlineData((byte)FrameType.GoAway, 0, 0, "00", "too short")]
    public void Broken_frames_end_the_connection(byte type, byte flags, int streamId, string payload, string reason)
    {
        Submit();
        Receive(new ServerFrames().Settings().ToArray());
        AssertRefused(new ServerFrames().Frame((FrameType)type, flags, streamId, payload), reason);
    }

    [Fact]
    public void A_frame_inside_a_header_block_ends_the_connection()
    {
        Submit();
        AssertRefused(
            new ServerFrames().Settings().Frame(FrameType.Headers, 0, 1, "88").Frame(FrameType.Ping, 0, 0, "0000000000000000"),
            "inside a header block");
    }

    private void AssertRefused(ServerFrames frames, string reason)
    {
        var exception = Assert.Throws<Http2ProtocolException>(() => Receive(frames.ToArray()));
        Assert.Contains(reason, exception.Message, StringComparison.Ordinal);
    }

    private void Submit(byte[]? message = null) =>
        _session.Submit(new Call { Message = message ?? [0, 0, 0, 0, 0], ResponseBytesMin = 1 });

    private void Receive(byte[] bytes)
    {
        _session.Input.Write(bytes);
        _session.Process();
    }

    private byte[] SentData(int streamId) =>
        [.. Sent(FrameType.Data).Where(frame => frame.Header.StreamId == streamId).SelectMany(frame => frame.Payload)];

    private IEnumerable<(FrameHeader Header, byte[] Payload)> Sent(FrameType type)
    {
        if (!_prefaceSeen)
            _session.Output.Consume(PrefaceBytes);
        _prefaceSeen = true;
        while (_session.Output.Length > 0)
        {
            FrameHeader header = FrameHeader.Read(_session.Output.Written);
            _sent.Add((header, _session.Output.Written.Slice(FrameHeader.Size, header.Length).ToArray()));
            _session.Output.Consume(FrameHeader.Size + header.Length);
        }
        return _sent.Where(frame => frame.Header.Type == type);
    }

    private sealed class Observer : ICallObserver
    {
        public List<string?> Errors { get; } = [];

        public void OnCompleted(Call call, string? error) => Errors.Add(error);
    }
}
