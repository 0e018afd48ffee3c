namespace Grpc.Core;

public abstract partial class ClientBase
{
    /// <summary>Names the host in each call that does not name one.</summary>
    private sealed class HostCallInvoker(CallInvoker inner, string host) : CallInvoker
    {
        public override TResponse BlockingUnaryCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? callHost, CallOptions options, TRequest request) =>
            inner.BlockingUnaryCall(method, callHost ?? host, options, request);

        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? callHost, CallOptions options, TRequest request) =>
            inner.AsyncUnaryCall(method, callHost ?? host, options, request);

        public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? callHost, CallOptions options, TRequest request) =>
            inner.AsyncServerStreamingCall(method, callHost ?? host, options, request);

        public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? callHost, CallOptions options) =>
            inner.AsyncClientStreamingCall(method, callHost ?? host, options);

        public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? callHost, CallOptions options) =>
            inner.AsyncDuplexStreamingCall(method, callHost ?? host, options);
    }

    /// <summary>The invoker of a test double, which overrides the methods that it uses.</summary>
    private sealed class UnusableCallInvoker : CallInvoker
    {
        private static NotSupportedException Unusable => new("This client was created without a channel or an invoker.");

        public override TResponse BlockingUnaryCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw Unusable;

        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw Unusable;

        public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw Unusable;

        public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options) => throw Unusable;

        public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options) => throw Unusable;
    }
}
