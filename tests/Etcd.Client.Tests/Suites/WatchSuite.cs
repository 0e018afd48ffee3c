using System.Text;
using Etcd.Protocol.Errors;
using Etcd.TestKit.Network;

namespace Etcd.Client.Tests.Suites;

/// <summary>
/// Goal: whatever happens to the connection, the reader and the history, a watch tells every revision once and in order, or says why
/// it cannot.
/// </summary>
public abstract class WatchSuite : ClientSuite
{
    [Fact]
    public async Task One_revision_is_one_batch_in_the_order_of_the_transaction()
    {
        EtcdClient client = NewClient();
        await using EtcdWatcher watcher = await client.Watch.StartAsync(EtcdRange.Prefix(Prefix), new EtcdWatchOptions { ReturnPrevious = true }, Token);
        EtcdPutResult put = await client.Kv.PutAsync(Prefix + "b", "1", cancellationToken: Token);
        EtcdTxnResult txn = await client.Kv.CommitAsync(
            new EtcdTxn().Then(EtcdOp.Put(Prefix + "c", "2"), EtcdOp.Put(Prefix + "a", "3"), EtcdOp.Delete(Prefix + "b")),
            cancellationToken: Token);

        await using IAsyncEnumerator<EtcdWatchBatch> batches = watcher.GetAsyncEnumerator(Token);
        EtcdWatchBatch first = await NextAsync(batches);
        EtcdWatchBatch second = await NextAsync(batches);

        Assert.Equal(watcher.StartRevision, put.Revision);
        Assert.Equal((put.Revision, EtcdWatchBatchKind.Events), (first.Revision, first.Kind));
        Assert.Equal(txn.Revision, second.Revision);
        Assert.Equal(["c=2", "a=3", "b="], second.Events.Select(e => $"{e.Key.ToString()[Prefix.Length..]}={e.Value}"));
        Assert.Equal(EtcdEventType.Delete, second.Events[2].Type);
        Assert.Equal("1", second.Events[2].Previous!.Value.ToString());
    }

    [Fact]
    public async Task A_watch_begins_in_the_past_and_filters()
    {
        EtcdClient client = NewClient();
        string key = Prefix + "k";
        long first = (await client.Kv.PutAsync(key, "1", cancellationToken: Token)).Revision;
        await client.Kv.DeleteAsync(key, Token);
        await client.Kv.PutAsync(key, "2", cancellationToken: Token);

        var puts = new EtcdWatchOptions { StartRevision = first, NoDeletes = true };
        var deletes = new EtcdWatchOptions { StartRevision = first, NoPuts = true };
        await using IAsyncEnumerator<EtcdWatchBatch> p = client.Watch.WatchAsync(EtcdRange.Single(key), puts, Token).GetAsyncEnumerator(Token);
        await using IAsyncEnumerator<EtcdWatchBatch> d = client.Watch.WatchAsync(EtcdRange.Single(key), deletes, Token).GetAsyncEnumerator(Token);

        Assert.Equal(["1", "2"], [(await NextAsync(p)).Events.Single().Value.ToString(), (await NextAsync(p)).Events.Single().Value.ToString()]);
        Assert.Equal(EtcdEventType.Delete, (await NextAsync(d)).Events.Single().Type);
    }

    /// <summary>Each connection is reset after a number of bytes, most in the middle of a message.</summary>
    [Fact]
    public async Task No_event_is_lost_doubled_or_moved_while_the_connection_is_cut_again_and_again()
    {
        const int Events = 20_000;
        var random = new Random(4711);
        FaultProxy proxy = NewProxy();
        EtcdClient writer = NewClient();
        EtcdClient reader = NewClient(proxy.Url, options => options.Retry.MaxDelay = TimeSpan.FromMilliseconds(50));
        await using EtcdWatcher watcher = await reader.Watch.StartAsync(EtcdRange.Prefix(Prefix), cancellationToken: Token);
        proxy.ResetAfterBytes = _ => random.Next(200, 100_000);
        proxy.Reset();

        Task<List<long>> writing = WriteAsync(writer, Events);
        List<long> told = await ReadAsync(watcher, Events);

        Assert.Equal(await writing, told);
        Assert.True(proxy.Accepted > 20, $"{proxy.Accepted} connections");
    }

