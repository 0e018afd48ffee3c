namespace Grpc.Net.Client.Internal;

/// <summary>
/// The calls of a channel that have not ended, so that closing the channel can end them, and so that their deadlines can. A list
/// threaded through the calls themselves: adding and removing allocate nothing.
/// </summary>
/// <remarks>
/// One timer serves all deadlines. It is set for the earliest that was ever seen since it last fired, and looks through the list then:
/// the calls of a channel mostly have the same timeout, so that it fires about once per timeout, however many calls there are.
/// </remarks>
internal sealed class ActiveCalls
{
    // A timer cannot wait for longer than some weeks; it looks again then.
    private static readonly TimeSpan _longestWait = TimeSpan.FromDays(40);

    private readonly Lock _gate = new();
    private GrpcCall? _first;
    private Timer? _timer;
    private DateTime _nextCheck = DateTime.MaxValue;

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
            if (call.Deadline < _nextCheck)
                CheckAt(call.Deadline);
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
            _timer?.Dispose();
            for (var call = _first; call is not null; call = call.NextActive)
                running.Add(call);
            return false;
        }
    }

    // Under the lock. Rounded up: a timer that fires early would only have to be set again.
    private void CheckAt(DateTime deadline)
    {
        _nextCheck = deadline;
        var wait = deadline - DateTime.UtcNow;
        if (wait < TimeSpan.Zero)
            wait = TimeSpan.Zero;
        else if (wait > _longestWait)
            wait = _longestWait;
        _timer ??= CreateTimer();
        _timer.Change((long)Math.Ceiling(wait.TotalMilliseconds), Timeout.Infinite);
    }

    // The first call's ambient values are no business of the calls that follow.
    private Timer CreateTimer()
    {
        if (ExecutionContext.IsFlowSuppressed())
            return NewTimer();
        using (ExecutionContext.SuppressFlow())
            return NewTimer();
    }

    private Timer NewTimer() => new(static self => ((ActiveCalls)self!).EndOverdue(), this, Timeout.Infinite, Timeout.Infinite);

    private void EndOverdue()
    {
        lock (_gate)
        {
            if (IsClosed)
                return;
            var now = DateTime.UtcNow;
            var next = DateTime.MaxValue;
            for (var call = _first; call is not null; call = call.NextActive)
            {
                // Each on a thread of its own: what waits for one of them must not hold up the others.
                if (call.Deadline <= now)
                    ThreadPool.UnsafeQueueUserWorkItem(static call => call.CancelByDeadline(), call, preferLocal: false);
                else if (call.Deadline < next)
                    next = call.Deadline;
            }

            _nextCheck = DateTime.MaxValue;
            if (next != DateTime.MaxValue)
                CheckAt(next);
        }
    }
}
