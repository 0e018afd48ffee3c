using System.Text;
using Grpc.Core;

namespace Etcd.Grpc.Tests.Server;

/// <summary>The three kinds of streaming calls over the wire.</summary>
public sealed class StreamingCallTests
{
    [Fact]
    public async Task A_server_stream_delivers_each_response_at_once()
    {
        await using var host = await TestHost.StartAsync();
        var gate = new SemaphoreSlim(0);
        host.Service.ServerStream = async (request, responses, context) =>
        {
            context.ResponseTrailers.Add("count", "3");
            for (var i = 0; i < 3; i++)
            {
                await gate.WaitAsync(context.CancellationToken);
                await responses.WriteAsync(new Blob([.. request.Bytes, (byte)i]));
            }
        };

        await using var call = new StreamingExchange(host.Client, "/test.Blobs/ServerStream");
        await call.SendAsync([7]);
        call.CompleteRequests();
        for (var i = 0; i < 3; i++)
        {
            gate.Release();
            Assert.Equal((byte[])[7, (byte)i], await call.ReceiveAsync());
        }

        var end = await call.EndAsync();
        Assert.Equal(("0", "3"), (end.Trailer("grpc-status"), end.Trailer("count")));
    }

    [Fact]
    public async Task A_client_stream_is_read_to_its_end()
    {
        await using var host = await TestHost.StartAsync();
        host.Service.ClientStream = async (requests, context) =>
        {
            var all = new List<byte>();
            while (await requests.MoveNext(context.CancellationToken))
            {
                all.AddRange(requests.Current.Bytes);
            }

            Assert.False(await requests.MoveNext(context.CancellationToken));
            return new Blob([.. all]);
        };

        await using var call = new StreamingExchange(host.Client, "/test.Blobs/ClientStream");
        foreach (var part in (string[])["a", "", "bc"])
        {
            await call.SendAsync(Encoding.UTF8.GetBytes(part));
        }

        call.CompleteRequests();
        Assert.Equal("abc", Encoding.UTF8.GetString(await call.ReceiveAsync()));
        Assert.Equal("0", (await call.EndAsync()).Status);
    }

    [Fact]
    public async Task A_duplex_stream_answers_while_the_client_still_sends()
    {
        await using var host = await TestHost.StartAsync();
        host.Service.Duplex = EchoAsync;

        await using var call = new StreamingExchange(host.Client, "/test.Blobs/Duplex");
        for (byte i = 0; i < 100; i++)
        {
            await call.SendAsync([i]);
            Assert.Equal((byte[])[i], await call.ReceiveAsync());
        }

        call.CompleteRequests();
        Assert.Equal("0", (await call.EndAsync()).Status);
    }

    [Fact]
    public async Task Several_messages_in_one_frame_and_one_message_in_many_frames_are_read_alike()
    {
        await using var host = await TestHost.StartAsync();
        host.Service.Duplex = EchoAsync;
        await using var call = new StreamingExchange(host.Client, "/test.Blobs/Duplex");

        await call.SendRawAsync([.. GrpcExchange.Frame([1]), .. GrpcExchange.Frame([2, 2]), .. GrpcExchange.Frame([])]);
        Assert.Equal((byte[])[1], await call.ReceiveAsync());
        Assert.Equal((byte[])[2, 2], await call.ReceiveAsync());
        Assert.Empty(await call.ReceiveAsync());
        foreach (var octet in GrpcExchange.Frame([3, 4, 5]))
        {
            await call.SendRawAsync([octet]);
        }

        Assert.Equal((byte[])[3, 4, 5], await call.ReceiveAsync());
    }

    [Fact]
    public async Task Buffered_responses_leave_with_the_next_that_is_not()
    {
        await using var host = await TestHost.StartAsync();
        host.Service.ServerStream = async (_, responses, _) =>
        {
            responses.WriteOptions = new WriteOptions(WriteFlags.BufferHint);
            await responses.WriteAsync(new Blob([1]));
            await responses.WriteAsync(new Blob([2]));
            responses.WriteOptions = null;
            await responses.WriteAsync(new Blob([3]));
        };

        var reply = await host.CallAsync("ServerStream", []);

        Assert.Equal([1, 2, 3], reply.Messages.Select(message => Assert.Single(message.Bytes)));
    }

    [Fact]
    public async Task An_error_after_responses_is_in_the_trailers()
    {
        await using var host = await TestHost.StartAsync();
        host.Service.ServerStream = async (_, responses, _) =>
        {
            await responses.WriteAsync(new Blob([1]));
            throw new RpcException(new Status(StatusCode.OutOfRange, "etcdserver: mvcc: required revision has been compacted"));
        };

        var reply = await host.CallAsync("ServerStream", []);

        Assert.Single(reply.Messages);
        Assert.Equal(("11", "etcdserver: mvcc: required revision has been compacted"), (reply.Trailer("grpc-status"), reply.Trailer("grpc-message")));
    }

