using Etcd.Server.Api.Watches;
using Etcd.Server.Watch;

namespace Etcd.Server.Api.Concurrency;

/// <summary>
/// A watch that this member has for itself, on a stream of its own. It waits without a thread; one task at a time uses it, and
/// disposes it.
/// </summary>
internal sealed class KeyWatch : IDisposable
{
    private readonly WatchOutput _output = new();
    private readonly WatchStream _stream;

    private KeyWatch(WatchHub hub, byte[] key, byte[] rangeEnd, long fromRevision)
    {
        _stream = hub.OpenStream(_output);
        _stream.Create(new WatchCreate(
            WatchId: 0, key, rangeEnd, fromRevision, WatchFilters.None, WithPreviousKeyValue: false, ProgressNotify: false, Fragment: false));
        _stream.Submit();
    }

    /// <summary>Watches one key.</summary>
    public static KeyWatch OfKey(WatchHub hub, byte[] key, long fromRevision) => new(hub, key, [], fromRevision);

    /// <summary>Watches a line.</summary>
    public static KeyWatch OfLine(WatchHub hub, Line line, long fromRevision) => new(hub, line.Prefix, line.End, fromRevision);

    /// <summary>
    /// The next events; null if the watch is over because the history that it needs is compacted. Whoever waits for something must
    /// then look at the keys again.
    /// </summary>
    /// <param name="cancellation">Ends the wait.</param>
    public async ValueTask<WatchBatch?> NextAsync(CancellationToken cancellation)
    {
        while (true)
        {
            if (!_stream.TryTake(out WatchBatch? batch))
            {
                await _output.WaitAsync(cancellation).ConfigureAwait(false);
            }
            else if (batch.Canceled)
            {
                return null;
            }
            else if (batch.EventCount > 0)
            {
                return batch;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stream.Close();
        _output.Dispose();
    }
}
