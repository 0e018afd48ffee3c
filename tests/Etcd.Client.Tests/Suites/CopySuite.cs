using Etcd.TestKit.Network;

namespace Etcd.Client.Tests.Suites;

/// <summary>Goal: a cache and a mirror are what the store was at a revision, whatever happens to the connection.</summary>
public abstract class CopySuite : CoordinationSuite
{
    [Fact]
    public async Task A_cache_has_what_was_there_and_what_comes()
    {
        await Client.Kv.PutAsync(Prefix + "a", "1", cancellationToken: Token);
        await using EtcdCache cache = await EtcdCache.StartAsync(Client, EtcdRange.Prefix(Prefix), Token);
        Assert.Equal("1", cache.Get(Prefix + "a")!.Value.ToString());

        EtcdPutResult put = await Client.Kv.PutAsync(Prefix + "b", "2", cancellationToken: Token);
        await Client.Kv.DeleteAsync(Prefix + "a", Token);
        EtcdCacheView mine = await InTimeAsync(cache.GetAtLeastAsync(put.Revision, Token));
        EtcdCacheView latest = await InTimeAsync(cache.GetLatestAsync(Token));

        Assert.Equal("2", mine.Get(Prefix + "b")!.Value.ToString());
        Assert.Null(latest.Get(Prefix + "a"));
        Assert.Equal([Prefix + "b"], latest.Items.Select(item => item.Key.ToString()));
        Assert.Equal(1, latest.Count);
    }

    /// <summary>Only progress tells of it: nothing of it is in the range.</summary>
    [Fact]
    public async Task A_cache_gets_to_a_revision_that_changed_nothing_in_it()
    {
        await using EtcdCache cache = await EtcdCache.StartAsync(Client, EtcdRange.Prefix(Prefix), Token);

        long elsewhere = (await Client.Kv.PutAsync($"t/other/{Guid.NewGuid()}", "", cancellationToken: Token)).Revision;
        EtcdCacheView view = await InTimeAsync(cache.GetAtLeastAsync(elsewhere, Token));

        Assert.True(view.Revision >= elsewhere);
        Assert.Equal(0, view.Count);
    }

    /// <summary>Pairs of keys are written together; a view that has two halves of different pairs would be a mixture.</summary>
    [Fact]
    public async Task Each_view_is_one_revision_while_the_connection_is_cut()
    {
        const int Writes = 300;
        FaultProxy proxy = NewProxy();
        EtcdClient reader = NewClient(proxy.Url, options => options.Retry.MaxDelay = TimeSpan.FromMilliseconds(50));
        await using EtcdCache cache = await EtcdCache.StartAsync(reader, EtcdRange.Prefix(Prefix), Token);
        proxy.ResetAfterBytes = number => 4000 + (number * 2000);
        proxy.Reset();

        Task writing = WriteAsync();
        int views = 0;
        await foreach (EtcdCacheView view in cache.FollowAsync(Token))
        {
            views++;
            Assert.Equal(view.Get(Prefix + "x")?.Value, view.Get(Prefix + "y")?.Value);
            if (view.Get(Prefix + "x")?.Value == $"{Writes}")
            {
                break;
            }
        }

        await writing;
        Assert.True(views > 1);
        Assert.True(proxy.Accepted > 2, $"{proxy.Accepted} connections");

        async Task WriteAsync()
        {
            for (int i = 1; i <= Writes; i++)
            {
                await Client.Kv.CommitAsync(
                    new EtcdTxn().Then(EtcdOp.Put(Prefix + "x", $"{i}"), EtcdOp.Put(Prefix + "y", $"{i}")), cancellationToken: Token);
            }
        }
    }

