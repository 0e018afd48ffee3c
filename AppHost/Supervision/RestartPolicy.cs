namespace AppHost.Supervision;

/// <summary>
/// How long to wait before a dead process is started again: at first hardly, then twice as long each time, up to a limit; a
/// process that ran for a while begins anew. A member that dies at once because of its configuration must not fill the log.
/// Pure: the caller brings the time.
/// </summary>
internal sealed class RestartPolicy
{
    public static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(100);
    public static readonly TimeSpan DelayMax = TimeSpan.FromSeconds(10);
    public static readonly TimeSpan LongRun = TimeSpan.FromSeconds(30);

    private DateTimeOffset _startedAt;
    private int _shortRuns;

    public int Restarts { get; private set; }

    public void Started(DateTimeOffset now) => _startedAt = now;

    /// <summary>The process ended: how long to wait before it is started again.</summary>
    public TimeSpan Died(DateTimeOffset now)
    {
        Restarts++;
        _shortRuns = now - _startedAt >= LongRun ? 0 : _shortRuns;
        var delay = FirstDelay * Math.Pow(2, Math.Min(_shortRuns++, 16));
        return delay < DelayMax ? delay : DelayMax;
    }
}
