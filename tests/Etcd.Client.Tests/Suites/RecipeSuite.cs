namespace Etcd.Client.Tests.Suites;

/// <summary>Goal: barriers hold and let go, queues give each item to one reader in the right order.</summary>
public abstract class RecipeSuite : CoordinationSuite
{
    [Fact]
    public async Task A_barrier_holds_those_who_come_until_it_is_taken_down()
    {
        var barrier = new EtcdBarrier(Client, Prefix + "barrier");
        await barrier.WaitAsync(Token);
        Assert.True(await barrier.HoldAsync(cancellationToken: Token));
        Assert.False(await barrier.HoldAsync(cancellationToken: Token));
        Task waiting = barrier.WaitAsync(Token).AsTask();
        Task second = new EtcdBarrier(NewClient(), Prefix + "barrier").WaitAsync(Token).AsTask();

        Assert.False(waiting.IsCompleted);
        Assert.True(await barrier.ReleaseAsync(Token));

        await waiting.WaitAsync(Patience, Token);
        await second.WaitAsync(Patience, Token);
        Assert.False(await barrier.ReleaseAsync(Token));
    }

    [Fact]
    public async Task A_barrier_of_a_session_goes_with_it()
    {
        var barrier = new EtcdBarrier(Client, Prefix + "barrier");
        EtcdSession session = await NewSessionAsync();
        await barrier.HoldAsync(session, Token);
        Task waiting = barrier.WaitAsync(Token).AsTask();

        await session.DisposeAsync();

        await waiting.WaitAsync(Patience, Token);
    }

    [Fact]
    public async Task Participants_of_a_double_barrier_enter_together_and_leave_together()
    {
        const int Participants = 4;
        string key = Prefix + "double";
        var all = new List<EtcdDoubleBarrier>();
        var entering = new List<Task>();
        for (int i = 0; i < Participants; i++)
        {
            all.Add(new EtcdDoubleBarrier(await NewSessionAsync(), key, Participants));
            Assert.All(entering, task => Assert.False(task.IsCompleted));
            entering.Add(all[i].EnterAsync(Token).AsTask());
            await UntilKeysAsync(key + "/waiters/", i + 1);
        }

        await Task.WhenAll(entering).WaitAsync(Patience, Token);
        var tooLate = new EtcdDoubleBarrier(await NewSessionAsync(), key, Participants);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await tooLate.EnterAsync(Token));
        await UntilKeysAsync(key + "/waiters/", Participants);

        // The first keeps its key until it is the last.
        List<Task> leaving = [all[1].LeaveAsync(Token).AsTask(), all[0].LeaveAsync(Token).AsTask(), all[3].LeaveAsync(Token).AsTask()];
        await UntilKeysAsync(key + "/waiters/", 2);
        Assert.All(leaving, task => Assert.False(task.IsCompleted));
        leaving.Add(all[2].LeaveAsync(Token).AsTask());

