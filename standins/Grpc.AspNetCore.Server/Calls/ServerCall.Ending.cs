using Grpc.Core;

namespace Grpc.AspNetCore.Server.Calls;

// How a call ends, and the writes that must not overlap with that.
internal sealed partial class ServerCall
{
    private const int Open = 0;
    private const int Writing = 1;
    private const int Ended = 2;

    private int _state;
    private bool _endIsOurs;

    /// <summary>Ends the call with a response.</summary>
    public void EndWith<T>(T? response, Action<T, SerializationContext> serializer)
        where T : class
    {
        if (!TryEnd())
        {
            return;
        }

        if (response is null)
        {
            throw new RpcException(new Status(StatusCode.Cancelled, "No message returned from method."));
        }

        if (_status.StatusCode == StatusCode.OK)
        {
            MessageWriter.Write(response, serializer, Stream.ResponseBody, Settings, CompressesNext(WriteOptions));
        }

        Stream.SetStatus(_status, _responseTrailers);
    }

    /// <summary>Ends the call after its last response.</summary>
    public void End()
    {
        if (TryEnd())
        {
            Stream.SetStatus(_status, _responseTrailers);
        }
    }

    /// <summary>Ends the call because of an exception; after the end it is only logged.</summary>
    public void Fail(Exception failure)
    {
        if (Stream.Aborted.IsCancellationRequested)
        {
            CallLog.Aborted(Settings.Logger, Stream.Method, failure);
        }
        else if (!_endIsOurs && !TryEnd())
        {
            CallLog.FailedAfterEnd(Settings.Logger, Stream.Method, failure);
        }
        else if (failure is TornMessageException)
        {
            CallLog.Failed(Settings.Logger, Stream.Method, failure);
            Stream.Reset(StreamError.InternalError);
        }
        else
        {
            EndWith(failure);
        }
    }

    /// <summary>Starts a write; ends must not come in between.</summary>
    /// <exception cref="InvalidOperationException">The call has ended, or another write is in progress.</exception>
    public void BeginWrite()
    {
        var before = Interlocked.CompareExchange(ref _state, Writing, Open);
        if (before == Writing)
        {
            throw new InvalidOperationException("Can't write the message because the previous write is in progress.");
        }

        if (before == Ended || Stream.Aborted.IsCancellationRequested)
        {
            EndWrite();
            throw new InvalidOperationException("Can't write the message because the request is complete.");
        }
    }

    public void EndWrite() => Interlocked.CompareExchange(ref _state, Open, Writing);

    public bool CompressesNext(WriteOptions? options) =>
        _responseCompressed && !(options?.Flags.HasFlag(WriteFlags.NoCompress) ?? false);

    private bool TryEnd() => _endIsOurs = Interlocked.Exchange(ref _state, Ended) != Ended;

    private void EndWith(Exception failure)
    {
        if (DeadlinePassed)
        {
            _status = GrpcErrors.DeadlineExceeded();
        }
        else if (failure is RpcException rpc)
        {
            TakeTrailers(rpc.Trailers);
            _status = rpc.Status;
        }
        else
        {
            CallLog.Failed(Settings.Logger, Stream.Method, failure);
            _status = new Status(StatusCode.Unknown, Describe(failure), failure);
        }

        Stream.SetStatus(_status, _responseTrailers);
    }

    private void TakeTrailers(Metadata trailers)
    {
        foreach (var entry in trailers)
        {
            ResponseTrailers.Add(entry);
        }
    }

    private string Describe(Exception failure)
    {
        const string General = "Exception was thrown by handler.";
        if (!Settings.DetailedErrors)
        {
            return General;
        }

        var text = General;
        for (var cause = failure; cause is not null; cause = cause.InnerException)
        {
            text = $"{text} {cause.GetType().Name}: {cause.Message}";
        }

        return text;
    }
}
