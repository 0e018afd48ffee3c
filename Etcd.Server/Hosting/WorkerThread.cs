namespace Etcd.Server.Hosting;

/// <summary>
/// A thread that runs a step machine: it calls the step for as long as the step says that it did something, then sleeps
/// until it is woken. Waking costs nothing when the thread is not asleep.
/// </summary>
internal sealed class WorkerThread : IDisposable
{
    // The event takes no wait of more than 24 days, and a flag may ask for one; to look too early does no harm.
    private static readonly TimeSpan WaitMax = TimeSpan.FromDays(1);

    private readonly Func<TimeSpan> _step;
    private readonly Thread _thread;
    private readonly ManualResetEventSlim _awake = new(initialState: true, spinCount: 0);
    private volatile bool _stopping;

    /// <summary>Makes the thread; <see cref="Start"/> starts it.</summary>
    /// <param name="name">Shown by tools that list threads.</param>
    /// <param name="step">
    /// Does the next piece of work and says when it wants to be called again unless woken before: zero if there is more,
    /// <see cref="Timeout.InfiniteTimeSpan"/> if only a wake-up brings more.
    /// </param>
    public WorkerThread(string name, Func<TimeSpan> step)
    {
        _step = step;
        _thread = new Thread(Run) { Name = name, IsBackground = true };
    }

    /// <summary>A thread for a step that only says whether it did something.</summary>
    /// <param name="name">Shown by tools that list threads.</param>
    /// <param name="step">Does the next piece of work; false if there was none.</param>
    public WorkerThread(string name, Func<bool> step)
        : this(name, () => step() ? TimeSpan.Zero : Timeout.InfiniteTimeSpan)
    {
    }

    /// <summary>Begins.</summary>
    public void Start() => _thread.Start();

    /// <summary>There is something to do. Any thread.</summary>
    public void Wake()
    {
        if (!_awake.IsSet)
        {
            _awake.Set();
        }
    }

    /// <summary>Ends the thread after its current step and waits for it.</summary>
    public void Dispose()
    {
        _stopping = true;
        _awake.Set();
        if (_thread.IsAlive && _thread != Thread.CurrentThread)
        {
            _thread.Join();
        }

        _awake.Dispose();
    }

    private void Run()
    {
        while (!_stopping)
        {
            // Reset comes before the look: work that arrives after the look finds the event reset and sets it.
            _awake.Reset();
            TimeSpan next;
            do
            {
                next = _step();
            }
            while (next == TimeSpan.Zero && !_stopping);

            if (!_stopping)
            {
                _awake.Wait(next < WaitMax ? next : WaitMax);
            }
        }
    }
}
