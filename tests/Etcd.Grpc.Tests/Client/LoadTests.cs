using System.Security.Cryptography;
using Grpc.Core;
using Grpc.Net.Client;

namespace Etcd.Grpc.Tests.Client;

/// <summary>Goal: many streams, long messages and slow readers neither stall nor lose anything.</summary>
public sealed class LoadTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(2);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_thousand_streams_run_at_once_over_connections_of_a_hundred_streams()
    {
        const int Streams = 1000;
        var arrived = 0;
        var all = new TaskCompletionSource();
        await using var server = await OddServer.StartAsync(
            async context =>
            {
                context.StartGrpc();
                if (Interlocked.Increment(ref arrived) == Streams)
                    all.SetResult();

                // No stream ends before all have begun, so they cannot have shared a connection one after the other.
                await all.Task;
                await CallKindsTests.EchoAsync(context);
            },
            kestrel => kestrel.Limits.Http2.MaxStreamsPerConnection = 100);
        using var channel = server.Connect();

        var calls = await Task.WhenAll(Enumerable.Range(0, Streams).Select(i => EchoOnceAsync(channel, $"{i}"))).WaitAsync(_patience, Token);

        Assert.Equal(Enumerable.Range(0, Streams).Select(i => $"{i}"), calls);
    }

    [Fact]
    public async Task A_thousand_streams_run_at_once_over_one_connection()
    {
        const int Streams = 1000;
        var connections = new HashSet<string>();
        await using var server = await OddServer.StartAsync(
            context =>
            {
                lock (connections)
                    connections.Add(context.Connection.Id);
                return CallKindsTests.EchoAsync(context);
            },
            kestrel => kestrel.Limits.Http2.MaxStreamsPerConnection = int.MaxValue);
        using var channel = server.Connect(options => options.HttpHandler = new SocketsHttpHandler());

        var calls = await Task.WhenAll(Enumerable.Range(0, Streams).Select(i => EchoOnceAsync(channel, $"{i}"))).WaitAsync(_patience, Token);

        Assert.Equal(Streams, calls.Distinct().Count());
        Assert.Single(connections);
    }

    [Fact]
    public async Task A_message_of_10_MiB_goes_both_ways()
    {
        await using var server = await OddServer.StartAsync(async context =>
        {
            var (_, payload) = (await context.ReadMessageAsync())!.Value;
            context.StartGrpc();
            await context.Response.Body.WriteAsync(Wire.Frame(payload));
            context.EndGrpc();
        });
        using var channel = server.Connect(options => options.MaxReceiveMessageSize = null);
        var request = RandomNumberGenerator.GetBytes(10 << 20);

        var response = await channel.CreateCallInvoker().AsyncUnaryCall(TextService.UnaryBytes, null, default, request);

        Assert.True(request.AsSpan().SequenceEqual(response));
    }

    [Fact]
    public async Task A_reader_that_pauses_holds_the_server_and_gets_everything_afterwards()
    {
        const int Messages = 200;
        const int Length = 256 * 1024;
        var written = 0;
        await using var server = await OddServer.StartAsync(async context =>
        {
            context.StartGrpc();
            for (var i = 0; i < Messages; i++)
            {
                var payload = new byte[Length];
                payload.AsSpan().Fill((byte)i);
                await context.Response.Body.WriteAsync(Wire.Frame(payload));
                Interlocked.Increment(ref written);
            }

            context.EndGrpc();
        });
        using var channel = server.Connect();
        using var call = channel.CreateCallInvoker().AsyncDuplexStreamingCall(TextService.DuplexBytes, null, default);
        Assert.True(await call.ResponseStream.MoveNext(Token));

        // The pause lasts until the server stands still; it has 50 MiB to write and the windows are far smaller.
        var before = -1;
        while (before != Volatile.Read(ref written))
        {
            before = Volatile.Read(ref written);
            await Task.Delay(200, Token);
        }

        Assert.InRange(before, 0, Messages - 1);
        for (var i = 1; i < Messages; i++)
        {
            Assert.True(await call.ResponseStream.MoveNext(Token));
            Assert.Equal(Length, call.ResponseStream.Current.Length);
            Assert.Equal((byte)i, call.ResponseStream.Current[^1]);
        }

        Assert.False(await call.ResponseStream.MoveNext(Token));
    }

    [Fact]
    public async Task A_server_that_reads_slowly_holds_the_writer()
    {
        var proceed = new TaskCompletionSource();
        await using var server = await OddServer.StartAsync(async context =>
        {
            await proceed.Task;
            var total = 0L;
            while (await context.ReadMessageAsync() is { } message)
                total += message.Payload.Length;
            await context.AnswerAsync($"{total}");
        });
        using var channel = server.Connect();
        using var call = channel.CreateCallInvoker().AsyncClientStreamingCall(
            new Method<byte[], string>(
                MethodType.ClientStreaming, "test.Bytes", "Sum", TextService.DuplexBytes.RequestMarshaller, Marshallers.StringMarshaller),
            null, default);

        var writes = WriteAsync(call.RequestStream, count: 64, length: 256 * 1024);
        Assert.False(writes.IsCompleted);
        proceed.SetResult();
        await writes;

        Assert.Equal($"{64 * 256 * 1024}", await call);
    }

    [Fact]
    public async Task Random_messages_survive_random_cuts_of_the_response()
    {
        var seed = Environment.GetEnvironmentVariable("ETCD_TEST_SEED") is { } given
            ? int.Parse(given, System.Globalization.CultureInfo.InvariantCulture)
            : Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"ETCD_TEST_SEED={seed}");
        var random = new Random(seed);
        var messages = Enumerable.Range(0, 200).Select(_ => RandomBytes(random, random.Next(5) == 0 ? 100_000 : 300)).ToList();
        await using var server = await OddServer.StartAsync(async context =>
        {
            context.StartGrpc();
            var body = messages.SelectMany(message => Wire.Frame(message)).ToArray();
            for (var at = 0; at < body.Length;)
            {
                var length = Math.Min(random.Next(1, 20_000), body.Length - at);
                await context.Response.Body.WriteAsync(body.AsMemory(at, length));
                await context.Response.Body.FlushAsync();
                at += length;
            }

            context.EndGrpc();
        });
        using var channel = server.Connect();
        using var call = channel.CreateCallInvoker().AsyncDuplexStreamingCall(TextService.DuplexBytes, null, default);

        var received = await call.ResponseStream.ReadAllAsync(Token).ToListAsync(Token);

        Assert.Equal(messages, received);
    }

    private static byte[] RandomBytes(Random random, int maxLength)
    {
        var bytes = new byte[random.Next(maxLength)];
        random.NextBytes(bytes);
        return bytes;
    }

    private static async Task WriteAsync(IClientStreamWriter<byte[]> stream, int count, int length)
    {
        for (var i = 0; i < count; i++)
            await stream.WriteAsync(new byte[length], Token);
        await stream.CompleteAsync();
    }

    private static async Task<string> EchoOnceAsync(GrpcChannel channel, string text)
    {
        using var call = channel.CallDuplex();
        await call.RequestStream.WriteAsync(text, Token);
        Assert.True(await call.ResponseStream.MoveNext(Token));
        var answer = call.ResponseStream.Current;
        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext(Token));
        return answer;
    }
}