    [Fact]
    public async Task Writes_must_not_overlap()
    {
        await using var host = await TestHost.StartAsync();
        var overlap = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        host.Service.ServerStream = async (_, responses, context) =>
        {
            // The client does not read, so a write has to wait sooner or later. One that waited for a moment only may be done
            // before the next begins; then the next is the one that waits, and the one after it is refused.
            Task write = Task.CompletedTask;
            Task next = Task.CompletedTask;
            while (!next.IsFaulted)
            {
                write = next;
                next = responses.WriteAsync(new Blob(new byte[1 << 20]), context.CancellationToken);
            }

            overlap.SetResult(await Record.ExceptionAsync(() => next));
            await write;
        };

        await using var call = new StreamingExchange(host.Client, "/test.Blobs/ServerStream");
        await call.SendAsync([]);
        call.CompleteRequests();

        Assert.IsType<InvalidOperationException>(await overlap.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_client_that_cancels_cancels_the_handlers_token_and_its_reads()
    {
        await using var host = await TestHost.StartAsync();
        var ended = new TaskCompletionSource<(bool Cancelled, Exception? Read)>(TaskCreationOptions.RunContinuationsAsynchronously);
        host.Service.Duplex = async (requests, responses, context) =>
        {
            await requests.MoveNext(CancellationToken.None);
            await responses.WriteAsync(requests.Current);
            var read = await ReadFailureAsync(requests);
            ended.SetResult((context.CancellationToken.IsCancellationRequested, read));
        };

        await using var call = new StreamingExchange(host.Client, "/test.Blobs/Duplex");
        await call.SendAsync([1]);
        await call.ReceiveAsync();
        call.Cancel();

        var (cancelled, failure) = await ended.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.True(cancelled);
        Assert.NotNull(failure);
    }

    [Fact]
    public async Task Nothing_can_be_written_after_the_client_has_cancelled()
    {
        await using var host = await TestHost.StartAsync();
        var ended = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        host.Service.ServerStream = async (_, responses, context) =>
        {
            await responses.WriteAsync(new Blob([1]));
            await Task.Delay(Timeout.Infinite, context.CancellationToken).ContinueWith(_ => { }, TaskScheduler.Default);
            ended.SetResult(await WriteFailureAsync(responses));
        };

        await using var call = new StreamingExchange(host.Client, "/test.Blobs/ServerStream");
        await call.SendAsync([]);
        call.CompleteRequests();
        await call.ReceiveAsync();
        call.Cancel();

        Assert.IsType<InvalidOperationException>(await ended.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        Assert.DoesNotContain(host.Log.Entries, entry => entry.Level >= Microsoft.Extensions.Logging.LogLevel.Error);
    }

    [Fact]
    public async Task A_thousand_streams_run_at_once_on_one_connection()
    {
        const int Streams = 1000;
        await using var host = await TestHost.StartAsync();
        var connections = new HashSet<string>();
        host.Service.Duplex = (requests, responses, context) =>
        {
            lock (connections)
            {
                connections.Add(context.Peer);
            }

            return EchoAsync(requests, responses, context);
        };

        var calls = Enumerable.Range(0, Streams).Select(_ => new StreamingExchange(host.Client, "/test.Blobs/Duplex")).ToArray();
        for (var round = 0; round < 3; round++)
        {
            await Task.WhenAll(calls.Select((call, i) => call.SendAsync(BitConverter.GetBytes((i * 10) + round))));
            var answers = await Task.WhenAll(calls.Select(call => call.ReceiveAsync()));
            Assert.Equal(Enumerable.Range(0, Streams).Select(i => (i * 10) + round), answers.Select(answer => BitConverter.ToInt32(answer)));
        }

        Assert.Single(connections);
        foreach (var call in calls)
        {
            call.CompleteRequests();
        }

        var ends = await Task.WhenAll(calls.Select(call => call.EndAsync()));
        Assert.All(ends, end => Assert.Equal("0", end.Status));
        foreach (var call in calls)
        {
            await call.DisposeAsync();
        }
    }

    internal static ValueTask<Exception?> WriteFailureAsync(IServerStreamWriter<Blob> responses) =>
        Record.ExceptionAsync(() => responses.WriteAsync(new Blob([1])));

    private static ValueTask<Exception?> ReadFailureAsync(IAsyncStreamReader<Blob> requests) =>
        Record.ExceptionAsync(() => requests.MoveNext(CancellationToken.None));

    internal static async Task EchoAsync(IAsyncStreamReader<Blob> requests, IServerStreamWriter<Blob> responses, ServerCallContext context)
    {
        while (await requests.MoveNext(context.CancellationToken))
        {
            await responses.WriteAsync(requests.Current);
        }
    }
}
