namespace Etcd.Server.Lease;

/// <summary>One who waits for the end of a lease. Disposing it means not waiting any longer.</summary>
internal sealed class LeaseEndWaiter(LeaseManager manager, LeaseEntry lease, Action<LeaseEnd> whenEnded) : IDisposable
{
    private Action<LeaseEnd>? _whenEnded = whenEnded;

    public void End(LeaseEnd end) => Interlocked.Exchange(ref _whenEnded, null)?.Invoke(end);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _whenEnded, null) is not null)
        {
            manager.Forget(lease, this);
        }
    }
}
