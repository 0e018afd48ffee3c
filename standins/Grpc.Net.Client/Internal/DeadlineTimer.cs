namespace Grpc.Net.Client.Internal;

/// <summary>
/// Ends a call when its deadline passes. A timer may fire a little early, and cannot wait for longer than some weeks;
/// in both cases it is set again for what is left.
/// </summary>
internal sealed class DeadlineTimer : IDisposable
{
    private static readonly TimeSpan _longestWait = TimeSpan.FromDays(40);

    private readonly GrpcCall _call;
    private readonly DateTime _deadline;
    private readonly Timer _timer;

    private DeadlineTimer(GrpcCall call, DateTime deadline)
    {
        _call = call;
        _deadline = deadline;
        _timer = new Timer(static self => ((DeadlineTimer)self!).Check(), this, Timeout.Infinite, Timeout.Infinite);
    }

    /// <summary>Starts a timer; where the deadline has passed, ends the call at once and gives null.</summary>
    public static DeadlineTimer? Start(GrpcCall call, DateTime deadline)
    {
        if (deadline - DateTime.UtcNow <= TimeSpan.Zero)
        {
            call.CancelByDeadline();
            return null;
        }

        var timer = new DeadlineTimer(call, deadline);
        timer.Check();
        return timer;
    }

    public void Dispose() => _timer.Dispose();

    private void Check()
    {
        var left = _deadline - DateTime.UtcNow;
        if (left <= TimeSpan.Zero)
        {
            _call.CancelByDeadline();
            return;
        }

        var wait = left < _longestWait ? left : _longestWait;
        try
        {
            _timer.Change((long)Math.Ceiling(wait.TotalMilliseconds), Timeout.Infinite);
        }
        catch (ObjectDisposedException)
        {
            // The call has ended meanwhile.
        }
    }
}
