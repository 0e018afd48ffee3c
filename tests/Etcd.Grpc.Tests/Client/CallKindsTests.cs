using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace Etcd.Grpc.Tests.Client;

/// <summary>Goal: each kind of call carries its messages in order and ends as its contract says. Method: a hand-made server.</summary>
public sealed class CallKindsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_unary_call_gives_the_response_and_status_OK()
    {
        await using var server = await OddServer.StartAsync(async context =>
        {
            var request = await context.ReadTextAsync();
            Assert.Null(await context.ReadMessageAsync());
            await context.AnswerAsync($"{context.Request.Path} {request}");
        });
        using var channel = server.Connect();

        using var call = channel.CallUnary("hello");

        Assert.Equal("/test.Text/Unary hello", await call);
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
        Assert.Empty(call.GetTrailers());
    }

    [Fact]
    public async Task A_blocking_unary_call_gives_the_response()
    {
        await using var server = await OddServer.StartAsync(context => context.AnswerAsync("pong"));
        using var channel = server.Connect();

        var response = await Task.Run(
            () => channel.CreateCallInvoker().BlockingUnaryCall(TextService.Unary, null, default, "ping"), Token);

        Assert.Equal("pong", response);
    }

    [Fact]
    public async Task A_server_streaming_call_gives_all_responses_in_order_and_false_ever_after()
    {
        await using var server = await OddServer.StartAsync(async context =>
        {
            context.StartGrpc();
            for (var i = 0; i < 1000; i++)
                await context.WriteMessageAsync($"{i}");
            context.EndGrpc();
        });
        using var channel = server.Connect();

        using var call = channel.CallServerStreaming("go");
        var responses = new List<string>();
        await foreach (var response in call.ResponseStream.ReadAllAsync(Token))
            responses.Add(response);

        Assert.Equal(Enumerable.Range(0, 1000).Select(i => $"{i}"), responses);
        Assert.False(await call.ResponseStream.MoveNext(Token));
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
    }

    [Fact]
    public async Task A_client_streaming_call_sends_all_requests_then_half_closes()
    {
        await using var server = await OddServer.StartAsync(async context =>
        {
            var received = new List<string>();
            while (await context.ReadTextAsync() is { } text)
                received.Add(text);
            await context.AnswerAsync(string.Join(',', received));
        });
        using var channel = server.Connect();

        using var call = channel.CallClientStreaming();
        foreach (var text in (string[])["a", "b", "c"])
            await call.RequestStream.WriteAsync(text, Token);
        await call.RequestStream.CompleteAsync();

        Assert.Equal("a,b,c", await call);
    }

    [Fact]
    public async Task A_duplex_call_answers_each_request_while_the_stream_is_open()
    {
        await using var server = await OddServer.StartAsync(EchoAsync);
        using var channel = server.Connect();

        using var call = channel.CallDuplex();
        for (var i = 0; i < 50; i++)
        {
            await call.RequestStream.WriteAsync($"{i}", Token);
            Assert.True(await call.ResponseStream.MoveNext(Token));
            Assert.Equal($"{i}", call.ResponseStream.Current);
        }

        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext(Token));
    }

    [Fact]
    public async Task A_duplex_call_reaches_the_server_before_the_first_request()
    {
        await using var server = await OddServer.StartAsync(async context =>
        {
            context.StartGrpc();
            await context.WriteMessageAsync("hello first");
            while (await context.ReadTextAsync() is not null)
            {
            }

            context.EndGrpc();
        });
        using var channel = server.Connect();

        using var call = channel.CallDuplex();

        Assert.True(await call.ResponseStream.MoveNext(Token));
        Assert.Equal("hello first", call.ResponseStream.Current);
    }

    [Fact]
    public async Task An_empty_message_is_a_message()
    {
        await using var server = await OddServer.StartAsync(EchoAsync);
        using var channel = server.Connect();

        using var call = channel.CallDuplex();
        await call.RequestStream.WriteAsync("", Token);
        await call.RequestStream.CompleteAsync();

        Assert.True(await call.ResponseStream.MoveNext(Token));
        Assert.Equal("", call.ResponseStream.Current);
        Assert.False(await call.ResponseStream.MoveNext(Token));
    }

    [Fact]
    public async Task Status_and_trailers_are_refused_until_the_call_has_ended()
    {
        var proceed = new TaskCompletionSource();
        await using var server = await OddServer.StartAsync(async context =>
        {
            await proceed.Task;
            context.StartGrpc();
            await context.WriteMessageAsync("x");
            context.Response.AppendTrailer("after", "all");
            context.EndGrpc();
        });
        using var channel = server.Connect();

        using var call = channel.CallUnary("x");
        Assert.Throws<InvalidOperationException>(() => call.GetStatus());
        Assert.Throws<InvalidOperationException>(() => call.GetTrailers());
        proceed.SetResult();
        await call;

        Assert.Equal(Status.DefaultSuccess, call.GetStatus());
        Assert.Equal("all", call.GetTrailers().GetValue("after"));
    }

    internal static async Task EchoAsync(HttpContext context)
    {
        context.StartGrpc();
        await context.Response.StartAsync();
        while (await context.ReadTextAsync() is { } text)
        {
            await context.WriteMessageAsync(text);
            await context.Response.Body.FlushAsync();
        }

        context.EndGrpc();
    }
}
