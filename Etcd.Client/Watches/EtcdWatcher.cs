namespace Etcd.Client;

/// <summary>A watch that a member has accepted. It is read once, by one reader, and ends with the disposal.</summary>
/// <example>
/// <code>
/// await using EtcdWatcher watcher = await client.Watch.StartAsync(EtcdRange.Prefix("jobs/"));
/// await client.Kv.PutAsync("jobs/7", "begin");   // it will be told
/// await foreach (EtcdWatchBatch batch in watcher)
///     Console.WriteLine($"{batch.Revision}: {batch.Events[0].Key}");
/// </code>
/// </example>
public sealed class EtcdWatcher : IAsyncEnumerable<EtcdWatchBatch>, IAsyncDisposable
{
    private readonly WatchRun _run;
    private int _read;

    internal EtcdWatcher(WatchRun run, long startRevision)
    {
        _run = run;
        StartRevision = startRevision;
    }

    /// <summary>The first revision that the watch can tell of.</summary>
    public long StartRevision { get; }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">It has been read already.</exception>
    public IAsyncEnumerator<EtcdWatchBatch> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
        Interlocked.Exchange(ref _read, 1) == 0
            ? _run.ReadAsync(cancellationToken).GetAsyncEnumerator(cancellationToken)
            : throw new InvalidOperationException("A watcher is read once.");

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _run.Stop();
        return ValueTask.CompletedTask;
    }
}