    [Fact]
    public async Task A_watch_that_was_silent_resumes_where_it_was_accepted()
    {
        FaultProxy proxy = NewProxy();
        EtcdClient writer = NewClient();
        EtcdClient reader = NewClient(proxy.Url);
        await using EtcdWatcher watcher = await reader.Watch.StartAsync(EtcdRange.Prefix(Prefix), cancellationToken: Token);
        await proxy.RefuseAsync();
        proxy.Cut();
        long missed = (await writer.Kv.PutAsync(Prefix + "k", "while nobody was connected", cancellationToken: Token)).Revision;
        proxy.Accept();

        await using IAsyncEnumerator<EtcdWatchBatch> batches = watcher.GetAsyncEnumerator(Token);

        Assert.Equal(missed, (await NextAsync(batches)).Revision);
    }

    /// <summary>Nothing says that the connection is dead: only its silence on a ping.</summary>
    [Fact]
    public async Task A_watch_finds_out_that_its_connection_is_dead()
    {
        FaultProxy proxy = NewProxy();
        EtcdClient writer = NewClient();
        EtcdClient reader = NewClient(proxy.Url, options =>
        {
            options.KeepAliveInterval = TimeSpan.FromSeconds(1);
            options.KeepAliveTimeout = TimeSpan.FromSeconds(1);
        });
        await using EtcdWatcher watcher = await reader.Watch.StartAsync(EtcdRange.Prefix(Prefix), cancellationToken: Token);
        proxy.BlackHole();
        long lost = (await writer.Kv.PutAsync(Prefix + "k", "into the hole", cancellationToken: Token)).Revision;

        await using IAsyncEnumerator<EtcdWatchBatch> batches = watcher.GetAsyncEnumerator(Token);

        Assert.Equal(lost, (await NextAsync(batches)).Revision);
    }

    /// <summary>A delete that brings what the keys had makes one revision larger than a response may be.</summary>
    [Fact]
    public async Task A_revision_in_fragments_is_one_batch()
    {
        EtcdClient client = NewClient();
        for (int i = 0; i < 6; i++)
        {
            await client.Kv.PutAsync($"{Prefix}{i}", new byte[1_000_000], cancellationToken: Token);
        }

        await using EtcdWatcher watcher = await client.Watch.StartAsync(EtcdRange.Prefix(Prefix), new EtcdWatchOptions { ReturnPrevious = true }, Token);
        await client.Kv.DeleteAsync(EtcdRange.Prefix(Prefix), cancellationToken: Token);
        await using IAsyncEnumerator<EtcdWatchBatch> batches = watcher.GetAsyncEnumerator(Token);
        EtcdWatchBatch batch = await NextAsync(batches);

        Assert.Equal(6, batch.Events.Count);
        Assert.All(batch.Events, e => Assert.Equal(1_000_000, e.Previous!.Value.Length));
    }

    [Fact]
    public async Task A_slow_reader_holds_up_nobody_and_misses_nothing()
    {
        const int Events = 3000;
        EtcdClient client = NewClient();
        var small = new EtcdWatchOptions { BufferEvents = 10 };
        await using EtcdWatcher slow = await client.Watch.StartAsync(EtcdRange.Prefix(Prefix), small, Token);
        await using EtcdWatcher fast = await client.Watch.StartAsync(EtcdRange.Prefix(Prefix), cancellationToken: Token);

        Task<List<long>> writing = WriteAsync(client, Events);
        List<long> quick = await ReadAsync(fast, Events);
        List<long> late = await ReadAsync(slow, Events);

        Assert.Equal(await writing, quick);
        Assert.Equal(quick, late);
    }

    [Fact]
    public async Task A_compacted_start_is_told_with_the_compact_revision()
    {
        EtcdClient client = NewClient();
        long first = (await client.Kv.PutAsync(Prefix + "k", "1", cancellationToken: Token)).Revision;
        long last = (await client.Kv.PutAsync(Prefix + "k", "2", cancellationToken: Token)).Revision;
        await client.Kv.CompactAsync(last, cancellationToken: Token);

        await using IAsyncEnumerator<EtcdWatchBatch> watch = client.Watch.WatchAsync(
            EtcdRange.Prefix(Prefix), new EtcdWatchOptions { StartRevision = first }, Token).GetAsyncEnumerator(Token);
        var compacted = await Assert.ThrowsAsync<EtcdCompactedException>(async () => await watch.MoveNextAsync());

        Assert.Equal(last, compacted.CompactRevision);
        Assert.Equal(EtcdErrorId.Compacted, compacted.ErrorId);
    }

