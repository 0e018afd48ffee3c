namespace Etcd.Client.Tests.Watches;

/// <summary>Goal: a reader gets every batch once and in order, then the end, whatever happens at the same moment.</summary>
public sealed class BatchQueueTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Batches_come_once_and_in_order_however_fast_the_reader_is()
    {
        const int Batches = 100_000;
        var queue = new BatchQueue(int.MaxValue, long.MaxValue, new ReaderWakes());
        Task adding = Task.Run(
            () =>
            {
                for (int revision = 1; revision <= Batches; revision++)
                {
                    queue.Add(Batch(revision));
                }

                queue.End(null);
            },
            Token);

        long last = 0;
        while (await queue.ReadAsync(out _) is { } batch)
        {
            Assert.Equal(last + 1, batch.Revision);
            last = batch.Revision;
        }

        await adding;
        Assert.Equal(Batches, last);
    }

    [Fact]
    public async Task The_end_comes_behind_what_is_there_and_stays()
    {
        var queue = new BatchQueue(10, 1000, new ReaderWakes());
        queue.Add(Batch(1));
        queue.End(new InvalidOperationException("over"));
        queue.Add(Batch(2));

        Assert.Equal(1, (await queue.ReadAsync(out _))?.Revision);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await queue.ReadAsync(out _));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await queue.ReadAsync(out _));
    }

    [Fact]
    public async Task A_wait_ends_with_the_end_of_the_watch()
    {
        var queue = new BatchQueue(10, 1000, new ReaderWakes());
        ValueTask<EtcdWatchBatch?> waiting = queue.ReadAsync(out _);
        Assert.False(waiting.IsCompleted);

        queue.End(null);

        Assert.Null(await waiting);
        Assert.Null(await queue.ReadAsync(out _));
    }

    [Fact]
    public async Task A_reader_that_gives_up_gets_nothing_more()
    {
        using var giveUp = new CancellationTokenSource();
        var queue = new BatchQueue(10, 1000, new ReaderWakes());
        ValueTask<EtcdWatchBatch?> waiting = queue.ReadAsync(out _);

        queue.CancelRead(giveUp.Token);
        queue.Add(Batch(1));

        await Assert.ThrowsAsync<OperationCanceledException>(async () => await waiting);
        var later = await Assert.ThrowsAsync<OperationCanceledException>(async () => await queue.ReadAsync(out _));
        Assert.Equal(giveUp.Token, later.CancellationToken);
    }

    [Fact]
    public async Task A_full_queue_is_paused_until_half_of_it_is_taken()
    {
        var queue = new BatchQueue(4, 1000, new ReaderWakes());
        for (int revision = 1; revision <= 4; revision++)
        {
            Assert.True(queue.HasRoom());
            queue.Add(Batch(revision));
        }

        Assert.False(queue.HasRoom());
        Assert.True(queue.IsPaused);
        await queue.ReadAsync(out bool early);
        await queue.ReadAsync(out bool caughtUp);

        Assert.Equal((false, true, false), (early, caughtUp, queue.IsPaused));
    }

    [Fact]
    public async Task A_reader_that_blocks_its_thread_does_not_hold_up_the_others()
    {
        const int Readers = 200;
        var wakes = new ReaderWakes();
        BatchQueue[] queues = [.. Enumerable.Range(0, Readers).Select(_ => new BatchQueue(10, 1000, wakes))];
        using var others = new CountdownEvent(Readers - 1);
        Task[] reading = [.. queues.Select(async (queue, i) =>
        {
            await queue.ReadAsync(out _).ConfigureAwait(false);
            if (i != 0)
            {
                others.Signal();
                return;
            }

            // The first one waits, without letting its thread go, for all that are woken behind it.
            Assert.True(others.Wait(TimeSpan.FromSeconds(30), Token));
        })];

        foreach (BatchQueue queue in queues)
        {
            queue.Add(Batch(1));
        }

        await Task.WhenAll(reading).WaitAsync(TimeSpan.FromSeconds(60), Token);
    }

    private static EtcdWatchBatch Batch(long revision) => new(EtcdWatchBatchKind.Events, revision, []) { Bytes = 10 };
}
