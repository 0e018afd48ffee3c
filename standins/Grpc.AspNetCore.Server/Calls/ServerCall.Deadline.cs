using System.Diagnostics;

namespace Grpc.AspNetCore.Server.Calls;

// The deadline. Its timer starts only when the call has to wait for something or asks for its cancellation token, so
// a call that is answered at once has none.
internal sealed partial class ServerCall
{
    private TimeSpan? _timeout;
    private long _started;
    private CancellationTokenSource? _deadline;
    private CancellationTokenRegistration _deadlinePassed;
    private Task? _deadlineEnd;

    private bool DeadlinePassed => _deadline is { IsCancellationRequested: true } && !Stream.Aborted.IsCancellationRequested;

    /// <summary>Starts the timer, if the client has set a deadline and it is not running.</summary>
    public CancellationTokenSource? StartDeadline()
    {
        if (_timeout is null || Volatile.Read(ref _deadline) is not null)
        {
            return _deadline;
        }

        lock (Stream)
        {
            return _deadline ?? CreateDeadline(_timeout.Value);
        }
    }

    private CancellationTokenSource CreateDeadline(TimeSpan timeout)
    {
        var source = CancellationTokenSource.CreateLinkedTokenSource(Stream.Aborted);
        _deadlinePassed = source.Token.UnsafeRegister(static call => ((ServerCall)call!).EndByDeadline(), this);
        var left = timeout - Stopwatch.GetElapsedTime(_started);
        Volatile.Write(ref _deadline, source);
        source.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        return source;
    }

    private void EndByDeadline()
    {
        if (Stream.Aborted.IsCancellationRequested)
        {
            return;
        }

        switch (Interlocked.Exchange(ref _state, Ended))
        {
            case Open:
                Stream.SetStatus(GrpcErrors.DeadlineExceeded(), null);
                _deadlineEnd = EndQuietlyAsync();
                break;
            case Writing:
                // A write waits for a slow reader, or is going on right now: a status cannot overtake it.
                Stream.Reset(StreamError.Cancel);
                break;
        }
    }

    private async Task EndQuietlyAsync()
    {
        try
        {
            await Stream.EndAsync().ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            CallLog.Aborted(Settings.Logger, Stream.Method, failure);
        }
    }

    private async ValueTask StopDeadlineAsync()
    {
        // Waits for the callback if it is running, so that _deadlineEnd is known afterwards.
        await _deadlinePassed.DisposeAsync().ConfigureAwait(false);
        _deadline!.Dispose();
        if (_deadlineEnd is not null)
        {
            await _deadlineEnd.ConfigureAwait(false);
        }
    }
}
