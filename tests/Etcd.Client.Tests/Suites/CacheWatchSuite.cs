namespace Etcd.Client.Tests.Suites;

/// <summary>Goal: who watches a cache hears what a watch of the cluster tells, as far back as the cache's history goes, or hears that it is gone.</summary>
public abstract class CacheWatchSuite : CoordinationSuite
{
    private static readonly EtcdCacheWatchOptions ListAgain = new() { OnCompaction = EtcdCompactionPolicy.ListAgain };

    /// <summary>Method: many readers begin at different moments of the present and the past while transactions are written; all must hear the same.</summary>
    [Fact]
    public async Task Watches_of_a_cache_tell_what_a_watch_of_the_cluster_tells()
    {
        const int Writes = 300;
        const int Readers = 20;
        await using EtcdCache cache = await EtcdCache.StartAsync(Client, EtcdRange.Prefix(Prefix), Token);
        long first = cache.Current.Revision + 1;
        await using EtcdWatcher watcher = await Client.Watch.StartAsync(
            EtcdRange.Prefix(Prefix + "a/"), new EtcdWatchOptions { StartRevision = first }, Token);
        var readers = new List<Task<List<string>>>();
        for (int i = 1; i <= Writes; i++)
        {
            EtcdOp other = i % 10 == 0 ? EtcdOp.Delete(Prefix + $"a/{i - 1}") : EtcdOp.Put(Prefix + $"b/{i}", "");
            await Client.Kv.CommitAsync(new EtcdTxn().Then(EtcdOp.Put(Prefix + $"a/{i}", $"{i}"), other), cancellationToken: Token);
            if (i % (Writes / Readers) == 0)
            {
                readers.Add(ReadAsync(cache.WatchAsync(EtcdRange.Prefix(Prefix + "a/"), new EtcdCacheWatchOptions { StartRevision = first }, Token)));
            }
        }

        List<string> expected = await ReadAsync(watcher);
        Assert.Equal(Writes, expected.Count);
        Assert.All(await Task.WhenAll(readers), told => Assert.Equal(expected, told));

        static async Task<List<string>> ReadAsync(IAsyncEnumerable<EtcdWatchBatch> batches)
        {
            var told = new List<string>();
            await foreach (EtcdWatchBatch batch in batches.WithCancellation(Token))
            {
                told.Add(Text(batch));
                if (batch.Events.Any(change => change.Value == $"{Writes}"))
                {
                    break;
                }
            }

            return told;
        }
    }

    /// <summary>Method: a reader makes a copy of a view and what comes behind it; the copy is the cache's next view each time.</summary>
    [Fact]
    public async Task A_view_and_what_is_told_from_behind_it_make_the_next_views()
    {
        await using EtcdCache cache = await EtcdCache.StartAsync(Client, EtcdRange.Prefix(Prefix), Token);
        long last = 0;
        for (int i = 0; i < 50; i++)
        {
            last = (await Client.Kv.PutAsync(Prefix + $"{i % 7}", $"{i}", cancellationToken: Token)).Revision;
        }

        EtcdCacheView view = await InTimeAsync(cache.GetAtLeastAsync(last, Token));
        var copy = view.Items.ToDictionary(item => item.Key, item => item.Value);
        var options = new EtcdCacheWatchOptions { StartRevision = view.Revision + 1 };
        await using IAsyncEnumerator<EtcdWatchBatch> batches = cache.WatchAsync(EtcdRange.All, options, Token).GetAsyncEnumerator(Token);
        for (int i = 0; i < 50; i++)
        {
            last = i % 3 == 0
                ? (await Client.Kv.DeleteAsync(EtcdRange.Single(Prefix + $"{i % 7}"), cancellationToken: Token)).Revision
                : (await Client.Kv.PutAsync(Prefix + $"{i % 7}", $"{i}", cancellationToken: Token)).Revision;
        }

        long end = (await Client.Kv.PutAsync(Prefix + "end", "", cancellationToken: Token)).Revision;
        EtcdWatchBatch batch;
        do
        {
            batch = await NextAsync(batches);
            foreach (EtcdWatchEvent change in batch.Events)
            {
                if (change.Type == EtcdEventType.Put)
                {
                    copy[change.Key] = change.Value;
                }
                else
                {
                    copy.Remove(change.Key);
                }
            }
        }
        while (batch.Revision < end);

        Assert.Equal(
            cache.Current.Items.Select(item => $"{item.Key}={item.Value}"),
            copy.OrderBy(pair => pair.Key).Select(pair => $"{pair.Key}={pair.Value}"));
    }

