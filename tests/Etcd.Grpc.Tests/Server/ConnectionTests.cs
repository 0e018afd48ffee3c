using System.Buffers.Binary;

namespace Etcd.Grpc.Tests.Server;

/// <summary>Broken frames, clients that vanish and clients that do not read: only they suffer from it.</summary>
public sealed class ConnectionTests
{
    private const int ProtocolError = 1;
    private const int FlowControlError = 3;
    private const int StreamClosed = 5;
    private const int FrameSizeError = 6;
    private const int CompressionError = 9;

    private static readonly byte Whole = RawConnection.EndHeaders;

    [Fact]
    public async Task A_call_by_hand_is_answered_with_headers_message_and_trailers()
    {
        await using var host = await TestHost.StartAsync();
        await using var connection = await RawConnection.OpenAsync(host);

        await connection.SendAsync(RawConnection.Headers, Whole, 1, RawConnection.CallHeaders("Unary"));
        await connection.SendAsync(RawConnection.Data, RawConnection.EndStream, 1, GrpcExchange.Frame([1, 2, 3]));

        var headers = await connection.ReceiveAsync();
        Assert.Equal((RawConnection.Headers, Whole, 1), (headers.Type, headers.Flags, headers.StreamId));
        var data = await connection.ReceiveAsync();
        Assert.Equal((RawConnection.Data, (byte)0), (data.Type, data.Flags));
        Assert.Equal(GrpcExchange.Frame([1, 2, 3]), data.Payload);
        var trailers = await connection.ReceiveAsync();
        Assert.Equal((RawConnection.Headers, (byte)(Whole | RawConnection.EndStream)), (trailers.Type, trailers.Flags));
    }

    public static TheoryData<string, byte, byte, int, byte[], int[]> BrokenFrames => new()
    {
        { "CONTINUATION without HEADERS", RawConnection.Continuation, 4, 1, [], [ProtocolError] },
        { "DATA on the connection", RawConnection.Data, 0, 0, [1], [ProtocolError] },
        { "DATA on an idle stream", RawConnection.Data, 0, 99, [1], [ProtocolError, StreamClosed] },
        { "HEADERS on an even stream", RawConnection.Headers, 5, 2, RawConnection.CallHeaders("Unary"), [ProtocolError] },
        { "HEADERS that are no HPACK", RawConnection.Headers, 5, 1, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [CompressionError] },
        { "SETTINGS of a wrong length", RawConnection.Settings, 0, 0, [1, 2, 3], [FrameSizeError] },
        { "RST_STREAM of a wrong length", RawConnection.RstStream, 0, 1, [1], [FrameSizeError] },
        { "WINDOW_UPDATE of nothing", RawConnection.WindowUpdate, 0, 0, [0, 0, 0, 0], [ProtocolError] },
        { "a frame above the limit", RawConnection.Data, 0, 1, new byte[20_000], [FrameSizeError] },
    };

    [Theory]
    [MemberData(nameof(BrokenFrames))]
    public async Task A_broken_frame_ends_its_connection_with_the_right_code(string what, byte type, byte flags, int streamId, byte[] payload, int[] codes)
    {
        await using var host = await TestHost.StartAsync();
        await using var connection = await RawConnection.OpenAsync(host);

        await connection.SendAsync(type, flags, streamId, payload);

        var code = await connection.GoAwayCodeAsync();
        Assert.True(code is not null && codes.Contains((int)code), $"{what}: GOAWAY code {code}");
        Assert.Equal("0", (await host.CallAsync("Unary", [])).Status);
    }

    [Fact]
    public async Task More_data_than_the_window_allows_is_a_flow_control_error()
    {
        await using var host = await TestHost.StartAsync();
        host.Service.ClientStream = async (_, context) =>
        {
            await Task.Delay(Timeout.Infinite, context.CancellationToken);
            return new Blob([]);
        };
        await using var connection = await RawConnection.OpenAsync(host);
        await connection.SendAsync(RawConnection.Headers, Whole, 1, RawConnection.CallHeaders("ClientStream"));

        var code = connection.GoAwayCodeAsync();
        try
        {
            for (var i = 0; i < 200 && !code.IsCompleted; i++)
            {
                await connection.SendAsync(RawConnection.Data, 0, 1, new byte[16_000]);
            }
        }
        catch (IOException)
        {
            // The server has closed the connection already.
        }

        Assert.Contains(await code, (uint?[])[FlowControlError, null]);
        Assert.Equal("0", (await host.CallAsync("Unary", [])).Status);
    }

