using System.Runtime.CompilerServices;
using Etcd.Protocol.Errors;

namespace Etcd.Client;

/// <summary>The cache as a source of watches.</summary>
public sealed partial class EtcdCache
{
    // So many are taken under the lock at a time: the lock is held for a moment however far behind the reader is.
    private const int Portion = 64;

    /// <summary>
    /// Watches the cache: what <see cref="IEtcdWatch.WatchAsync"/> would tell, without a request. All readers share the cache's own watch and its
    /// history; none holds up another or the cache.
    /// </summary>
    /// <param name="range">What to watch; only what lies in the cache's range is told.</param>
    /// <param name="options">How; null for all that happens from now on.</param>
    /// <param name="cancellationToken">Ends the watch.</param>
    /// <returns>
    /// One batch for each revision that has changed something in the range, in order and without a gap. From behind a view on
    /// (<see cref="EtcdCacheView.Revision"/> + 1) it tells exactly what the view does not have.
    /// </returns>
    /// <exception cref="EtcdCompactedException">The cache does not have the history that is needed; see <see cref="EtcdCacheWatchOptions.OnCompaction"/>.</exception>
    /// <exception cref="EtcdException">The cache's own watch has failed for good.</exception>
    /// <exception cref="ObjectDisposedException">The cache has ended.</exception>
    /// <example>
    /// <code>
    /// EtcdCacheView view = cache.Current;
    /// Show(view);
    /// var changes = new EtcdCacheWatchOptions { StartRevision = view.Revision + 1 };
    /// await foreach (EtcdWatchBatch batch in cache.WatchAsync(EtcdRange.Prefix("config/web/"), changes, stopping))
    ///     foreach (EtcdWatchEvent change in batch.Events)
    ///         Console.WriteLine($"{batch.Revision}: {change.Type} {change.Key}");
    /// </code>
    /// </example>
    public async IAsyncEnumerable<EtcdWatchBatch> WatchAsync(
        EtcdRange range, EtcdCacheWatchOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if (range.Start.IsEmpty)
            throw new ArgumentException("A key must not be empty.", nameof(range));
        options ??= new EtcdCacheWatchOptions();
        ArgumentOutOfRangeException.ThrowIfNegative(options.StartRevision, nameof(options));
        long? place = null;
        long next = options.StartRevision;
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Portioned portion = Take(place, next);
            if (portion.Gone is { } floor)
            {
                if (options.OnCompaction == EtcdCompactionPolicy.Throw)
                    throw Compacted(floor);
                place = portion.Place;
                next = portion.View.Revision + 1;
                yield return Snapshot(portion.View, range);
                continue;
            }

            place = portion.Place;
            foreach (EtcdWatchBatch batch in portion.Batches)
                if (batch.Revision >= next && Filter(batch, range, options) is { } told)
                    yield return told;
            if (portion.Batches.Length == 0)
                await portion.Changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private static EtcdCompactedException Compacted(long floor) => new(
        new Failure { Message = EtcdErrors.Compacted.Text, Code = EtcdErrors.Compacted.Code, ErrorId = EtcdErrorId.Compacted }, floor + 1);

    private static EtcdWatchBatch Snapshot(EtcdCacheView view, EtcdRange range) => new(
        EtcdWatchBatchKind.Snapshot,
        view.Revision,
        [.. view.Items.Where(item => range.Contains(item.Key)).Select(item => new EtcdWatchEvent(EtcdEventType.Put, item, null))])
    {
        StartsSnapshot = true,
        EndsSnapshot = true,
    };

    private static EtcdWatchBatch? Filter(EtcdWatchBatch batch, EtcdRange range, EtcdCacheWatchOptions options)
    {
        EtcdWatchEvent[] events =
        [
            .. batch.Events.Where(change => range.Contains(change.Key)
                && (change.Type == EtcdEventType.Put ? !options.NoPuts : !options.NoDeletes)),
        ];
        return events.Length == 0 ? null : events.Length == batch.Events.Count ? batch : new EtcdWatchBatch(batch.Kind, batch.Revision, events);
    }

    /// <param name="place">Where the reader is in the history; null at first.</param>
    /// <param name="next">The first revision that it wants; 0 for what comes from now on.</param>
    private Portioned Take(long? place, long next)
    {
        lock (_gate)
        {
            ThrowIfFailed();
            long at = place ?? (next == 0 ? _history.End : _history.PlaceOf(next));
            bool isGone = place is null ? next != 0 && next <= _history.Floor : at < _history.First;
            if (isGone)
                return new Portioned(_history.End, [], _history.Floor, _current, _changed.Task);
            EtcdWatchBatch[] batches = _history.From(at, Portion);
            return new Portioned(at + batches.Length, batches, null, _current, _changed.Task);
        }
    }

    /// <param name="Place">Where the reader goes on.</param>
    /// <param name="Batches">What there is for it.</param>
    /// <param name="Gone">The revision up to which history is gone, where that is in the reader's way.</param>
    /// <param name="View">The range at that moment.</param>
    /// <param name="Changed">Completes with the next change.</param>
    private readonly record struct Portioned(long Place, EtcdWatchBatch[] Batches, long? Gone, EtcdCacheView View, Task Changed);
}
