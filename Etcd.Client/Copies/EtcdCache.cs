using System.Runtime.CompilerServices;

namespace Etcd.Client;

/// <summary>
/// A copy of a range in this process, which a watch keeps up to date: reads cost no request. Each view is the range as one revision has it,
/// never a mixture of two. Safe for concurrent use.
/// </summary>
/// <remarks>
/// While the cluster cannot be reached the copy stays as it was, and goes on when it can be again; it is listed anew where history was
/// compacted meanwhile, or another cluster answers. Its last changes are kept too, so that any number of readers can watch it
/// (<see cref="WatchAsync"/>) at the cost of one watch of the cluster.
/// </remarks>
/// <example>
/// <code>
/// await using EtcdCache cache = await EtcdCache.StartAsync(client, EtcdRange.Prefix("config/"));
/// EtcdKeyValue? color = cache.Get("config/color");                    // as far as it is known here
/// EtcdCacheView latest = await cache.GetLatestAsync();                // with all that was acknowledged before
/// EtcdPutResult put = await client.Kv.PutAsync("config/color", "red");
/// EtcdCacheView mine = await cache.GetAtLeastAsync(put.Revision);     // with this put
/// </code>
/// </example>
public sealed partial class EtcdCache : IAsyncDisposable
{
    // How often the server is asked how far the watch is, while somebody waits for a revision that changes nothing in the range.
    private static readonly TimeSpan AskEvery = TimeSpan.FromMilliseconds(50);

    private readonly IEtcdClient _client;
    private readonly EtcdRange _range;
    private readonly CancellationTokenSource _ending = new();
    private readonly Lock _gate = new();
    private readonly CacheHistory _history;
    private TaskCompletionSource _changed = NewSignal();
    private EtcdCacheView _current = new(0);
    private EtcdCacheView? _building;
    private Exception? _failure;
    private Task _running = Task.CompletedTask;

    private EtcdCache(IEtcdClient client, EtcdRange range, EtcdCacheOptions options)
    {
        _client = client;
        _range = range;
        _history = new CacheHistory(options.HistoryRevisions, options.HistoryBytes);
    }

    /// <summary>The range as it is known here.</summary>
    public EtcdCacheView Current => Volatile.Read(ref _current);

    /// <summary>Starts a copy, and returns when it is complete.</summary>
    /// <exception cref="EtcdException">The range cannot be read.</exception>
    public static ValueTask<EtcdCache> StartAsync(IEtcdClient client, EtcdRange range, CancellationToken cancellationToken = default) =>
        StartAsync(client, range, null, cancellationToken);

    /// <summary>Starts a copy, and returns when it is complete.</summary>
    /// <param name="client">Where the range is.</param>
    /// <param name="range">What to copy.</param>
    /// <param name="options">How much of its history to keep; null for the defaults.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="EtcdException">The range cannot be read.</exception>
    public static async ValueTask<EtcdCache> StartAsync(
        IEtcdClient client, EtcdRange range, EtcdCacheOptions? options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(client);
        options ??= new EtcdCacheOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.HistoryRevisions, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.HistoryBytes, 1, nameof(options));
        var cache = new EtcdCache(client, range, options);
        cache._running = Task.Run(cache.RunAsync, CancellationToken.None);
        try
        {
            await cache.GetAtLeastAsync(1, cancellationToken).ConfigureAwait(false);
            return cache;
        }
        catch
        {
            await cache.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>One key as it is known here; null where it does not exist.</summary>
    public EtcdKeyValue? Get(EtcdKey key) => Current.Get(key);

    /// <summary>Waits until a revision is known here.</summary>
    /// <returns>A view of that revision or a later one.</returns>
    /// <exception cref="EtcdException">The watch has failed for good.</exception>
    public async ValueTask<EtcdCacheView> GetAtLeastAsync(long revision, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            Task changed = Changed();
            EtcdCacheView view = Current;
            if (view.Revision >= revision)
                return view;
            if (view.Revision != 0)
                await _client.Watch.RequestProgressAsync(cancellationToken).ConfigureAwait(false);
            await Task.WhenAny(changed, Task.Delay(AskEvery, cancellationToken)).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Asks the cluster for its revision, and waits until that is known here.</summary>
    /// <returns>A view with all that was acknowledged before the call.</returns>
    public async ValueTask<EtcdCacheView> GetLatestAsync(CancellationToken cancellationToken = default)
    {
        var countOnly = new EtcdRangeOptions { CountOnly = true };
        EtcdRangeResult count = await _client.Kv.GetRangeAsync(EtcdRange.Single(_range.Start), countOnly, cancellationToken).ConfigureAwait(false);
        return await GetAtLeastAsync(count.Header.Revision, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Gives the view, and the new one whenever a key has changed. A reader that is behind gets the newest, and not those between.
    /// </summary>
    /// <exception cref="EtcdException">The watch has failed for good.</exception>
    public async IAsyncEnumerable<EtcdCacheView> FollowAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        EtcdCacheView? told = null;
        while (true)
        {
            Task changed = Changed();
            EtcdCacheView view = Current;
            if (!ReferenceEquals(view.Map, told?.Map))
            {
                told = view;
                yield return view;
            }
            else
                await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Ends the watch. Those who wait get an <see cref="ObjectDisposedException"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        Fail(new ObjectDisposedException(nameof(EtcdCache)));
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task RunAsync()
    {
        var options = new EtcdWatchOptions { OnCompaction = EtcdCompactionPolicy.ListAgain, ReportProgress = true };
        try
        {
            await foreach (EtcdWatchBatch batch in _client.Watch.GetThenWatchAsync(_range, options, _ending.Token).ConfigureAwait(false))
                Take(batch);
            Fail(new ObjectDisposedException(nameof(EtcdCache)));
        }
        catch (Exception e)
        {
            // Whatever it is: those who wait would wait for ever.
            Fail(_ending.IsCancellationRequested ? new ObjectDisposedException(nameof(EtcdCache)) : e);
        }
    }

    // A snapshot in several parts shows when it is complete.
    private void Take(EtcdWatchBatch batch)
    {
        EtcdCacheView next = (_building ?? _current).With(batch);
        bool partial = batch.Kind == EtcdWatchBatchKind.Snapshot && !batch.EndsSnapshot;
        _building = partial ? next : null;
        if (partial)
            return;
        TaskCompletionSource changed;
        lock (_gate)
        {
            // A listing does not tell what happened before it.
            if (batch.Kind == EtcdWatchBatchKind.Snapshot)
                _history.Restart(batch.Revision);
            else if (batch.Events.Count != 0)
                _history.Add(batch);
            Volatile.Write(ref _current, next);
            changed = _changed;
            _changed = NewSignal();
        }

        changed.TrySetResult();
    }

    private void Fail(Exception failure)
    {
        TaskCompletionSource changed;
        lock (_gate)
        {
            _failure ??= failure;
            changed = _changed;
        }

        changed.TrySetResult();
    }

    private Task Changed()
    {
        lock (_gate)
        {
            ThrowIfFailed();
            return _changed.Task;
        }
    }

    private void ThrowIfFailed()
    {
        if (_failure is { } failure)
            throw failure is ObjectDisposedException
                ? new ObjectDisposedException(nameof(EtcdCache))
                : new EtcdException("The watch of the copy has failed: " + failure.Message, failure);
    }
}
