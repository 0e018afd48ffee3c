namespace Etcd.TestKit.Network;

/// <summary>A gate that is open until it is closed, and lets all who wait pass when it opens.</summary>
internal sealed class ProxyGate
{
    private TaskCompletionSource? _closed;

    public Task WaitAsync(CancellationToken cancellation) =>
        Volatile.Read(ref _closed)?.Task.WaitAsync(cancellation) ?? Task.CompletedTask;

    public void Close() =>
        Interlocked.CompareExchange(ref _closed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), null);

    public void Open() => Interlocked.Exchange(ref _closed, null)?.TrySetResult();
}
