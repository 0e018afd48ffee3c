using Grpc.Core;
using Grpc.Net.Client.Internal.Http;
using Grpc.Net.Client.Internal.Streams;

namespace Grpc.Net.Client.Internal;

/// <summary>
/// The life of one call: it runs until the first of these ends it, and what comes later changes nothing: the server's
/// status, a failure, the caller's token, the deadline, <see cref="Dispose"/>, the channel's end. Ending it releases
/// the transport, which tells the server where that has not ended the stream itself. Safe for concurrent use.
/// </summary>
internal abstract partial class GrpcCall(GrpcChannel channel, CallOptions options) : IDisposable
{
    private const string CancelledByCaller = "Call canceled by the client.";

    private readonly Lock _gate = new();

    // No timer and no wait handle hang on it, so it needs no disposal.
    private readonly CancellationTokenSource _transport = new();
    private CancellationTokenRegistration _callerRegistration;
    private HttpResponseMessage? _response;
    private TaskCompletionSource<Metadata>? _headersSource;
    private bool _announced;
    private Metadata? _headers;
    private Metadata? _trailers;
    private Status _status;
    private bool _cancelled;
    private volatile bool _ended;

    public GrpcCall? NextActive { get; set; }

    public GrpcCall? PreviousActive { get; set; }

    /// <summary>When the call must have ended; the greatest time for never.</summary>
    public DateTime Deadline { get; } = options.Deadline ?? DateTime.MaxValue;

    /// <summary>The request stream, where the call has one.</summary>
    public StreamingContent? RequestContent { get; set; }

    /// <summary>The task of the response, where the call has just one.</summary>
    public Task? SingleResponse { get; set; }

    /// <summary>Whether the call has ended, so its status stands.</summary>
    public bool IsEnded => _ended;

    /// <summary>Stops what the transport does for this call once it ended.</summary>
    public CancellationToken TransportToken => _transport.Token;

    protected GrpcChannel Channel { get; } = channel;

    protected CallOptions Options { get; } = options;

    /// <summary>Lets the channel, the caller's token and the deadline end the call from now on.</summary>
    public void Begin()
    {
        Channel.AddCall(this);
        if (Deadline <= DateTime.UtcNow)
            CancelByDeadline();
        if (Options.CancellationToken.CanBeCanceled)
            _callerRegistration = Options.CancellationToken.UnsafeRegister(static call => ((GrpcCall)call!).CancelByCaller(), this);

        // The call may have ended before the registration was in place.
        if (_ended)
            ReleaseTrigger();
    }

    public void CancelByCaller() => Cancel(new Status(StatusCode.Cancelled, CancelledByCaller));

    public void CancelByDeadline() => Cancel(new Status(StatusCode.DeadlineExceeded, ""));

    public void Dispose()
    {
        if (!_ended)
            Cancel(new Status(StatusCode.Cancelled, "gRPC call disposed."));
        if (SingleResponse is { IsCompletedSuccessfully: false } response)
            Observe(response);
    }

    /// <summary>Ends the call with the status that an exception stands for.</summary>
    public void Fail(Exception exception, string what)
    {
        if (!_ended)
            End(FailureStatus.Create(exception, what), cancelled: false);
    }

    /// <summary>Ends the call with a status that the server sent or that its answer implies.</summary>
    public void End(Status status) => End(status, cancelled: false);

    public Status GetStatus() => _ended
        ? _status
        : throw new InvalidOperationException("Unable to get the status because the call is not complete.");

    public Metadata GetTrailers()
    {
        if (!_ended)
            throw new InvalidOperationException("Can't get the call trailers because the call has not completed successfully.");
        lock (_gate)
            return _trailers ??= ReadTrailers();
    }

    public Task<Metadata> ResponseHeadersAsync()
    {
        lock (_gate)
        {
            if (!_announced)
                return (_headersSource ??= new TaskCompletionSource<Metadata>(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }

        return _response is not null ? Task.FromResult(ReadHeaders()) : Task.FromException<Metadata>(CreateException());
    }

    /// <summary>What a caller gets from a call that has not ended well.</summary>
    public Exception CreateException()
    {
        var exception = new RpcException(_status, GetTrailers());
        return _cancelled && Channel.Settings.ThrowOperationCanceled
            ? new OperationCanceledException(_status.Detail, exception, Options.CancellationToken)
            : exception;
    }

    /// <summary>What a writer gets once the call has ended.</summary>
    public Exception CreateWriteException() => _status.StatusCode == StatusCode.OK
        ? new InvalidOperationException("Can't write the message because the call is complete.")
        : CreateException();

    /// <summary>Takes the response; false, and disposes of it, where the call has ended meanwhile.</summary>
    protected bool TryAttach(HttpResponseMessage response)
    {
        lock (_gate)
        {
            if (!_ended)
            {
                _response = response;
                return true;
            }
        }

        response.Dispose();
        return false;
    }

    /// <summary>Says that the response headers are there, or that there will be none.</summary>
    protected void AnnounceHeaders()
    {
        TaskCompletionSource<Metadata>? waiting;
        lock (_gate)
        {
            if (_announced)
                return;
            _announced = true;
            waiting = _headersSource;
        }

        if (waiting is null)
            return;
        if (_response is not null)
        {
            waiting.TrySetResult(ReadHeaders());
            return;
        }

        Observe(waiting.Task);
        waiting.TrySetException(CreateException());
    }

    // Whoever asked for a result and then left must not hear of its failure as an unobserved exception.
    private static void Observe(Task task) => task.ContinueWith(
        static failed => _ = failed.Exception, CancellationToken.None,
        TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

    private void Cancel(Status status) => End(status, cancelled: true);

    private void End(Status status, bool cancelled)
    {
        lock (_gate)
        {
            if (_ended)
                return;
            _status = status;
            _cancelled = cancelled;
            _ended = true;
        }

        Channel.RemoveCall(this);
        ReleaseTrigger();
        if (status.StatusCode != StatusCode.OK)
            LogMessages.CallFailed(Channel.Log, status.StatusCode, status.Detail, status.DebugException);
        RequestContent?.Abort();
        if (cancelled)
            _transport.Cancel();
        _response?.Dispose();
        AnnounceHeaders();
    }

    // Unregistering does not wait for a callback that runs, since that callback may be what ends the call.
    private void ReleaseTrigger() => _callerRegistration.Unregister();

    private Metadata ReadHeaders()
    {
        lock (_gate)
            return _headers ??= HeaderMetadata.Read(_response!.Headers);
    }

    // A response without messages carries the trailers as its headers.
    private Metadata ReadTrailers()
    {
        if (_response is null)
            return new Metadata();
        return HeaderMetadata.Find(_response.Headers, "grpc-status") is null
            ? HeaderMetadata.Read(_response.TrailingHeaders)
            : HeaderMetadata.Read(_response.Headers);
    }
}