    [Fact]
    public async Task A_cache_lists_again_after_a_compaction_that_it_missed()
    {
        FaultProxy proxy = NewProxy();
        EtcdClient reader = NewClient(proxy.Url);
        await Client.Kv.PutAsync(Prefix + "gone", "1", cancellationToken: Token);
        await using EtcdCache cache = await EtcdCache.StartAsync(reader, EtcdRange.Prefix(Prefix), Token);
        await proxy.RefuseAsync();
        proxy.Reset();
        await Client.Kv.DeleteAsync(Prefix + "gone", Token);
        long last = (await Client.Kv.PutAsync(Prefix + "new", "2", cancellationToken: Token)).Revision;
        await Client.Kv.CompactAsync(last, cancellationToken: Token);
        Assert.NotNull(cache.Get(Prefix + "gone"));

        proxy.Accept();
        EtcdCacheView view = await InTimeAsync(cache.GetAtLeastAsync(last, Token));

        Assert.Equal([Prefix + "new"], view.Items.Select(item => item.Key.ToString()));
    }

    [Fact]
    public async Task Who_waits_for_a_cache_that_ends_is_told()
    {
        EtcdCache cache = await EtcdCache.StartAsync(Client, EtcdRange.Prefix(Prefix), Token);
        Task<EtcdCacheView> waiting = cache.GetAtLeastAsync(long.MaxValue, Token).AsTask();

        await cache.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => InTimeAsync(waiting));
        await cache.DisposeAsync();
    }

    [Fact]
    public async Task A_mirror_makes_and_keeps_the_copies_equal()
    {
        string from = Prefix + "from/";
        string to = Prefix + "to/";
        EtcdClient destination = NewClient();
        for (int i = 0; i < 300; i++)
        {
            await Client.Kv.PutAsync($"{from}{i:d3}", $"{i}", cancellationToken: Token);
        }

        await destination.Kv.PutAsync(to + "stranger", "", cancellationToken: Token);
        var mirror = new EtcdMirror(Client, destination, new EtcdMirrorOptions { Prefix = from, DestinationPrefix = (EtcdKey)to, MaxTxnOps = 50 });
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task running = mirror.RunAsync(ending.Token);

        await Client.Kv.DeleteAsync(EtcdRange.Between(from + "100", from + "150"), cancellationToken: Token);
        long last = (await Client.Kv.PutAsync(from + "new", "v", cancellationToken: Token)).Revision;
        await UntilAsync(() => running.IsCompleted || mirror.Revision >= last);
        await ending.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);

        EtcdRangeResult source = await Client.Kv.GetRangeAsync(EtcdRange.Prefix(from), cancellationToken: Token);
        EtcdRangeResult copy = await Client.Kv.GetRangeAsync(EtcdRange.Prefix(to), cancellationToken: Token);
        Assert.Equal(251, copy.Items.Count);
        Assert.Equal(
            source.Items.Select(item => $"{item.Key.ToString()[from.Length..]}={item.Value}"),
            copy.Items.Select(item => $"{item.Key.ToString()[to.Length..]}={item.Value}"));
    }

    /// <summary>Two keys that change together never differ in the copy.</summary>
    [Fact]
    public async Task A_mirror_writes_a_revision_at_once()
    {
        const int Writes = 100;
        string from = Prefix + "from/";
        string to = Prefix + "to/";
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var mirror = new EtcdMirror(Client, NewClient(), new EtcdMirrorOptions { Prefix = from, DestinationPrefix = (EtcdKey)to });
        Task running = mirror.RunAsync(ending.Token);
        await using EtcdWatcher watcher = await Client.Watch.StartAsync(EtcdRange.Prefix(to), cancellationToken: Token);
        for (int i = 1; i <= Writes; i++)
        {
            await Client.Kv.CommitAsync(new EtcdTxn().Then(EtcdOp.Put(from + "x", $"{i}"), EtcdOp.Put(from + "y", $"{i}")), cancellationToken: Token);
        }

        await using IAsyncEnumerator<EtcdWatchBatch> batches = watcher.GetAsyncEnumerator(Token);
        EtcdWatchBatch batch;
        do
        {
            batch = await NextAsync(batches);
            Assert.Equal(2, batch.Events.Count);
            Assert.Equal(batch.Events[0].Value, batch.Events[1].Value);
        }
        while (batch.Events[0].Value != $"{Writes}");

        await ending.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }
}