        await Task.WhenAll(leaving).WaitAsync(Patience, Token);
        await UntilKeysAsync(key + "/", 0);
    }

    [Fact]
    public async Task A_double_barrier_may_be_used_again_and_again()
    {
        const int Participants = 3;
        const int Rounds = 20;
        string key = Prefix + "double";
        EtcdSession[] sessions = await Task.WhenAll(Enumerable.Range(0, Participants).Select(_ => NewSessionAsync()));
        int[] entered = new int[Rounds];

        int[][] seen = await InTimeAsync(Task.WhenAll(sessions.Select(async session =>
        {
            var barrier = new EtcdDoubleBarrier(session, key, Participants);
            int[] inside = new int[Rounds];
            for (int round = 0; round < Rounds; round++)
            {
                Interlocked.Increment(ref entered[round]);
                await barrier.EnterAsync(Token);
                inside[round] = Volatile.Read(ref entered[round]);
                await barrier.LeaveAsync(Token);
            }

            return inside;
        })));

        Assert.All(seen.SelectMany(all => all), count => Assert.Equal(Participants, count));
        await UntilKeysAsync(key + "/", 0);
    }

    [Fact]
    public async Task A_participant_that_is_lost_does_not_hold_up_the_others()
    {
        string key = Prefix + "double";
        EtcdSession dying = await NewSessionAsync();
        var one = new EtcdDoubleBarrier(await NewSessionAsync(), key, 2);
        var other = new EtcdDoubleBarrier(dying, key, 2);
        await Task.WhenAll(one.EnterAsync(Token).AsTask(), other.EnterAsync(Token).AsTask()).WaitAsync(Patience, Token);

        Task leaving = one.LeaveAsync(Token).AsTask();
        await dying.DisposeAsync();

        await leaving.WaitAsync(Patience, Token);
        await Assert.ThrowsAsync<EtcdSessionLostException>(async () => await other.LeaveAsync(Token));
    }

    [Fact]
    public async Task A_queue_gives_its_items_in_the_order_in_which_they_came()
    {
        var queue = new EtcdQueue(Client, Prefix + "queue");
        Assert.Null(await queue.TryDequeueAsync(Token));
        Task<EtcdKeyValue> waiting = queue.DequeueAsync(Token).AsTask();

        await queue.EnqueueAsync("first", Token);
        Assert.Equal("first", (await InTimeAsync(waiting)).Value.ToString());
        string[] items = [.. Enumerable.Range(0, 10).Select(i => $"{i}")];
        foreach (string item in items)
        {
            await queue.EnqueueAsync(item, Token);
        }

        var taken = new List<string>();
        foreach (string _ in items)
        {
            taken.Add((await InTimeAsync(queue.DequeueAsync(Token))).Value.ToString());
        }

        Assert.Equal(items, taken);
        Assert.Null(await queue.TryDequeueAsync(Token));
    }

    [Fact]
    public async Task Each_item_goes_to_one_reader()
    {
        const int Items = 60;
        string name = Prefix + "queue";
        Task<List<string>>[] readers = [.. Enumerable.Range(0, 4).Select(ReadAsync)];
        var queue = new EtcdQueue(Client, name);
        await Task.WhenAll(Enumerable.Range(0, Items).Select(i => queue.EnqueueAsync($"{i}", Token).AsTask()));

        // Each reader ends with the item that says so.
        await UntilKeysAsync(name + "/", 0);
        foreach (Task<List<string>> _ in readers)
        {
            await queue.EnqueueAsync("end", Token);
        }

        List<string>[] taken = await InTimeAsync(Task.WhenAll(readers));

        Assert.Equal(Enumerable.Range(0, Items).Select(i => $"{i}").Order(), taken.SelectMany(all => all).Order());

        async Task<List<string>> ReadAsync(int _)
        {
            var own = new EtcdQueue(NewClient(), name);
            var all = new List<string>();
            while (true)
            {
                string item = (await own.DequeueAsync(Token)).Value.ToString();
                if (item == "end")
                {
                    return all;
                }

                all.Add(item);
            }
        }
    }

    [Fact]
    public async Task A_priority_queue_gives_the_lowest_number_first()
    {
        var queue = new EtcdPriorityQueue(Client, Prefix + "priority");
        Task<EtcdKeyValue> waiting = queue.DequeueAsync(Token).AsTask();
        await queue.EnqueueAsync("first", 7, Token);
        Assert.Equal("first", (await InTimeAsync(waiting)).Value.ToString());

        await queue.EnqueueAsync("c", 20, Token);
        await queue.EnqueueAsync("a", 3, Token);
        await queue.EnqueueAsync("b", 3, Token);
        await queue.EnqueueAsync("d", ushort.MaxValue, Token);
        var taken = new List<string>();
        while (await queue.TryDequeueAsync(Token) is { } item)
        {
            taken.Add(item.Value.ToString());
        }

        Assert.Equal(["a", "b", "c", "d"], taken);
    }

    [Fact]
    public async Task Writers_of_one_priority_get_numbers_of_their_own()
    {
        const int Writers = 8;
        var queue = new EtcdPriorityQueue(Client, Prefix + "priority");
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(i => queue.EnqueueAsync($"{i}", 5, Token).AsTask()));

        var taken = new List<string>();
        while (await queue.TryDequeueAsync(Token) is { } item)
        {
            taken.Add(item.Value.ToString());
        }

        Assert.Equal(Enumerable.Range(0, Writers).Select(i => $"{i}"), taken.Order());
    }
}