    [Fact]
    public async Task A_watch_lists_again_after_a_compaction_where_asked()
    {
        EtcdClient client = NewClient();
        long first = (await client.Kv.PutAsync(Prefix + "gone", "1", cancellationToken: Token)).Revision;
        await client.Kv.DeleteAsync(Prefix + "gone", Token);
        long last = (await client.Kv.PutAsync(Prefix + "k", "2", cancellationToken: Token)).Revision;
        await client.Kv.CompactAsync(last, cancellationToken: Token);

        await using IAsyncEnumerator<EtcdWatchBatch> watch = client.Watch.WatchAsync(
            EtcdRange.Prefix(Prefix),
            new EtcdWatchOptions { StartRevision = first, OnCompaction = EtcdCompactionPolicy.ListAgain },
            Token).GetAsyncEnumerator(Token);
        EtcdWatchBatch snapshot = await NextAsync(watch);
        long next = (await client.Kv.PutAsync(Prefix + "k", "3", cancellationToken: Token)).Revision;
        EtcdWatchBatch change = await NextAsync(watch);

        Assert.Equal((EtcdWatchBatchKind.Snapshot, true, true), (snapshot.Kind, snapshot.StartsSnapshot, snapshot.EndsSnapshot));
        Assert.Equal("2", snapshot.Events.Single().Value.ToString());
        Assert.Equal((EtcdWatchBatchKind.Events, next), (change.Kind, change.Revision));
    }

    /// <summary>A model is fed by the watch while another client writes; in the end it equals the store.</summary>
    [Fact]
    public async Task A_snapshot_and_its_changes_make_the_store()
    {
        const int Changes = 2000;
        EtcdClient writer = NewClient();
        FaultProxy proxy = NewProxy();
        EtcdClient reader = NewClient(proxy.Url, options => options.Retry.MaxDelay = TimeSpan.FromMilliseconds(50));
        for (int i = 0; i < 100; i++)
        {
            await writer.Kv.PutAsync($"{Prefix}{i:d2}", "start", cancellationToken: Token);
        }

        proxy.ResetAfterBytes = number => 5_000 + (number * 3_000);
        Task changing = ChangeAsync(writer, Changes);
        var known = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var options = new EtcdWatchOptions { List = new EtcdListOptions { PageSize = 9 } };
        await foreach (EtcdWatchBatch batch in reader.Watch.GetThenWatchAsync(EtcdRange.Prefix(Prefix), options, Token))
        {
            Apply(batch, known);
            if (known.ContainsKey(Prefix + "last"))
            {
                break;
            }
        }

        await changing;
        EtcdRangeResult store = await writer.Kv.GetRangeAsync(EtcdRange.Prefix(Prefix), cancellationToken: Token);
        Assert.Equal(store.Items.Select(i => $"{i.Key}={i.Value}"), known.Select(pair => $"{pair.Key}={pair.Value}"));

        async Task ChangeAsync(EtcdClient client, int changes)
        {
            var random = new Random(99);
            for (int i = 0; i < changes; i++)
            {
                string key = $"{Prefix}{random.Next(100):d2}";
                if (random.Next(4) == 0)
                {
                    await client.Kv.DeleteAsync(key, Token);
                }
                else
                {
                    await client.Kv.PutAsync(key, $"{i}", cancellationToken: Token);
                }
            }

            await client.Kv.PutAsync(Prefix + "last", "one", cancellationToken: Token);
        }

        static void Apply(EtcdWatchBatch batch, SortedDictionary<string, string> known)
        {
            if (batch.StartsSnapshot)
            {
                known.Clear();
            }

            foreach (EtcdWatchEvent change in batch.Events)
            {
                if (change.Type == EtcdEventType.Put)
                {
                    known[change.Key.ToString()] = change.Value.ToString();
                }
                else
                {
                    known.Remove(change.Key.ToString());
                }
            }
        }
    }

    [Fact]
    public async Task Progress_tells_up_to_where_all_was_told()
    {
        EtcdClient client = NewClient();
        var options = new EtcdWatchOptions { ReportProgress = true };
        await using EtcdWatcher watcher = await client.Watch.StartAsync(EtcdRange.Prefix(Prefix), options, Token);
        long elsewhere = (await client.Kv.PutAsync($"t/other/{Guid.NewGuid()}", "", cancellationToken: Token)).Revision;

        await using IAsyncEnumerator<EtcdWatchBatch> batches = watcher.GetAsyncEnumerator(Token);
        Task<EtcdWatchBatch> progress = NextAsync(batches);
        await UntilAsync(async () =>
        {
            await client.Watch.RequestProgressAsync(Token);
            return progress.IsCompleted;
        });

        Assert.Equal(EtcdWatchBatchKind.Progress, (await progress).Kind);
        Assert.True((await progress).Revision >= elsewhere);
        Assert.Empty((await progress).Events);
    }

