using Grpc.Core;
using Grpc.Net.Client.Internal.Streams;

namespace Grpc.Net.Client.Internal;

/// <summary>Starts the four kinds of calls over a channel.</summary>
internal sealed class ChannelCallInvoker(GrpcChannel channel) : CallInvoker
{
    // Over the call as state object, so a call needs no closures of its own.
    private static readonly Func<object, Task<Metadata>> _headers = static call => ((GrpcCall)call).ResponseHeadersAsync();
    private static readonly Func<object, Status> _status = static call => ((GrpcCall)call).GetStatus();
    private static readonly Func<object, Metadata> _trailers = static call => ((GrpcCall)call).GetTrailers();
    private static readonly Action<object> _dispose = static call => ((GrpcCall)call).Dispose();

    public override TResponse BlockingUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        using var call = AsyncUnaryCall(method, host, options, request);
        return call.ResponseAsync.GetAwaiter().GetResult();
    }

    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        var call = Create(method, host, options);
        var response = call.RunSingleResponseAsync(new UnaryContent<TRequest, TResponse>(call, request));
        call.SingleResponse = response;
        return new AsyncUnaryCall<TResponse>(response, _headers, _status, _trailers, _dispose, call);
    }

    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        var call = Create(method, host, options);
        var responses = call.StartResponseStream(new UnaryContent<TRequest, TResponse>(call, request));
        return new AsyncServerStreamingCall<TResponse>(responses, _headers, _status, _trailers, _dispose, call);
    }

    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        var call = Create(method, host, options);
        var content = new StreamingContent();
        call.RequestContent = content;
        var response = call.RunSingleResponseAsync(content);
        call.SingleResponse = response;
        return new AsyncClientStreamingCall<TRequest, TResponse>(
            new RequestStream<TRequest, TResponse>(call, content, response), response, _headers, _status, _trailers, _dispose, call);
    }

    public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        var call = Create(method, host, options);
        var content = new StreamingContent();
        call.RequestContent = content;
        var responses = call.StartResponseStream(content);
        return new AsyncDuplexStreamingCall<TRequest, TResponse>(
            new RequestStream<TRequest, TResponse>(call, content, responses.Opening), responses, _headers, _status, _trailers, _dispose, call);
    }

    private GrpcCall<TRequest, TResponse> Create<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options)
        where TRequest : class
        where TResponse : class
    {
        ArgumentNullException.ThrowIfNull(method);
        var call = new GrpcCall<TRequest, TResponse>(channel, method, host, options);
        call.Begin();
        return call;
    }
}