    [Fact]
    public async Task Garbage_does_not_stop_the_server()
    {
        var seed = Environment.GetEnvironmentVariable("ETCD_TEST_SEED") is { } given ? int.Parse(given, System.Globalization.CultureInfo.InvariantCulture) : Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"ETCD_TEST_SEED={seed}");
        var random = new Random(seed);
        await using var host = await TestHost.StartAsync();

        for (var i = 0; i < 100; i++)
        {
            await using var connection = await RawConnection.OpenAsync(host);
            try
            {
                await connection.SendAsync(RawConnection.Headers, Whole, 1, RawConnection.CallHeaders("Duplex"));
                for (var frame = 0; frame < 5; frame++)
                {
                    var payload = new byte[random.Next(64)];
                    random.NextBytes(payload);
                    await connection.SendAsync((byte)random.Next(12), (byte)random.Next(256), random.Next(5), payload);
                }
            }
            catch (IOException)
            {
                // The server did not wait for the rest.
            }
        }

        Assert.Equal("0", (await host.CallAsync("Unary", [])).Status);
    }

    [Fact]
    public async Task A_client_that_vanishes_cancels_its_calls()
    {
        await using var host = await TestHost.StartAsync();
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        host.Service.Duplex = async (_, _, context) =>
        {
            begun.SetResult();
            await using var registration = context.CancellationToken.Register(ended.SetResult);
            await ended.Task;
        };
        var connection = await RawConnection.OpenAsync(host);
        await connection.SendAsync(RawConnection.Headers, Whole, 1, RawConnection.CallHeaders("Duplex"));
        await begun.Task;

        connection.Vanish();

        await ended.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal("0", (await host.CallAsync("Unary", [])).Status);
    }

    [Fact]
    public async Task A_reset_cancels_that_call_only()
    {
        await using var host = await TestHost.StartAsync();
        var ended = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        host.Service.Duplex = async (requests, responses, context) =>
        {
            await responses.WriteAsync(new Blob([1]));
            await Task.Delay(Timeout.Infinite, context.CancellationToken).ContinueWith(_ => { }, TaskScheduler.Default);
            ended.SetResult(context.RequestHeaders.GetValue("name")!);
        };
        await using var connection = await RawConnection.OpenAsync(host);
        await connection.SendAsync(RawConnection.Headers, Whole, 1, RawConnection.CallHeaders("Duplex", ("name", "one")));
        await connection.SendAsync(RawConnection.Headers, Whole, 3, RawConnection.CallHeaders("Duplex", ("name", "three")));
        for (var frames = 0; frames < 4; frames++)
        {
            await connection.ReceiveAsync();
        }

        await connection.SendAsync(RawConnection.RstStream, 0, 3, [0, 0, 0, 8]);

        Assert.Equal("three", await ended.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        await connection.SendAsync(RawConnection.Headers, Whole, 5, RawConnection.CallHeaders("Unary"));
        await connection.SendAsync(RawConnection.Data, RawConnection.EndStream, 5, GrpcExchange.Frame([]));
        Assert.Equal(5, (await connection.ReceiveAsync()).StreamId);
    }

    [Fact]
    public async Task A_slow_reader_delays_no_other_call_of_its_connection()
    {
        await using var host = await TestHost.StartAsync();
        var full = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        host.Service.ServerStream = async (_, responses, context) =>
        {
            while (true)
            {
                var write = responses.WriteAsync(new Blob(new byte[1 << 14]), context.CancellationToken);
                if (!write.IsCompleted)
                {
                    full.TrySetResult();
                }

                await write;
            }
        };
        await using var connection = await RawConnection.OpenAsync(host);

        // A window on the connection that one stream cannot fill: that stream's own is 65,535 bytes.
        var wider = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(wider, 1 << 20);
        await connection.SendAsync(RawConnection.WindowUpdate, 0, 0, wider);
        await connection.SendAsync(RawConnection.Headers, Whole, 1, RawConnection.CallHeaders("ServerStream"));
        await connection.SendAsync(RawConnection.Data, RawConnection.EndStream, 1, GrpcExchange.Frame([]));
        await full.Task;
        await connection.SendAsync(RawConnection.Headers, Whole, 3, RawConnection.CallHeaders("Unary"));
        await connection.SendAsync(RawConnection.Data, RawConnection.EndStream, 3, GrpcExchange.Frame([9]));

        var slow = 0;
        while (true)
        {
            var frame = await connection.ReceiveAsync();
            slow += frame.StreamId == 1 && frame.Type == RawConnection.Data ? frame.Payload.Length : 0;
            if (frame.StreamId == 3 && frame.Flags.HasBit(RawConnection.EndStream))
            {
                break;
            }
        }

        Assert.InRange(slow, 0, 65_535);
    }
}

internal static class Bits
{
    public static bool HasBit(this byte flags, byte bit) => (flags & bit) != 0;
}
