using Etcd.Client.Tests.Suites;
using Etcd.TestKit.Members;

namespace Etcd.Client.Tests;

/// <summary>
/// Goal: a client that comes back to another cluster does not go on at revisions of the old one. Method: a member of another cluster, which is
/// further on than the first one was, takes its place at the same address; nothing but the cluster's id tells them apart.
/// </summary>
public sealed class ClusterChangeTests : ClientSuite, IAsyncLifetime
{
    private InProcessMember? _first;

    protected override string Url => _first!.Url;

    public async ValueTask InitializeAsync() => _first = Keep(await InProcessMember.StartAsync());

    [Fact]
    public async Task A_watch_ends_with_an_exception_that_names_both_clusters()
    {
        EtcdClient client = NewClient();
        ulong before = (await client.Kv.PutAsync("k", "old", cancellationToken: Token)).Header.ClusterId;
        await using EtcdWatcher watcher = await client.Watch.StartAsync(EtcdRange.All, cancellationToken: Token);
        await using IAsyncEnumerator<EtcdWatchBatch> batches = watcher.GetAsyncEnumerator(Token);
        await client.Kv.PutAsync("k", "old again", cancellationToken: Token);
        Assert.Equal("old again", (await NextAsync(batches)).Events[0].Value.ToString());

        ulong after = await ReplaceAsync();
        var changed = await Assert.ThrowsAsync<EtcdClusterChangedException>(() => NextAsync(batches));

        Assert.NotEqual(before, after);
        Assert.Equal((before, after), (changed.ExpectedClusterId, changed.ClusterId));
    }

    [Fact]
    public async Task A_watch_lists_again_where_it_is_told_so()
    {
        EtcdClient client = NewClient();
        await client.Kv.PutAsync("gone", "old", cancellationToken: Token);
        var options = new EtcdWatchOptions { OnCompaction = EtcdCompactionPolicy.ListAgain };
        await using IAsyncEnumerator<EtcdWatchBatch> batches =
            client.Watch.GetThenWatchAsync(EtcdRange.All, options, Token).GetAsyncEnumerator(Token);
        Assert.True((await NextAsync(batches)).EndsSnapshot);

        await ReplaceAsync();
        EtcdWatchBatch again = await NextAsync(batches);

        Assert.Equal((EtcdWatchBatchKind.Snapshot, true), (again.Kind, again.StartsSnapshot));
        Assert.DoesNotContain(again.Events, change => change.Key == "gone");
        Assert.Contains(again.Events, change => change.Key == "k" && change.Value == "new");
        await client.Kv.PutAsync("k", "newer", cancellationToken: Token);
        Assert.Equal("newer", (await NextAsync(batches)).Events[0].Value.ToString());
    }

    [Fact]
    public async Task A_watch_does_not_begin_at_another_cluster_than_its_revision_is_of()
    {
        EtcdClient client = NewClient();
        EtcdPutResult put = await client.Kv.PutAsync("k", "old", cancellationToken: Token);
        var right = new EtcdWatchOptions { ClusterId = put.Header.ClusterId, StartRevision = put.Revision };
        await using EtcdWatcher watcher = await client.Watch.StartAsync(EtcdRange.All, right, Token);

        await Assert.ThrowsAsync<EtcdClusterChangedException>(async () => await client.Watch.StartAsync(
            EtcdRange.All, right with { ClusterId = put.Header.ClusterId + 1 }, Token));
    }

    [Fact]
    public async Task A_cache_becomes_that_of_the_new_cluster_and_its_watchers_know()
    {
        EtcdClient client = NewClient();
        await client.Kv.PutAsync("gone", "old", cancellationToken: Token);
        await using EtcdCache cache = await EtcdCache.StartAsync(client, EtcdRange.All, Token);
        await using IAsyncEnumerator<EtcdWatchBatch> strict = cache.WatchAsync(EtcdRange.All, null, Token).GetAsyncEnumerator(Token);
        await using IAsyncEnumerator<EtcdWatchBatch> lenient = cache.WatchAsync(
            EtcdRange.All, new EtcdCacheWatchOptions { OnCompaction = EtcdCompactionPolicy.ListAgain }, Token).GetAsyncEnumerator(Token);
        Task<bool> strictNext = strict.MoveNextAsync().AsTask();
        Task<bool> lenientNext = lenient.MoveNextAsync().AsTask();

        await ReplaceAsync();

        await UntilAsync(() => cache.Get("k")?.Value == "new");
        Assert.Null(cache.Get("gone"));
        await Assert.ThrowsAsync<EtcdCompactedException>(() => strictNext.WaitAsync(Patience, Token));
        Assert.True(await lenientNext.WaitAsync(Patience, Token));
        Assert.True(lenient.Current.StartsSnapshot);
    }

    [Fact]
    public async Task A_listing_is_not_made_of_two_clusters()
    {
        EtcdClient client = NewClient();
        for (int i = 0; i < 10; i++)
        {
            await client.Kv.PutAsync($"k{i}", "old", cancellationToken: Token);
        }

        // Filters keep it from being streamed.
        var options = new EtcdListOptions { PageSize = 1, MinCreateRevision = 1 };
        await using IAsyncEnumerator<EtcdPage> pages = client.Kv.ListPagesAsync(EtcdRange.All, options, Token).GetAsyncEnumerator(Token);
        Assert.True(await pages.MoveNextAsync());
        await ReplaceAsync();

        await Assert.ThrowsAsync<EtcdClusterChangedException>(async () => await pages.MoveNextAsync());
    }

    /// <returns>The id of the new cluster.</returns>
    private async Task<ulong> ReplaceAsync()
    {
        await _first!.StopAsync();
        Keep(await InProcessMember.StartAsync(Url, options => options with { InitialClusterToken = "another" }));
        EtcdClient client = NewClient();
        EtcdHeader header = default;
        for (int i = 0; i < 100; i++)
        {
            header = (await client.Kv.PutAsync("k", "new", cancellationToken: Token)).Header;
        }

        return header.ClusterId;
    }
}
