using Etcd.TestKit.Network;

namespace Etcd.Client.Tests.Suites;

/// <summary>
/// Goal: locks exclude, in the order in which they were asked for, and are released, lost and given up as they promise. Method: waiters
/// are seen by their keys in the store; nothing waits for time to pass.
/// </summary>
public abstract class LockSuite : CoordinationSuite
{
    private string Name => Prefix + "lock";

    [Fact]
    public async Task A_mutex_has_one_holder_at_a_time_in_the_order_of_arrival()
    {
        const int Waiters = 5;
        var order = new List<int>();
        EtcdLock first = await new EtcdMutex(await NewSessionAsync(), Name).LockAsync(Token);
        var waiting = new List<Task<EtcdLock>>();
        for (int i = 0; i < Waiters; i++)
        {
            waiting.Add(new EtcdMutex(await NewSessionAsync(), Name).LockAsync(Token).AsTask());
            await UntilKeysAsync(Name + "/", i + 2);
        }

        Assert.All(waiting, task => Assert.False(task.IsCompleted));
        long fence = first.FencingRevision;
        await first.DisposeAsync();
        for (int i = 0; i < Waiters; i++)
        {
            EtcdLock held = await InTimeAsync(waiting[i]);
            Assert.All(waiting.Skip(i + 1), task => Assert.False(task.IsCompleted));
            Assert.True(held.FencingRevision > fence);
            fence = held.FencingRevision;
            order.Add(i);
            await held.DisposeAsync();
        }

        Assert.Equal(Enumerable.Range(0, Waiters), order);
        Assert.Equal(0, await Client.Kv.CountAsync(EtcdRange.Prefix(Name + "/"), cancellationToken: Token));
    }

    [Fact]
    public async Task A_try_takes_what_is_free_and_leaves_no_trace_of_itself_where_it_is_not()
    {
        var one = new EtcdMutex(await NewSessionAsync(), Name);
        var other = new EtcdMutex(await NewSessionAsync(), Name);

        EtcdLock? held = await one.TryLockAsync(cancellationToken: Token);
        EtcdLock? refused = await other.TryLockAsync(cancellationToken: Token);
        EtcdLock? late = await other.TryLockAsync(TimeSpan.FromMilliseconds(1), Token);
        await UntilKeysAsync(Name + "/", 1);
        Task<EtcdLock?> patient = other.TryLockAsync(Patience, Token).AsTask();
        await UntilKeysAsync(Name + "/", 2);
        await held!.DisposeAsync();

        Assert.Null(refused);
        Assert.Null(late);
        await using EtcdLock? second = await InTimeAsync(patient);
        Assert.NotNull(second);
        Assert.Null(await one.TryLockAsync(cancellationToken: Token));
    }

    /// <summary>The store knows the session only: without more, both would find the key to be theirs.</summary>
    [Fact]
    public async Task Callers_of_one_session_exclude_each_other_too()
    {
        EtcdSession session = await NewSessionAsync();
        EtcdLock held = await new EtcdMutex(session, Name).LockAsync(Token);

        Task<EtcdLock> waiting = new EtcdMutex(session, Name).LockAsync(Token).AsTask();
        EtcdLock? refused = await new EtcdMutex(session, Name).TryLockAsync(cancellationToken: Token);

        Assert.Null(refused);
        Assert.False(waiting.IsCompleted);
        await held.DisposeAsync();
        await using EtcdLock second = await InTimeAsync(waiting);
        Assert.True(second.FencingRevision > held.FencingRevision);
    }

    [Fact]
    public async Task A_waiter_that_gives_up_is_out_of_the_line()
    {
        EtcdLock held = await new EtcdMutex(await NewSessionAsync(), Name).LockAsync(Token);
        using var giveUp = new CancellationTokenSource();
        EtcdSession impatient = await NewSessionAsync();
        Task<EtcdLock> waiting = new EtcdMutex(impatient, Name).LockAsync(giveUp.Token).AsTask();
        await UntilKeysAsync(Name + "/", 2);

        await giveUp.CancelAsync();
        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);