    [Theory]
    [InlineData(10, long.MaxValue)]
    [InlineData(1000, 1000)]
    public async Task The_past_goes_as_far_back_as_the_history(int revisions, long bytes)
    {
        var kept = new EtcdCacheOptions { HistoryRevisions = revisions, HistoryBytes = bytes };
        await using EtcdCache cache = await EtcdCache.StartAsync(Client, EtcdRange.Prefix(Prefix), kept, Token);
        var written = new List<long>();
        for (int i = 0; i < 100; i++)
        {
            written.Add((await Client.Kv.PutAsync(Prefix + "k", new byte[60], cancellationToken: Token)).Revision);
        }

        await InTimeAsync(cache.GetAtLeastAsync(written[^1], Token));
        int oldest = 0;
        while (oldest < written.Count && await FirstAsync(written[oldest]) is null)
        {
            oldest++;
        }

        Assert.InRange(written.Count - oldest, 5, 10);
        Assert.Equal(written[oldest], await FirstAsync(written[oldest]));
        var gone = await Assert.ThrowsAsync<EtcdCompactedException>(() => NextOfAsync(new EtcdCacheWatchOptions { StartRevision = written[oldest - 1] }));
        Assert.Equal(written[oldest - 1] + 1, gone.CompactRevision);
        EtcdWatchBatch snapshot = await NextOfAsync(ListAgain with { StartRevision = written[0] });
        Assert.Equal(EtcdWatchBatchKind.Snapshot, snapshot.Kind);
        Assert.True(snapshot.Revision >= written[^1]);

        async Task<long?> FirstAsync(long revision)
        {
            try
            {
                return (await NextOfAsync(new EtcdCacheWatchOptions { StartRevision = revision })).Revision;
            }
            catch (EtcdCompactedException)
            {
                return null;
            }
        }

        async Task<EtcdWatchBatch> NextOfAsync(EtcdCacheWatchOptions options)
        {
            await using IAsyncEnumerator<EtcdWatchBatch> batches = cache.WatchAsync(EtcdRange.All, options, Token).GetAsyncEnumerator(Token);
            return await NextAsync(batches);
        }
    }

    [Fact]
    public async Task A_slow_reader_holds_up_nobody_and_hears_that_it_was_too_slow()
    {
        await using EtcdCache cache = await EtcdCache.StartAsync(
            Client, EtcdRange.Prefix(Prefix), new EtcdCacheOptions { HistoryRevisions = 20 }, Token);
        await using IAsyncEnumerator<EtcdWatchBatch> slow = cache.WatchAsync(EtcdRange.All, null, Token).GetAsyncEnumerator(Token);
        await using IAsyncEnumerator<EtcdWatchBatch> lenient = cache.WatchAsync(EtcdRange.All, ListAgain, Token).GetAsyncEnumerator(Token);
        await using IAsyncEnumerator<EtcdWatchBatch> fast = cache.WatchAsync(EtcdRange.All, null, Token).GetAsyncEnumerator(Token);
        Task[] begun = [slow.MoveNextAsync().AsTask(), lenient.MoveNextAsync().AsTask()];
        Task<EtcdWatchBatch> next = NextAsync(fast);
        long last = 0;
        for (int i = 0; i < 200; i++)
        {
            last = (await Client.Kv.PutAsync(Prefix + "k", $"{i}", cancellationToken: Token)).Revision;
            Assert.Equal(last, (await next).Revision);
            if (i < 199)
            {
                next = NextAsync(fast);
            }
        }

        await Task.WhenAll(begun);
        await Assert.ThrowsAsync<EtcdCompactedException>(async () =>
        {
            // What it was given when it asked for the first comes before.
            while (slow.Current.Revision < last)
            {
                await NextAsync(slow);
            }
        });
        EtcdWatchBatch batch = lenient.Current;
        while (batch.Kind == EtcdWatchBatchKind.Events)
        {
            batch = await NextAsync(lenient);
        }

        Assert.Equal("199", Assert.Single(batch.Events).Value.ToString());
    }

    [Fact]
    public async Task Filters_and_ranges_leave_out_what_is_not_wanted()
    {
        await using EtcdCache cache = await EtcdCache.StartAsync(Client, EtcdRange.Prefix(Prefix), Token);
        long start = cache.Current.Revision + 1;
        await Client.Kv.PutAsync(Prefix + "a", "1", cancellationToken: Token);
        await Client.Kv.PutAsync(Prefix + "b", "1", cancellationToken: Token);
        await Client.Kv.DeleteAsync(Prefix + "a", Token);
        await Client.Kv.PutAsync(Prefix + "a", "2", cancellationToken: Token);

        Assert.Equal([$"put {Prefix}a=1", $"put {Prefix}a=2"], await TakeAsync(EtcdRange.Single(Prefix + "a"), new() { NoDeletes = true }, 2));
        Assert.Equal([$"delete {Prefix}a="], await TakeAsync(EtcdRange.All, new() { NoPuts = true }, 1));
        Assert.Equal([$"put {Prefix}a=1", $"put {Prefix}b=1", $"delete {Prefix}a="], await TakeAsync(EtcdRange.All, new(), 3));

        async Task<string[]> TakeAsync(EtcdRange range, EtcdCacheWatchOptions options, int count)
        {
            var told = new List<string>();
            await using IAsyncEnumerator<EtcdWatchBatch> batches =
                cache.WatchAsync(range, options with { StartRevision = start }, Token).GetAsyncEnumerator(Token);
            while (told.Count < count)
            {
                told.Add(string.Join(",", (await NextAsync(batches)).Events.Select(Text)));
            }

            return [.. told];
        }
    }

    [Fact]
    public async Task Watchers_of_a_cache_that_ends_are_told()
    {
        EtcdCache cache = await EtcdCache.StartAsync(Client, EtcdRange.Prefix(Prefix), Token);
        await using IAsyncEnumerator<EtcdWatchBatch> batches = cache.WatchAsync(EtcdRange.All, null, Token).GetAsyncEnumerator(Token);
        Task<bool> next = batches.MoveNextAsync().AsTask();

        await cache.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => InTimeAsync(next));
    }

    private static string Text(EtcdWatchBatch batch) => $"{batch.Revision}: {string.Join(",", batch.Events.Select(Text))}";

    private static string Text(EtcdWatchEvent change) => $"{(change.Type == EtcdEventType.Put ? "put" : "delete")} {change.Key}={change.Value}";
}
