using System.Collections.Immutable;
using Etcd.Client;

namespace Etcd.Configuration.Reading;

/// <summary>Reads views: a whole one, or the one that follows from another and a change.</summary>
internal sealed class StoreReader(IEtcdClient client, IReadOnlyList<EtcdRange> roots, TimeSpan timeout, TimeProvider clock)
{
    // The client's own timeout says why a load failed; this one ends loads of many pages, each of which is in time.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    /// <summary>Reads all ranges at one revision: the latest when the first of them is read.</summary>
    /// <exception cref="TimeoutException">It took too long.</exception>
    /// <exception cref="EtcdException">The client could not.</exception>
    public Task<StoreView> ReadAsync(CancellationToken cancellation) => InTimeAsync(
        async limit =>
        {
            while (true)
            {
                try
                {
                    return await ReadOnceAsync(limit).ConfigureAwait(false);
                }
                catch (EtcdCompactedException)
                {
                    // The revision went away between two pages; the next one is newer.
                }
            }
        },
        cancellation);

    /// <summary>
    /// The view after a change of one range. The others are read at the change's revision: a transaction may have changed them too, and
    /// their own watches may be behind.
    /// </summary>
    /// <exception cref="EtcdCompactedException">The others cannot be read at that revision any more.</exception>
    public async Task<StoreView> AdvanceAsync(StoreView view, int root, EtcdWatchBatch change, CancellationToken cancellation)
    {
        ImmutableSortedDictionary<EtcdKey, EtcdKeyValue> changed = Change(view.Root(root), change);
        if (roots.Count == 1)
            return new StoreView(change.Revision, [changed]);
        return await InTimeAsync(
            async limit =>
            {
                var all = ImmutableArray.CreateBuilder<ImmutableSortedDictionary<EtcdKey, EtcdKeyValue>>(roots.Count);
                for (int i = 0; i < roots.Count; i++)
                    all.Add(i == root ? changed : (await ListAsync(roots[i], change.Revision, limit).ConfigureAwait(false)).Items);
                return new StoreView(change.Revision, all.MoveToImmutable());
            },
            cancellation).ConfigureAwait(false);
    }

    private static ImmutableSortedDictionary<EtcdKey, EtcdKeyValue> Change(ImmutableSortedDictionary<EtcdKey, EtcdKeyValue> items, EtcdWatchBatch change)
    {
        var builder = items.ToBuilder();
        foreach (EtcdWatchEvent e in change.Events)
        {
            if (e.Type == EtcdEventType.Put)
                builder[e.Key] = e.KeyValue;
            else
                builder.Remove(e.Key);
        }

        return builder.ToImmutable();
    }

    private async Task<StoreView> ReadOnceAsync(CancellationToken limit)
    {
        long revision = 0;
        var all = ImmutableArray.CreateBuilder<ImmutableSortedDictionary<EtcdKey, EtcdKeyValue>>(roots.Count);
        foreach (EtcdRange root in roots)
        {
            (ImmutableSortedDictionary<EtcdKey, EtcdKeyValue> items, revision) = await ListAsync(root, revision, limit).ConfigureAwait(false);
            all.Add(items);
        }

        return new StoreView(revision, all.MoveToImmutable());
    }

    private async Task<(ImmutableSortedDictionary<EtcdKey, EtcdKeyValue> Items, long Revision)> ListAsync(
        EtcdRange range, long revision, CancellationToken limit)
    {
        var items = ImmutableSortedDictionary.CreateBuilder<EtcdKey, EtcdKeyValue>();
        var options = new EtcdListOptions { Revision = revision, Timeout = timeout };
        await foreach (EtcdPage page in client.Kv.ListPagesAsync(range, options, limit).ConfigureAwait(false))
        {
            revision = page.Revision;
            foreach (EtcdKeyValue item in page.Items)
                items[item.Key] = item;
        }

        return (items.ToImmutable(), revision);
    }

    private async Task<T> InTimeAsync<T>(Func<CancellationToken, Task<T>> read, CancellationToken cancellation)
    {
        if (timeout == Timeout.InfiniteTimeSpan)
            return await read(cancellation).ConfigureAwait(false);
        using var timer = new CancellationTokenSource(timeout + Grace, clock);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellation);
        try
        {
            return await read(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new TimeoutException($"etcd was not read within {timeout}.", e);
        }
    }
}
