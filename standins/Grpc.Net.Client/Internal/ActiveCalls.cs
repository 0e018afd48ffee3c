namespace Grpc.Net.Client.Internal;

/// <summary>
/// The calls of a channel that have not ended, so that closing the channel can end them. A list threaded through the
/// calls themselves: adding and removing allocate nothing.
/// </summary>
internal sealed class ActiveCalls
{
    private readonly Lock _gate = new();
    private GrpcCall? _first;

    public bool IsClosed { get; private set; }

    public bool TryAdd(GrpcCall call)
    {
        lock (_gate)
        {
            if (IsClosed)
                return false;
            call.NextActive = _first;
            if (_first is not null)
                _first.PreviousActive = call;
            _first = call;
            return true;
        }
    }

    public void Remove(GrpcCall call)
    {
        lock (_gate)
        {
            if (call.PreviousActive is { } previous)
                previous.NextActive = call.NextActive;
            else if (ReferenceEquals(_first, call))
                _first = call.NextActive;
            if (call.NextActive is { } next)
                next.PreviousActive = call.PreviousActive;
            call.NextActive = null;
            call.PreviousActive = null;
        }
    }

    /// <summary>Refuses further calls and gives those that run. True where it was closed before.</summary>
    public bool Close(out List<GrpcCall> running)
    {
        running = [];
        lock (_gate)
        {
            if (IsClosed)
                return true;
            IsClosed = true;
            for (var call = _first; call is not null; call = call.NextActive)
                running.Add(call);
            return false;
        }
    }
}
