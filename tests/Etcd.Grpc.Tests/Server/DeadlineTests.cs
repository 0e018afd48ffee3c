using System.Diagnostics;

namespace Etcd.Grpc.Tests.Server;

/// <summary>The grpc-timeout header: all units, and what happens when the time is up.</summary>
public sealed class DeadlineTests
{
    [Theory]
    [InlineData("1H", 3600_000)]
    [InlineData("3M", 180_000)]
    [InlineData("12345678m", 12345_678)]
    [InlineData("30S", 30_000)]
    [InlineData("90000000u", 90_000)]
    [InlineData("99999999H", 40L * 86400_000)]
    public async Task The_handler_sees_the_deadline(string timeout, long milliseconds)
    {
        await using var host = await TestHost.StartAsync();
        var left = TimeSpan.Zero;
        host.Service.Unary = (request, context) =>
        {
            Assert.False(context.CancellationToken.IsCancellationRequested);
            left = context.Deadline - DateTime.UtcNow;
            return Task.FromResult(request);
        };

        var reply = await host.CallAsync("Unary", [], ("grpc-timeout", timeout));

        Assert.Equal("0", reply.Status);
        Assert.InRange(left.TotalMilliseconds, milliseconds - 20_000, milliseconds + 1);
    }

    [Theory]
    [InlineData("5")]
    [InlineData("S")]
    [InlineData("123456789S")]
    [InlineData("-1S")]
    [InlineData("1.5S")]
    [InlineData("5s")]
    public async Task A_malformed_timeout_is_refused(string timeout)
    {
        await using var host = await TestHost.StartAsync();

        var reply = await host.CallAsync("Unary", [], ("grpc-timeout", timeout));

        Assert.Equal(("13", $"malformed grpc-timeout: {timeout}"), (reply.Status, reply.Message));
    }

    [Fact]
    public async Task A_handler_that_heeds_its_token_ends_as_DeadlineExceeded()
    {
        await using var host = await TestHost.StartAsync();
        host.Service.Unary = async (request, context) =>
        {
            await Task.Delay(Timeout.Infinite, context.CancellationToken);
            return request;
        };

        var reply = await host.CallAsync("Unary", [], ("grpc-timeout", "50m"));

        Assert.Equal(("4", "context deadline exceeded"), (reply.Status, reply.Message));
    }

    [Fact]
    public async Task A_handler_that_heeds_nothing_does_not_keep_the_client_waiting()
    {
        await using var host = await TestHost.StartAsync();
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        host.Service.Unary = async (request, _) =>
        {
            await gate.Task;
            done.TrySetResult();
            return request;
        };

        var reply = await host.CallAsync("Unary", [], ("grpc-timeout", "20000u"));
        Assert.Equal("4", reply.Status);

        gate.SetResult();
        await done.Task;
        Assert.Equal("0", (await host.CallAsync("Unary", [])).Status);
    }

    [Fact]
    public async Task A_stream_ends_with_DeadlineExceeded_in_its_trailers()
    {
        await using var host = await TestHost.StartAsync();
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var late = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        host.Service.ServerStream = async (request, responses, context) =>
        {
            await responses.WriteAsync(request);
            await gate.Task;
            late.SetResult(await StreamingCallTests.WriteFailureAsync(responses));
        };

        var reply = await host.CallAsync("ServerStream", [1], ("grpc-timeout", "300m"));

        Assert.Single(reply.Messages);
        Assert.Equal("4", reply.Trailer("grpc-status"));
        gate.SetResult();
        Assert.IsType<InvalidOperationException>(await late.Task);
    }

    [Fact]
    public async Task A_client_that_never_sends_its_request_meets_its_deadline()
    {
        await using var host = await TestHost.StartAsync();
        await using var call = new StreamingExchange(host.Client, "/test.Blobs/Unary", ("grpc-timeout", "50m"));

        var end = await call.EndAsync();

        Assert.Equal("4", end.Status);
    }

    [Fact]
    public async Task A_slow_readers_stream_is_reset_at_the_deadline_and_the_connection_lives_on()
    {
        await using var host = await TestHost.StartAsync();
        var ended = new TaskCompletionSource<TimeSpan>(TaskCreationOptions.RunContinuationsAsynchronously);
        host.Service.ServerStream = async (_, responses, context) =>
        {
            var watch = Stopwatch.StartNew();
            try
            {
                while (!context.CancellationToken.IsCancellationRequested)
                {
                    await responses.WriteAsync(new Blob(new byte[1 << 18]));
                }
            }
            finally
            {
                ended.SetResult(watch.Elapsed);
            }
        };

        await using var call = new StreamingExchange(host.Client, "/test.Blobs/ServerStream", ("grpc-timeout", "300m"));
        await call.SendAsync([]);
        call.CompleteRequests();

        await ended.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal("0", (await host.CallAsync("Unary", [1])).Status);
    }
}
