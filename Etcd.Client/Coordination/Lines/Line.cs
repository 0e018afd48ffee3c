namespace Etcd.Client;

/// <summary>
/// A line of keys, in which who comes later waits for those before: for all of them, or until only so many are left. Which keys count is
/// the range; their order is that of the revisions that made them. Immutable.
/// </summary>
/// <param name="client">Where the keys are.</param>
/// <param name="before">The keys that a later one waits for.</param>
/// <param name="places">How many keys may be at the front at a time.</param>
internal sealed class Line(IEtcdClient client, EtcdRange before, int places = 1)
{
    private static readonly EtcdWatchOptions Deletes = new() { NoPuts = true };

    /// <summary>Reads those at the front.</summary>
    public EtcdOp<EtcdRangeResult> Look() => EtcdOp.Get(before, new EtcdRangeOptions
    {
        SortBy = EtcdSortBy.CreateRevision,
        Order = EtcdSortOrder.Ascending,
        Limit = places,
        KeysOnly = true,
    });

    /// <summary>Whether a key of this revision is at the front.</summary>
    public bool IsFront(EtcdRangeResult look, long revision) => look.Items.Count(item => item.CreateRevision < revision) < places;

    /// <summary>Waits until a key of this revision is at the front.</summary>
    public ValueTask WaitAsync(long revision, CancellationToken cancellation) =>
        places == 1 ? WaitForLastAsync(revision, cancellation) : WaitForPlaceAsync(revision, cancellation);

    /// <summary>
    /// Waits until a key is deleted, or history does not tell any more whether it was.
    /// </summary>
    /// <param name="client">Where it is.</param>
    /// <param name="key">The key.</param>
    /// <param name="seen">A revision at which it was there.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Whether it was seen to be deleted.</returns>
    public static async ValueTask<bool> UntilDeletedAsync(IEtcdClient client, EtcdKey key, long seen, CancellationToken cancellation)
    {
        try
        {
            await foreach (EtcdWatchBatch batch in client.Watch.WatchAsync(
                EtcdRange.Single(key), Deletes with { StartRevision = seen + 1 }, cancellation).ConfigureAwait(false))
                if (batch.Events.Count != 0)
                    return true;
        }
        catch (EtcdCompactedException)
        {
        }

        return false;
    }

    // Each waits for the one before it only, so that a key that goes wakes one waiter and not all.
    private async ValueTask WaitForLastAsync(long revision, CancellationToken cancellation)
    {
        var last = new EtcdRangeOptions
        {
            SortBy = EtcdSortBy.CreateRevision,
            Order = EtcdSortOrder.Descending,
            Limit = 1,
            MaxCreateRevision = revision - 1,
            KeysOnly = true,
        };
        while (true)
        {
            EtcdRangeResult found = await client.Kv.GetRangeAsync(before, last, cancellation).ConfigureAwait(false);
            if (found.Items.Count == 0)
                return;
            await UntilDeletedAsync(client, found.Items[0].Key, found.Header.Revision, cancellation).ConfigureAwait(false);
        }
    }

    // Nobody comes before a key later on, so what is before it now only becomes less.
    private async ValueTask WaitForPlaceAsync(long revision, CancellationToken cancellation)
    {
        var older = new EtcdRangeOptions { MaxCreateRevision = revision - 1, KeysOnly = true };
        bool done = false;
        while (!done)
        {
            EtcdRangeResult found = await client.Kv.GetRangeAsync(before, older, cancellation).ConfigureAwait(false);
            HashSet<EtcdKey> left = [.. found.Items.Select(item => item.Key)];
            done = left.Count < places || await ShrinksAsync(left, found.Header.Revision, cancellation).ConfigureAwait(false);
        }
    }

    /// <returns>False where history does not tell any more.</returns>
    private async ValueTask<bool> ShrinksAsync(HashSet<EtcdKey> left, long seen, CancellationToken cancellation)
    {
        try
        {
            await foreach (EtcdWatchBatch batch in client.Watch.WatchAsync(
                before, Deletes with { StartRevision = seen + 1 }, cancellation).ConfigureAwait(false))
            {
                foreach (EtcdWatchEvent change in batch.Events)
                    left.Remove(change.Key);
                if (left.Count < places)
                    return true;
            }
        }
        catch (EtcdCompactedException)
        {
        }

        return false;
    }
}
