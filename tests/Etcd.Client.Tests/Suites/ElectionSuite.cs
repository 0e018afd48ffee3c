namespace Etcd.Client.Tests.Suites;

/// <summary>Goal: one leads at a time, and all who observe hear of it.</summary>
public abstract class ElectionSuite : CoordinationSuite
{
    private string Name => Prefix + "election";

    [Fact]
    public async Task Candidates_lead_one_after_the_other()
    {
        EtcdLeadership first = await new EtcdElection(await NewSessionAsync(), Name).CampaignAsync("a", Token);
        var second = new EtcdElection(await NewSessionAsync(), Name);
        Task<EtcdLeadership> waiting = second.CampaignAsync("b", Token).AsTask();
        await UntilKeysAsync(Name + "/", 2);
        Assert.False(waiting.IsCompleted);
        Assert.Equal("a", (await second.GetLeaderAsync(Token))!.Value.ToString());

        await first.DisposeAsync();
        EtcdLeadership next = await InTimeAsync(waiting);

        Assert.True(next.FencingRevision > first.FencingRevision);
        Assert.Equal("b", (await second.GetLeaderAsync(Token))!.Value.ToString());
        Assert.False((await Client.Kv.CommitAsync(new EtcdTxn().If(first.StillHeld), cancellationToken: Token)).Succeeded);
        Assert.True((await Client.Kv.CommitAsync(new EtcdTxn().If(next.StillHeld), cancellationToken: Token)).Succeeded);
        await next.DisposeAsync();
        Assert.Null(await EtcdElection.GetLeaderAsync(Client, Name, Token));
    }

    [Fact]
    public async Task Observers_hear_of_each_leader_and_of_what_it_says()
    {
        var election = new EtcdElection(await NewSessionAsync(), Name);
        await using IAsyncEnumerator<EtcdKeyValue> observer = EtcdElection.ObserveAsync(Client, Name, Token).GetAsyncEnumerator(Token);
        ValueTask<bool> telling = observer.MoveNextAsync();

        EtcdLeadership leader = await election.CampaignAsync("one", Token);
        Assert.True(await InTimeAsync(telling));
        Assert.Equal("one", observer.Current.Value.ToString());
        await leader.ProclaimAsync("two", Token);
        Assert.True(await InTimeAsync(observer.MoveNextAsync()));
        Assert.Equal("two", observer.Current.Value.ToString());
        Task<EtcdLeadership> waiting = new EtcdElection(await NewSessionAsync(), Name).CampaignAsync("three", Token).AsTask();
        await UntilKeysAsync(Name + "/", 2);
        await leader.DisposeAsync();
        Assert.True(await InTimeAsync(observer.MoveNextAsync()));

        Assert.Equal("three", observer.Current.Value.ToString());
        Assert.Equal((await InTimeAsync(waiting)).Key, observer.Current.Key);
        await Assert.ThrowsAsync<EtcdSessionLostException>(async () => await leader.ProclaimAsync("late", Token));
    }

    [Fact]
    public async Task A_leader_that_comes_back_with_its_lease_leads_on()
    {
        EtcdSession session = await NewSessionAsync();
        EtcdLeadership before = await new EtcdElection(session, Name).CampaignAsync("before", Token);
        EtcdSession resumed = Keep(await NewClient().Leases.ResumeSessionAsync(session.LeaseId, Token));

        EtcdLeadership after = await InTimeAsync(new EtcdElection(resumed, Name).CampaignAsync("after", Token));

        Assert.Equal(before.FencingRevision, after.FencingRevision);
        Assert.Equal("after", (await EtcdElection.GetLeaderAsync(Client, Name, Token))!.Value.ToString());
        await after.ProclaimAsync("still", Token);
        await after.DisposeAsync();
        Assert.Null(await EtcdElection.GetLeaderAsync(Client, Name, Token));
    }

    /// <summary>As a proclamation that was cancelled and came through all the same.</summary>
    [Fact]
    public async Task A_leader_whose_key_was_written_to_speaks_on()
    {
        EtcdSession session = await NewSessionAsync();
        await using EtcdLeadership leader = await new EtcdElection(session, Name).CampaignAsync("one", Token);
        await Client.Kv.PutAsync(leader.Key, "other", new EtcdPutOptions { Lease = session.LeaseId }, Token);

        await leader.ProclaimAsync("two", Token);
        await leader.ProclaimAsync("three", Token);

        EtcdKeyValue? said = await EtcdElection.GetLeaderAsync(Client, Name, Token);
        Assert.Equal(("three", leader.FencingRevision), (said!.Value.ToString(), said.CreateRevision));
    }

    [Fact]
    public async Task A_candidate_that_gives_up_or_is_lost_never_leads()
    {
        EtcdLeadership leader = await new EtcdElection(await NewSessionAsync(), Name).CampaignAsync("leader", Token);
        using var giveUp = new CancellationTokenSource();
        Task<EtcdLeadership> gaveUp = new EtcdElection(await NewSessionAsync(), Name).CampaignAsync("a", giveUp.Token).AsTask();
        EtcdSession ended = await NewSessionAsync();
        Task<EtcdLeadership> lost = new EtcdElection(ended, Name).CampaignAsync("b", Token).AsTask();
        await UntilKeysAsync(Name + "/", 3);

        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gaveUp);
        await ended.DisposeAsync();
        await Assert.ThrowsAsync<EtcdSessionLostException>(() => lost);

        await UntilKeysAsync(Name + "/", 1);
        Assert.False(leader.IsLost);
    }
}