    [Fact]
    public async Task Many_watches_start_read_and_end_on_their_own()
    {
        const int Watches = 200;
        FaultProxy proxy = NewProxy();
        EtcdClient writer = NewClient();
        EtcdClient client = NewClient(proxy.Url);
        EtcdWatcher[] watchers = await Task.WhenAll(Enumerable.Range(0, Watches).Select(
            i => client.Watch.StartAsync(EtcdRange.Single($"{Prefix}{i % 10}"), cancellationToken: Token).AsTask()));
        foreach (EtcdWatcher ended in watchers.Where((_, i) => i % 10 >= 5))
        {
            await ended.DisposeAsync();
        }

        proxy.Reset();
        var revisions = new List<long>();
        for (int i = 0; i < 10; i++)
        {
            revisions.Add((await writer.Kv.PutAsync($"{Prefix}{i}", "v", cancellationToken: Token)).Revision);
        }

        for (int i = 0; i < Watches; i++)
        {
            await using IAsyncEnumerator<EtcdWatchBatch> batches = watchers[i].GetAsyncEnumerator(Token);
            if (i % 10 < 5)
            {
                Assert.Equal(revisions[i % 10], (await NextAsync(batches)).Revision);
            }
            else
            {
                Assert.False(await batches.MoveNextAsync());
            }
        }
    }

    [Fact]
    public async Task A_cancelled_reader_ends_its_watch_and_no_other()
    {
        EtcdClient client = NewClient();
        using var cancelled = new CancellationTokenSource();
        await using EtcdWatcher other = await client.Watch.StartAsync(EtcdRange.Prefix(Prefix), cancellationToken: Token);
        IAsyncEnumerator<EtcdWatchBatch> reader = client.Watch.WatchAsync(
            EtcdRange.Prefix(Prefix), cancellationToken: cancelled.Token).GetAsyncEnumerator(cancelled.Token);
        ValueTask<bool> reading = reader.MoveNextAsync();

        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await reading);
        await reader.DisposeAsync();
        await client.Kv.PutAsync(Prefix + "k", "v", cancellationToken: Token);

        await using IAsyncEnumerator<EtcdWatchBatch> batches = other.GetAsyncEnumerator(Token);
        Assert.Single((await NextAsync(batches)).Events);
    }

    [Fact]
    public async Task A_client_that_is_disposed_of_ends_its_watches()
    {
        EtcdClient client = NewClient();
        EtcdWatcher watcher = await client.Watch.StartAsync(EtcdRange.Prefix(Prefix), cancellationToken: Token);
        IAsyncEnumerator<EtcdWatchBatch> batches = watcher.GetAsyncEnumerator(Token);
        ValueTask<bool> reading = batches.MoveNextAsync();

        await client.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await reading.AsTask().WaitAsync(Patience, Token));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await client.Kv.GetAsync("k", cancellationToken: Token));
    }

    // Several puts at a time, so that responses have several revisions in them.
    private async Task<List<long>> WriteAsync(EtcdClient client, int events)
    {
        const int AtOnce = 50;
        var revisions = new List<long>(events);
        for (int i = 0; i < events; i += AtOnce)
        {
            EtcdPutResult[] puts = await Task.WhenAll(Enumerable.Range(i, AtOnce).Select(
                n => client.Kv.PutAsync($"{Prefix}{n % 100}", Encoding.UTF8.GetBytes($"{n}"), cancellationToken: Token).AsTask()));
            revisions.AddRange(puts.Select(put => put.Revision));
        }

        revisions.Sort();
        return revisions;
    }

    private static async Task<List<long>> ReadAsync(EtcdWatcher watcher, int events)
    {
        var told = new List<long>(events);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        patience.CancelAfter(TimeSpan.FromMinutes(2));
        await foreach (EtcdWatchBatch batch in watcher.WithCancellation(patience.Token))
        {
            told.AddRange(batch.Events.Select(e => e.KeyValue.ModRevision));
            if (told.Count >= events)
            {
                break;
            }
        }

        return told;
    }
}
