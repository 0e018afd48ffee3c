using Etcd.Client;

namespace Etcd.Configuration.Reading;

/// <summary>
/// Watches the provider's ranges and makes sure that they are heard of. The client resumes watches by itself; what ends them here is that
/// history is compacted, that a member refuses, or that it has not been certain for too long that nothing was missed.
/// </summary>
internal sealed class ChangeFeed(IEtcdClient client, IReadOnlyList<EtcdRange> roots, TimeSpan staleAfter, TimeProvider clock)
{
    // A lost question or two must not end a watch that is well.
    private const int QuestionsPerLimit = 4;

    private readonly long[] _heard = new long[roots.Count];
    private volatile bool _hasHeard;

    /// <summary>Whether all keys are in one range, so that its watch tells everything.</summary>
    public bool IsSingle => roots.Count == 1;

    /// <summary>
    /// When the range that has been silent for the longest was last heard of, by the clock's timestamps; null where none ever was.
    /// </summary>
    public long? OldestWord => _hasHeard ? roots.Select((_, i) => Volatile.Read(ref _heard[i])).Min() : null;

    /// <summary>Notes that everything is known as of now.</summary>
    public void Heard()
    {
        long now = clock.GetTimestamp();
        for (int i = 0; i < _heard.Length; i++)
            Volatile.Write(ref _heard[i], now);
        _hasHeard = true;
    }

    /// <summary>
    /// Tells all changes from a revision on, those of one range in order and one after the other; ranges run beside each other. Ends only by an
    /// exception.
    /// </summary>
    /// <param name="startRevision">The first revision to tell of.</param>
    /// <param name="take">Takes what there is to tell.</param>
    /// <param name="known">Up to which revision all is known.</param>
    /// <param name="isKnown">Whether all up to a revision is known already.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="StoreReplacedException">The store has less than what was known of it.</exception>
    public async Task RunAsync(
        long startRevision,
        Func<int, EtcdWatchBatch, CancellationToken, Task> take,
        Func<long> known,
        Func<long, bool> isKnown,
        CancellationToken cancellation)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task[] running = [AskAsync(startRevision - 1, known, isKnown, ending.Token), .. roots.Select((_, i) => WatchAsync(i, startRevision, take, ending.Token))];
        Task first = await Task.WhenAny(running).ConfigureAwait(false);
        await ending.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellation.ThrowIfCancellationRequested();
        await first.ConfigureAwait(false);
        throw new EtcdConfigurationException("The watch has ended.");
    }

    private async Task WatchAsync(
        int root, long startRevision, Func<int, EtcdWatchBatch, CancellationToken, Task> take, CancellationToken cancellation)
    {
        var options = new EtcdWatchOptions { StartRevision = startRevision, ReportProgress = true };
        await foreach (EtcdWatchBatch batch in client.Watch.WatchAsync(roots[root], options, cancellation).ConfigureAwait(false))
        {
            await take(root, batch, cancellation).ConfigureAwait(false);
            Volatile.Write(ref _heard[root], clock.GetTimestamp());
        }
    }

    private async Task AskAsync(long highest, Func<long> known, Func<long, bool> isKnown, CancellationToken cancellation)
    {
        if (staleAfter == Timeout.InfiniteTimeSpan)
            await Task.Delay(Timeout.Infinite, cancellation).ConfigureAwait(false);
        long begun = clock.GetTimestamp();
        using var timer = new PeriodicTimer(staleAfter / QuestionsPerLimit, clock);
        while (await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false))
        {
            // A feed that has only begun gets its time, however old the last word is.
            if (clock.GetElapsedTime(Math.Max(begun, OldestWord ?? begun)) >= staleAfter)
                throw new TimeoutException($"etcd has not been heard of for {staleAfter}.");
            highest = Math.Max(highest, known());
            await AskOnceAsync(highest, isKnown, cancellation).ConfigureAwait(false);
        }
    }

    // A store that is no newer than what is known has nothing to tell; etcd does not answer the watch's own question then, as the watch begins
    // in the future. Where it is newer the watch must say so: that somebody answers a read proves nothing about the watch.
    private async Task AskOnceAsync(long highest, Func<long, bool> isKnown, CancellationToken cancellation)
    {
        var options = new EtcdRangeOptions { CountOnly = true, Timeout = staleAfter / QuestionsPerLimit };
        try
        {
            EtcdRangeResult answer = await client.Kv.GetRangeAsync(roots[0], options, cancellation).ConfigureAwait(false);
            // A watch that begins in the future of a store that was wiped or restored would be silent until it has grown again.
            if (answer.Header.Revision < highest)
                throw new StoreReplacedException(highest, answer.Header.Revision);
            if (isKnown(answer.Header.Revision))
                Heard();
            else
                await client.Watch.RequestProgressAsync(cancellation).ConfigureAwait(false);
        }
        catch (EtcdException)
        {
            // Silence is what is noticed.
        }
    }
}
