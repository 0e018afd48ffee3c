namespace Etcd.Server.Hosting.Upkeep;

/// <summary>
/// Lets one tick in at a time: a timer does not wait for its last tick to end, and what a tick does may take longer than the time to the
/// next one. That one is left out; the one after it looks at the same clock. Any thread.
/// </summary>
internal sealed class TickGate
{
    private int _inside;

    /// <summary>Runs a tick, unless one is running.</summary>
    /// <param name="tick">The tick.</param>
    public void Run(Action tick)
    {
        if (Interlocked.Exchange(ref _inside, 1) != 0)
        {
            return;
        }

        try
        {
            tick();
        }
        finally
        {
            Volatile.Write(ref _inside, 0);
        }
    }
}
