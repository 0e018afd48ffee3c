using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace Etcd.Server.Api.Metrics;

/// <summary>
/// Counts the messages and bytes of services whose methods are generated. Those that are bound by hand count theirs where they read
/// and write them.
/// </summary>
/// <param name="figures">Where they are counted.</param>
internal sealed class MessageMeter(GrpcFigures figures) : Interceptor
{
    /// <inheritdoc/>
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        figures.ReceivedBytes.Add(Size(request));
        TResponse response = await continuation(request, context).ConfigureAwait(false);
        figures.SentBytes.Add(Size(response));
        return response;
    }

    /// <inheritdoc/>
    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        MethodFigures? method = figures.Of(context.Method);
        Received(method, request);
        return continuation(request, new Writer<TResponse>(this, method, responseStream), context);
    }

    /// <inheritdoc/>
    public override Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation)
    {
        MethodFigures? method = figures.Of(context.Method);
        return continuation(
            new Reader<TRequest>(this, method, requestStream), new Writer<TResponse>(this, method, responseStream), context);
    }

    private static int Size<T>(T message) => message is IMessage known ? known.CalculateSize() : 0;

    private void Received<T>(MethodFigures? method, T message)
    {
        method?.CountReceived();
        figures.ReceivedBytes.Add(Size(message));
    }

    private sealed class Reader<T>(MessageMeter meter, MethodFigures? method, IAsyncStreamReader<T> inner) : IAsyncStreamReader<T>
        where T : class
    {
        public T Current => inner.Current;

        public async Task<bool> MoveNext(CancellationToken cancellationToken)
        {
            bool any = await inner.MoveNext(cancellationToken).ConfigureAwait(false);
            if (any)
            {
                meter.Received(method, inner.Current);
            }

            return any;
        }
    }

    private sealed class Writer<T>(MessageMeter meter, MethodFigures? method, IServerStreamWriter<T> inner) : IServerStreamWriter<T>
        where T : class
    {
        public WriteOptions? WriteOptions
        {
            get => inner.WriteOptions;
            set => inner.WriteOptions = value;
        }

        public Task WriteAsync(T message) => WriteAsync(message, CancellationToken.None);

        public async Task WriteAsync(T message, CancellationToken cancellationToken)
        {
            await inner.WriteAsync(message, cancellationToken).ConfigureAwait(false);
            method?.CountSent();
            meter.CountSent(message);
        }
    }

    private void CountSent<T>(T message) => figures.SentBytes.Add(Size(message));
}
