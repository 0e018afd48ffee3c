using Grpc.Core;
using Grpc.Net.Client.Internal.Http;
using Grpc.Net.Client.Internal.Messages;

namespace Grpc.Net.Client.Internal.Streams;

/// <summary>What a caller writes requests to: one write at a time, none after the completion.</summary>
/// <param name="call">The call.</param>
/// <param name="content">The body of the request.</param>
/// <param name="outcome">Ends when the call is known to go on or has ended, as far as that shows without reading a response.</param>
internal sealed class RequestStream<TRequest, TResponse>(
    GrpcCall<TRequest, TResponse> call, StreamingContent content, Task outcome)
    : IClientStreamWriter<TRequest>
    where TRequest : class
    where TResponse : class
{
    private const int Idle = 0;
    private const int Writing = 1;
    private const int Completed = 2;

    private readonly MessageWriter _writer = call.CreateWriter();
    private int _state;

    public WriteOptions? WriteOptions { get; set; }

    public Task WriteAsync(TRequest message) => WriteAsync(message, CancellationToken.None);

    public Task WriteAsync(TRequest message, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(message);
        switch (Interlocked.CompareExchange(ref _state, Writing, Idle))
        {
            case Completed:
                return Task.FromException(new InvalidOperationException("Request stream has already been completed."));
            case Writing:
                return Task.FromException(
                    new InvalidOperationException("Can't write the message because the previous write is in progress."));
            default:
                return WriteCoreAsync(message, cancellationToken);
        }
    }

    public Task CompleteAsync()
    {
        if (Interlocked.CompareExchange(ref _state, Completed, Idle) == Writing)
            return Task.FromException(
                new InvalidOperationException("Can't complete the client stream writer because the previous write is in progress."));
        content.Complete();
        return Task.CompletedTask;
    }

    private async Task WriteCoreAsync(TRequest message, CancellationToken cancellationToken)
    {
        var registration = cancellationToken.UnsafeRegister(static call => ((GrpcCall)call!).CancelByCaller(), call);
        try
        {
            ThrowIfEnded();
            var stream = await TakeStreamAsync().ConfigureAwait(false);
            await SendAsync(stream, call.Write(_writer, message, WriteOptions)).ConfigureAwait(false);
        }
        finally
        {
            registration.Unregister();
            _writer.Release();
            Volatile.Write(ref _state, Idle);
        }
    }

    private async ValueTask<Stream> TakeStreamAsync()
    {
        try
        {
            return await content.TakeStreamAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            ThrowIfEnded();
            throw;
        }
    }

    private async ValueTask SendAsync(Stream stream, ReadOnlyMemory<byte> message)
    {
        try
        {
            await stream.WriteAsync(message, call.TransportToken).ConfigureAwait(false);
            await stream.FlushAsync(call.TransportToken).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            throw await ExplainAsync(exception).ConfigureAwait(false);
        }
    }

    // A write fails because the HTTP/2 stream is dead, and mostly the server has said why in its headers or trailers,
    // which are on their way. Where they come after responses that nobody has read yet, the reader will find them.
    private async ValueTask<Exception> ExplainAsync(Exception exception)
    {
        await outcome.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return call.IsEnded
            ? call.CreateWriteException()
            : new RpcException(FailureStatus.Create(exception, "The stream does not take requests any more; the responses end with its status."));
    }

    private void ThrowIfEnded()
    {
        if (call.IsEnded)
            throw call.CreateWriteException();
    }
}
