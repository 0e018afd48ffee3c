using Grpc.Core;

namespace Etcd.Grpc.Tests.Client;

/// <summary>Goal: the rules of writing and reading streams hold. Method: a hand-made server that holds back.</summary>
public sealed class RequestStreamRulesTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_second_write_or_a_completion_during_a_write_is_refused()
    {
        var proceed = new TaskCompletionSource();
        await using var server = await OddServer.StartAsync(async context =>
        {
            await proceed.Task;
            await CallKindsTests.EchoAsync(context);
        });
        using var channel = server.Connect(options => options.MaxReceiveMessageSize = null);
        using var call = channel.CreateCallInvoker().AsyncDuplexStreamingCall(TextService.DuplexBytes, null, default);

        // Longer than any window that the server has opened, so the write lasts until the server reads.
        var longWrite = call.RequestStream.WriteAsync(new byte[4 << 20], Token);
        var write = await Assert.ThrowsAsync<InvalidOperationException>(() => call.RequestStream.WriteAsync([1], Token));
        var complete = await Assert.ThrowsAsync<InvalidOperationException>(() => call.RequestStream.CompleteAsync());

        Assert.Equal("Can't write the message because the previous write is in progress.", write.Message);
        Assert.Equal("Can't complete the client stream writer because the previous write is in progress.", complete.Message);
        proceed.SetResult();
        await longWrite;
        Assert.True(await call.ResponseStream.MoveNext(Token));
        Assert.Equal(4 << 20, call.ResponseStream.Current.Length);
    }

    [Fact]
    public async Task A_write_after_the_completion_is_refused_and_a_second_completion_is_not()
    {
        await using var server = await OddServer.StartAsync(CallKindsTests.EchoAsync);
        using var channel = server.Connect();
        using var call = channel.CallDuplex();

        await call.RequestStream.CompleteAsync();
        await call.RequestStream.CompleteAsync();

        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => call.RequestStream.WriteAsync("late", Token));
        Assert.Equal("Request stream has already been completed.", failure.Message);
    }

    [Fact]
    public async Task A_second_read_during_a_read_is_refused()
    {
        await using var server = await OddServer.StartAsync(CallKindsTests.EchoAsync);
        using var channel = server.Connect();
        using var call = channel.CallDuplex();

        var first = call.ResponseStream.MoveNext(Token);
        await Assert.ThrowsAsync<InvalidOperationException>(() => call.ResponseStream.MoveNext(Token));
        await call.RequestStream.WriteAsync("x", Token);

        Assert.True(await first);
    }

    [Fact]
    public async Task A_write_after_the_server_refused_the_call_fails_with_the_servers_status()
    {
        await using var server = await OddServer.StartAsync(context =>
        {
            context.StartGrpc();
            context.Response.Headers["grpc-status"] = "7";
            context.Response.Headers["grpc-message"] = "not you";
            return Task.CompletedTask;
        });
        using var channel = server.Connect();
        using var call = channel.CallClientStreaming();
        var response = await TextService.FailsAsync(call.ResponseAsync);

        var write = await TextService.FailsAsync(call.RequestStream.WriteAsync("x", Token));

        Assert.Equal(StatusCode.PermissionDenied, response.StatusCode);
        Assert.Equal(StatusCode.PermissionDenied, write.StatusCode);
        Assert.Equal("not you", write.Status.Detail);
    }

    [Fact]
    public async Task Writes_to_a_server_that_ends_early_fail_with_its_status_and_never_hang()
    {
        await using var server = await OddServer.StartAsync(async context =>
        {
            await context.ReadMessageAsync();
            context.StartGrpc();
            context.Response.Headers["grpc-status"] = "9";
        });
        using var channel = server.Connect();
        using var call = channel.CallDuplex();

        var failure = await TextService.FailsAsync(WriteForeverAsync(call.RequestStream));

        Assert.Equal(StatusCode.FailedPrecondition, failure.StatusCode);
    }

    [Fact]
    public async Task A_request_over_the_limit_fails_with_ResourceExhausted_and_is_not_sent()
    {
        var received = new TaskCompletionSource<string?>();
        await using var server = await OddServer.StartAsync(async context =>
        {
            received.TrySetResult(await context.ReadTextAsync());
            await context.AnswerAsync("done");
        });
        using var channel = server.Connect(options => options.MaxSendMessageSize = 10);

        var unary = await TextService.FailsAsync(channel.CallUnary("more than ten bytes").ResponseAsync);
        using var call = channel.CallClientStreaming();
        var write = await TextService.FailsAsync(call.RequestStream.WriteAsync("more than ten bytes", Token));
        await call.RequestStream.WriteAsync("0123456789", Token);

        Assert.Equal(StatusCode.ResourceExhausted, unary.StatusCode);
        Assert.Equal(StatusCode.ResourceExhausted, write.StatusCode);
        Assert.Equal("Sending message exceeds the maximum configured message size.", write.Status.Detail);
        Assert.Equal("done", await call);
    }

    [Fact]
    public async Task A_cancelled_write_ends_the_call()
    {
        await using var server = await OddServer.StartAsync(context => Task.Delay(Timeout.Infinite, context.RequestAborted));
        using var channel = server.Connect();
        using var call = channel.CreateCallInvoker().AsyncDuplexStreamingCall(TextService.DuplexBytes, null, default);
        using var cancellation = new CancellationTokenSource();

        var write = call.RequestStream.WriteAsync(new byte[4 << 20], cancellation.Token);
        await cancellation.CancelAsync();

        Assert.Equal(StatusCode.Cancelled, (await TextService.FailsAsync(write)).StatusCode);
        Assert.Equal(StatusCode.Cancelled, call.GetStatus().StatusCode);
    }

    private static async Task WriteForeverAsync(IClientStreamWriter<string> stream)
    {
        while (true)
            await stream.WriteAsync(new string('x', 1000), Token);
    }
}