        Assert.Equal(giveUp.Token, cancelled.CancellationToken);
        await UntilKeysAsync(Name + "/", 1);
        await held.DisposeAsync();
        await using EtcdLock again = await InTimeAsync(new EtcdMutex(impatient, Name).LockAsync(Token));
    }

    [Fact]
    public async Task The_end_of_a_session_releases_its_locks_and_ends_its_waits()
    {
        EtcdSession session = await NewSessionAsync();
        EtcdSession ended = await NewSessionAsync();
        EtcdLock held = await new EtcdMutex(session, Name).LockAsync(Token);
        Task<EtcdLock> waiting = new EtcdMutex(ended, Name).LockAsync(Token).AsTask();
        await UntilKeysAsync(Name + "/", 2);
        Task<EtcdLock> last = new EtcdMutex(await NewSessionAsync(), Name).LockAsync(Token).AsTask();
        await UntilKeysAsync(Name + "/", 3);

        await ended.DisposeAsync();
        var lost = await Assert.ThrowsAsync<EtcdSessionLostException>(() => waiting);
        await session.DisposeAsync();

        Assert.Equal(ended.LeaseId, lost.LeaseId);
        Assert.True(held.LostToken.IsCancellationRequested);
        Assert.True(held.IsLost);
        await held.DisposeAsync();
        await using EtcdLock next = await InTimeAsync(last);
        await Assert.ThrowsAsync<EtcdSessionLostException>(async () => await new EtcdMutex(ended, Name).LockAsync(Token));
    }

    /// <summary>As in the reports of others (dotnet-etcd's PR 321, Jepsen's on etcd's locks): a holder whose lease is gone, and who writes.</summary>
    [Fact]
    public async Task A_holder_without_a_lease_can_write_no_more()
    {
        EtcdSession session = await NewSessionAsync();
        await using EtcdLock stale = await new EtcdMutex(session, Name).LockAsync(Token);
        await Client.Leases.RevokeAsync(session.LeaseId, cancellationToken: Token);
        await using EtcdLock held = await InTimeAsync(new EtcdMutex(await NewSessionAsync(), Name).LockAsync(Token));

        EtcdTxnResult late = await Client.Kv.CommitAsync(
            new EtcdTxn().If(stale.StillHeld).Then(EtcdOp.Put(Prefix + "guarded", "late")), cancellationToken: Token);
        EtcdTxnResult good = await Client.Kv.CommitAsync(
            new EtcdTxn().If(held.StillHeld).Then(EtcdOp.Put(Prefix + "guarded", "good")), cancellationToken: Token);

        Assert.False(late.Succeeded);
        Assert.True(good.Succeeded);
        Assert.True(held.FencingRevision > stale.FencingRevision);
    }

    /// <summary>The answer to the request that made the key is lost with its connection.</summary>
    [Fact]
    public async Task A_lock_whose_answer_was_lost_is_found_again()
    {
        FaultProxy proxy = NewProxy();
        EtcdClient client = NewClient(proxy.Url);
        EtcdSession session = await NewSessionAsync(client);
        proxy.Hold(ProxyDirection.ToClient);
        Task<EtcdLock> locking = new EtcdMutex(session, Name).LockAsync(Token).AsTask();
        await UntilKeysAsync(Name + "/", 1);
        proxy.Reset();
        proxy.Release();

        await using EtcdLock held = await InTimeAsync(locking);

        EtcdKeyValue? key = await Client.Kv.GetAsync(held.Key, cancellationToken: Token);
        Assert.Equal((held.FencingRevision, 1L), (key!.CreateRevision, key.Version));
    }

    /// <summary>The disposal returns; the key goes as soon as there is somebody to ask.</summary>
    [Fact]
    public async Task A_release_that_nobody_hears_is_repeated()
    {
        FaultProxy proxy = NewProxy();
        EtcdClient client = NewClient(proxy.Url, options => options.Timeout = TimeSpan.FromMilliseconds(300));
        EtcdSession session = await NewSessionAsync(client);
        EtcdLock held = await new EtcdMutex(session, Name).LockAsync(Token);
        await proxy.RefuseAsync();
        proxy.Reset();

        await held.DisposeAsync();
        EtcdLock? refused = await new EtcdMutex(session, Name).TryLockAsync(cancellationToken: Token);
        proxy.Accept();

        Assert.Null(refused);
        await UntilKeysAsync(Name + "/", 0);
        await using EtcdLock again = await InTimeAsync(new EtcdMutex(session, Name).LockAsync(Token));
    }

    /// <summary>Nothing answers, and no call ends by itself: the try ends all the same, and what comes of its request is taken away.</summary>
    [Fact]
    public async Task A_try_that_nobody_answers_ends_and_leaves_no_key()
    {
        FaultProxy proxy = NewProxy();
        EtcdClient client = NewClient(proxy.Url, options => options.Timeout = Timeout.InfiniteTimeSpan);
        EtcdSession session = await NewSessionAsync(client);
        proxy.Hold(ProxyDirection.ToClient);
        Task<EtcdLock?> trying = new EtcdMutex(session, Name).TryLockAsync(TimeSpan.FromMilliseconds(300), Token).AsTask();
        await UntilKeysAsync(Name + "/", 1);

        Assert.Null(await InTimeAsync(trying));
        proxy.Release();

        await UntilKeysAsync(Name + "/", 0);
        await using EtcdLock again = await InTimeAsync(new EtcdMutex(session, Name).LockAsync(Token));
    }

    /// <summary>A key with the session's lease that comes after the removal is what the late request would have made.</summary>
    [Fact]
    public async Task A_key_that_is_made_after_its_caller_gave_up_is_removed()
    {
        FaultProxy proxy = NewProxy();
        EtcdClient client = NewClient(proxy.Url);
        EtcdSession session = await NewSessionAsync(client);
        proxy.Hold(ProxyDirection.ToClient);
        Task<EtcdLock?> trying = new EtcdMutex(session, Name).TryLockAsync(TimeSpan.FromMilliseconds(300), Token).AsTask();
        await UntilKeysAsync(Name + "/", 1);
        Assert.Null(await InTimeAsync(trying));
        proxy.Release();
        await UntilKeysAsync(Name + "/", 0);

        await Client.Kv.PutAsync($"{Name}/{session.LeaseId.Value:x}", default, new EtcdPutOptions { Lease = session.LeaseId }, Token);

        await UntilKeysAsync(Name + "/", 0);
    }

    [Fact]
    public async Task A_session_that_is_resumed_still_has_its_lock()
    {
        EtcdSession session = await NewSessionAsync();
        EtcdLock held = await new EtcdMutex(session, Name).LockAsync(Token);
        EtcdClient other = NewClient();

        EtcdSession resumed = Keep(await other.Leases.ResumeSessionAsync(session.LeaseId, Token));
        await using EtcdLock same = await InTimeAsync(new EtcdMutex(resumed, Name).LockAsync(Token));

        Assert.Equal(held.FencingRevision, same.FencingRevision);
    }

    [Fact]
    public async Task Locks_of_two_namespaces_are_two_locks()
    {
        await using EtcdSession here = await Client.WithNamespace(Prefix + "a/").Leases.CreateSessionAsync(TimeSpan.FromSeconds(60), Token);
        await using EtcdSession there = await Client.WithNamespace(Prefix + "b/").Leases.CreateSessionAsync(TimeSpan.FromSeconds(60), Token);

        await using EtcdLock one = await InTimeAsync(new EtcdMutex(here, "lock").LockAsync(Token));
        await using EtcdLock two = await InTimeAsync(new EtcdMutex(there, "lock").LockAsync(Token));

        Assert.NotNull(await Client.Kv.GetAsync($"{Prefix}a/lock/{here.LeaseId.Value:x}", cancellationToken: Token));
        Assert.True((await here.Client.Kv.CommitAsync(new EtcdTxn().If(one.StillHeld), cancellationToken: Token)).Succeeded);
    }

    [Fact]
    public async Task Readers_share_and_a_writer_waits_for_those_before_it_and_no_others()
    {
        var gate = new EtcdReadWriteLock(await NewSessionAsync(), Name);
        var other = new EtcdReadWriteLock(await NewSessionAsync(), Name);
        EtcdLock reader = await gate.ReadLockAsync(Token);
        EtcdLock second = await InTimeAsync(other.ReadLockAsync(Token));
        Task<EtcdLock> writing = gate.WriteLockAsync(Token).AsTask();
        await UntilKeysAsync(Name + "/write/", 1);
        Task<EtcdLock> late = other.ReadLockAsync(Token).AsTask();
        await UntilKeysAsync(Name + "/read/", 3);

        await reader.DisposeAsync();
        Assert.False(writing.IsCompleted);
        await second.DisposeAsync();
        EtcdLock writer = await InTimeAsync(writing);
        Assert.False(late.IsCompleted);
        Assert.Null(await other.TryReadLockAsync(cancellationToken: Token));
        Assert.Null(await other.TryWriteLockAsync(TimeSpan.FromMilliseconds(1), Token));
        await writer.DisposeAsync();

        await using EtcdLock afterwards = await InTimeAsync(late);
        await using EtcdLock? more = await gate.TryReadLockAsync(cancellationToken: Token);
        Assert.NotNull(more);
        Assert.Null(await gate.TryWriteLockAsync(cancellationToken: Token));
    }

    [Fact]
    public async Task A_semaphore_has_so_many_holders_and_no_more()
    {
        const int Places = 3;
        const int Users = 12;
        int inside = 0;
        int most = 0;
        EtcdSession[] sessions = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => NewSessionAsync()));

        await Task.WhenAll(Enumerable.Range(0, Users).Select(async user =>
        {
            var semaphore = new EtcdSemaphore(sessions[user % sessions.Length], Name, Places);
            await using EtcdLock held = await semaphore.AcquireAsync(Token);
            int now = Interlocked.Increment(ref inside);
            InterlockedMax(ref most, now);
            await Client.Kv.GetAsync(held.Key, cancellationToken: Token);
            Interlocked.Decrement(ref inside);
        }));

        Assert.InRange(most, 1, Places);
        await UntilKeysAsync(Name + "/", 0);
    }

    [Fact]
    public async Task A_place_of_a_semaphore_goes_to_who_waited_longest()
    {
        var semaphore = new EtcdSemaphore(await NewSessionAsync(), Name, 2);
        EtcdLock one = await semaphore.AcquireAsync(Token);
        EtcdLock two = await semaphore.AcquireAsync(Token);
        Task<EtcdLock> third = semaphore.AcquireAsync(Token).AsTask();
        await UntilKeysAsync(Name + "/", 3);
        Task<EtcdLock> fourth = semaphore.AcquireAsync(Token).AsTask();
        await UntilKeysAsync(Name + "/", 4);
        Assert.Null(await semaphore.TryAcquireAsync(cancellationToken: Token));

        await two.DisposeAsync();
        await using EtcdLock next = await InTimeAsync(third);
        Assert.False(fourth.IsCompleted);
        await one.DisposeAsync();
        await using EtcdLock last = await InTimeAsync(fourth);
    }

    private static void InterlockedMax(ref int most, int value)
    {
        int seen = Volatile.Read(ref most);
        while (value > seen)
        {
            int found = Interlocked.CompareExchange(ref most, value, seen);
            if (found == seen)
            {
                return;
            }

            seen = found;
        }
    }
}
