using Grpc.Core;
using Grpc.Core.Interceptors;

namespace Etcd.Grpc.Tests.Client;

/// <summary>Goal: interceptors see each kind of call, in their order, and can change it.</summary>
public sealed class InterceptorTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Interceptors_run_in_the_given_order_for_each_kind_of_call()
    {
        await using var server = await OddServer.StartAsync(CallKindsTests.EchoAsync);
        using var channel = server.Connect();
        var seen = new List<string>();
        var invoker = channel.Intercept(new Recorder("a", seen), new Recorder("b", seen)).Intercept(new Recorder("outer", seen));

        await invoker.AsyncUnaryCall(TextService.Unary, null, default, "x");
        invoker.AsyncServerStreamingCall(TextService.ServerStreaming, null, default, "x").Dispose();
        invoker.AsyncClientStreamingCall(TextService.ClientStreaming, null, default).Dispose();
        invoker.AsyncDuplexStreamingCall(TextService.Duplex, null, default).Dispose();
        await Task.Run(() => invoker.BlockingUnaryCall(TextService.Unary, null, default, "x"), Token);

        Assert.Equal(
            ((string[])["unary", "server", "client", "duplex", "blocking"])
                .SelectMany(kind => (string[])[$"outer {kind}", $"a {kind}", $"b {kind}"]),
            seen);
    }

    [Fact]
    public async Task A_header_interceptor_adds_headers()
    {
        await using var server = await OddServer.StartAsync(context => context.AnswerAsync(context.Request.Headers["token"].ToString()));
        using var channel = server.Connect();
        var invoker = channel.Intercept(headers =>
        {
            headers.Add("token", "from the interceptor");
            return headers;
        });

        Assert.Equal("from the interceptor", await invoker.AsyncUnaryCall(TextService.Unary, null, default, "x"));
    }

    [Fact]
    public async Task An_interceptor_can_replace_request_and_response()
    {
        await using var server = await OddServer.StartAsync(CallKindsTests.EchoAsync);
        using var channel = server.Connect();

        var response = await channel.Intercept(new Shouter()).AsyncUnaryCall(TextService.Unary, null, default, "quiet");

        Assert.Equal("QUIET!", response);
    }

    private sealed class Shouter : Interceptor
    {
        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            TRequest request, ClientInterceptorContext<TRequest, TResponse> context,
            AsyncUnaryCallContinuation<TRequest, TResponse> continuation)
        {
            var call = continuation((TRequest)(object)((string)(object)request).ToUpperInvariant(), context);
            return new AsyncUnaryCall<TResponse>(
                AddMarkAsync(call.ResponseAsync), call.ResponseHeadersAsync, call.GetStatus, call.GetTrailers, call.Dispose);
        }

        private static async Task<TResponse> AddMarkAsync<TResponse>(Task<TResponse> response) =>
            (TResponse)(object)((string)(object)(await response)! + "!");
    }

    private sealed class Recorder(string name, List<string> seen) : Interceptor
    {
        public override TResponse BlockingUnaryCall<TRequest, TResponse>(
            TRequest request, ClientInterceptorContext<TRequest, TResponse> context,
            BlockingUnaryCallContinuation<TRequest, TResponse> continuation)
        {
            seen.Add($"{name} blocking");
            return base.BlockingUnaryCall(request, context, continuation);
        }

        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            TRequest request, ClientInterceptorContext<TRequest, TResponse> context,
            AsyncUnaryCallContinuation<TRequest, TResponse> continuation)
        {
            seen.Add($"{name} unary");
            return base.AsyncUnaryCall(request, context, continuation);
        }

        public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
            TRequest request, ClientInterceptorContext<TRequest, TResponse> context,
            AsyncServerStreamingCallContinuation<TRequest, TResponse> continuation)
        {
            seen.Add($"{name} server");
            return base.AsyncServerStreamingCall(request, context, continuation);
        }

        public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
            ClientInterceptorContext<TRequest, TResponse> context,
            AsyncClientStreamingCallContinuation<TRequest, TResponse> continuation)
        {
            seen.Add($"{name} client");
            return base.AsyncClientStreamingCall(context, continuation);
        }

        public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
            ClientInterceptorContext<TRequest, TResponse> context,
            AsyncDuplexStreamingCallContinuation<TRequest, TResponse> continuation)
        {
            seen.Add($"{name} duplex");
            return base.AsyncDuplexStreamingCall(context, continuation);
        }
    }
}
