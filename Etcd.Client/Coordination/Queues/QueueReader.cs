namespace Etcd.Client;

/// <summary>Takes items off a queue, each for one taker. Safe for concurrent use.</summary>
internal sealed class QueueReader(IEtcdClient client, EtcdRange range, EtcdSortBy order)
{
    // A taker that was not fast enough for the first tries the next, without another request.
    private const int Looks = 4;

    private readonly EtcdRangeOptions _first = new() { SortBy = order, Order = EtcdSortOrder.Ascending, Limit = Looks };

    public async ValueTask<EtcdKeyValue?> TryTakeAsync(CancellationToken cancellation) =>
        (await TakeFirstAsync(cancellation).ConfigureAwait(false)).Item;

    public async ValueTask<EtcdKeyValue> TakeAsync(CancellationToken cancellation)
    {
        while (true)
        {
            (EtcdKeyValue? item, long seen) = await TakeFirstAsync(cancellation).ConfigureAwait(false);
            if (item is not null)
                return item;
            await UntilMoreAsync(seen, cancellation).ConfigureAwait(false);
        }
    }

    private async ValueTask<(EtcdKeyValue? Item, long Seen)> TakeFirstAsync(CancellationToken cancellation)
    {
        while (true)
        {
            EtcdRangeResult found = await client.Kv.GetRangeAsync(range, _first, cancellation).ConfigureAwait(false);
            foreach (EtcdKeyValue item in found.Items)
            {
                EtcdTxn claim = new EtcdTxn().If(EtcdCompare.ModRevision(item.Key).EqualTo(item.ModRevision)).Then(EtcdOp.Delete(item.Key));
                cancellation.ThrowIfCancellationRequested();
                // Not to be cancelled, as an item that is taken and not handed out would be lost. The call's timeout bounds it.
                if ((await client.Kv.CommitAsync(claim, null, CancellationToken.None).ConfigureAwait(false)).Succeeded)
                    return (item, found.Header.Revision);
            }

            if (found.Items.Count == 0)
                return (null, found.Header.Revision);
        }
    }

    private async ValueTask UntilMoreAsync(long seen, CancellationToken cancellation)
    {
        try
        {
            var puts = new EtcdWatchOptions { StartRevision = seen + 1, NoDeletes = true };
            await foreach (EtcdWatchBatch batch in client.Watch.WatchAsync(range, puts, cancellation).ConfigureAwait(false))
                if (batch.Events.Count != 0)
                    return;
        }
        catch (EtcdCompactedException)
        {
            // The next look tells.
        }
    }
}
