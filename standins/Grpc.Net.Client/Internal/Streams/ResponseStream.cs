using Grpc.Core;
using Grpc.Net.Client.Internal.Http;

namespace Grpc.Net.Client.Internal.Streams;

/// <summary>What a caller reads responses from: one read at a time.</summary>
internal sealed class ResponseStream<TRequest, TResponse>(GrpcCall<TRequest, TResponse> call, Task<ResponseBody?> opening)
    : IAsyncStreamReader<TResponse>
    where TRequest : class
    where TResponse : class
{
    private int _reading;

    /// <summary>Ends when the response headers are there or the call has ended; never fails.</summary>
    public Task Opening => opening;

    public TResponse Current { get; private set; } = null!;

    public Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _reading, 1) == 1)
            return Task.FromException<bool>(
                new InvalidOperationException("Can't read the next message because the previous read is in progress."));
        if (cancellationToken.IsCancellationRequested || !TryTakeReceived())
            return MoveNextAsync(cancellationToken);
        Volatile.Write(ref _reading, 0);
        return Task.FromResult(true);
    }

    // A message that has arrived together with the one before it costs no state machine and no wait.
    private bool TryTakeReceived()
    {
        if (call.IsEnded || !opening.IsCompletedSuccessfully || opening.Result is not { } body)
            return false;
        try
        {
            return body.Reader.TryMoveNext() && Take(body);
        }
        catch (Exception exception)
        {
            call.Fail(exception, "Error reading the response.");
            return false;
        }
    }

    private async Task<bool> MoveNextAsync(CancellationToken cancellationToken)
    {
        var registration = cancellationToken.UnsafeRegister(static call => ((GrpcCall)call!).CancelByCaller(), call);
        try
        {
            if (await opening.ConfigureAwait(false) is { } body && !call.IsEnded && await ReadAsync(body).ConfigureAwait(false))
                return true;
            Current = null!;
            return call.GetStatus().StatusCode == StatusCode.OK ? false : throw call.CreateException();
        }
        finally
        {
            registration.Unregister();
            Volatile.Write(ref _reading, 0);
        }
    }

    private async ValueTask<bool> ReadAsync(ResponseBody body)
    {
        try
        {
            if (await body.Reader.MoveNextAsync(call.TransportToken).ConfigureAwait(false))
                return Take(body);
            call.End(ResponseStatus.FromTrailers(body.Response));
        }
        catch (Exception exception)
        {
            call.Fail(exception, "Error reading the response.");
        }

        body.Reader.Release();
        return false;
    }

    private bool Take(ResponseBody body)
    {
        if (!call.TryDeserialize(body.Reader, out var message))
            return false;
        Current = message;
        return true;
    }
}
