using Etcd.Server.Watch;

namespace Etcd.Server.Api.Watches;

/// <summary>Wakes the one who takes a stream's responses, which is one task at a time.</summary>
internal sealed class WatchOutput : IWatchOutput, IDisposable
{
    // Begins set: the stream may have something before its taker first asks.
    private readonly SemaphoreSlim _available = new(1);

    /// <inheritdoc/>
    public void OnAvailable()
    {
        try
        {
            _available.Release();
        }
        catch (ObjectDisposedException)
        {
            // The hub's last word may come after the call has ended.
        }
    }

    /// <summary>Completes when it is worth to look again.</summary>
    public Task WaitAsync(CancellationToken cancellation) => _available.WaitAsync(cancellation);

    /// <inheritdoc/>
    public void Dispose() => _available.Dispose();
}
