using System.Runtime.CompilerServices;

namespace Etcd.Client;

/// <summary>Watches below a namespace.</summary>
internal sealed class WatchClient(EtcdConnection connection, KvClient kv, EtcdKey prefix) : IEtcdWatch
{
    public IAsyncEnumerable<EtcdWatchBatch> WatchAsync(EtcdRange range, EtcdWatchOptions? options, CancellationToken cancellationToken) =>
        RunAsync(CreateRun(range, options, snapshot: false), cancellationToken);

    public IAsyncEnumerable<EtcdWatchBatch> GetThenWatchAsync(EtcdRange range, EtcdWatchOptions? options, CancellationToken cancellationToken) =>
        RunAsync(CreateRun(range, options, snapshot: true), cancellationToken);

    public async ValueTask<EtcdWatcher> StartAsync(EtcdRange range, EtcdWatchOptions? options, CancellationToken cancellationToken)
    {
        WatchRun run = CreateRun(range, options, snapshot: false);
        return new EtcdWatcher(run, await run.StartAsync(cancellationToken).ConfigureAwait(false));
    }

    public ValueTask RequestProgressAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        connection.ThrowIfDisposed();
        connection.WatchHubs.RequestProgress();
        return ValueTask.CompletedTask;
    }

    private static async IAsyncEnumerable<EtcdWatchBatch> RunAsync(WatchRun run, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        try
        {
            await foreach (EtcdWatchBatch batch in run.ReadAsync(cancellationToken).ConfigureAwait(false))
                yield return batch;
        }
        finally
        {
            run.Stop();
        }
    }

    private WatchRun CreateRun(EtcdRange range, EtcdWatchOptions? options, bool snapshot)
    {
        if (range.Start.IsEmpty)
            throw new ArgumentException("A key must not be empty.", nameof(range));
        options ??= new EtcdWatchOptions();
        ArgumentOutOfRangeException.ThrowIfNegative(options.StartRevision, nameof(options));
        if (options.BufferEvents < 1 || options.BufferBytes < 1)
            throw new ArgumentOutOfRangeException(nameof(options), "The buffer of a watch must have room for something.");
        return new WatchRun(connection, kv, prefix, range, options, snapshot);
    }
}
