using Etcd.Client.Tests.Suites;
using Etcd.TestKit.Members;

namespace Etcd.Client.Tests;

/// <summary>
/// Goal: reads by the ordering wrapper never go back in time. Method: two members that are apart but of one cluster id stand for one that is
/// ahead and one that is behind for ever; a client's calls go to them in turn.
/// </summary>
public sealed class OrderingTests : ClientSuite, IAsyncLifetime
{
    private const int Ahead = 10;
    private const int Behind = 2;

    private static readonly EtcdGetOptions Serializable = new() { Serializable = true };

    private InProcessMember? _ahead;
    private InProcessMember? _behind;

    protected override string Url => $"{_ahead!.Url},{_behind!.Url}";

    public async ValueTask InitializeAsync()
    {
        _ahead = await FillAsync(Ahead);
        _behind = await FillAsync(Behind);
    }

    /// <summary>Without the wrapper they do, or the other tests here would prove nothing.</summary>
    [Fact]
    public async Task Without_the_wrapper_serializable_reads_go_back_in_time()
    {
        EtcdClient client = NewClient();
        var seen = new List<string>();
        for (int i = 0; i < 20; i++)
        {
            seen.Add((await client.Kv.GetAsync("k", Serializable, Token))!.Value.ToString());
        }

        Assert.Equal([$"{Ahead}", $"{Behind}"], seen.Distinct().OrderByDescending(int.Parse));
    }

    [Fact]
    public async Task Reads_never_go_back_in_time()
    {
        EtcdClient client = NewClient();
        IEtcdKv ordered = client.Kv.WithOrdering(new EtcdOrderingOptions { OnBehind = EtcdBehindPolicy.Throw });
        await UntilAsync(async () => (await ordered.GetAsync("k", Serializable, Token))!.Value == $"{Ahead}");

        for (int i = 0; i < 20; i++)
        {
            Assert.Equal($"{Ahead}", (await ordered.GetAsync("k", Serializable, Token))!.Value.ToString());
            Assert.Null(await ordered.GetAsync($"absent{i}", Serializable, Token));
            Assert.Equal(Ahead, (await ordered.GetRangeAsync(EtcdRange.Prefix("n/"), Range(), Token)).Items.Count);
            Assert.Equal(Ahead, await ordered.CountAsync(EtcdRange.Prefix("n/"), Serializable, Token));
            var get = EtcdOp.Get("k", Range());
            Assert.Equal($"{Ahead}", (await ordered.CommitAsync(new EtcdTxn().Then(get), null, Token)).ResultOf(get).Items[0].Value.ToString());
            var listed = new List<EtcdKeyValue>();
            await foreach (EtcdPage page in ordered.ListPagesAsync(EtcdRange.Prefix("n/"), new EtcdListOptions { Serializable = true }, Token))
            {
                listed.AddRange(page.Items);
            }

            Assert.Equal(Ahead, listed.Count);
        }
    }

    [Fact]
    public async Task Reads_are_not_older_than_an_own_write()
    {
        EtcdClient client = NewClient();
        IEtcdKv ordered = client.Kv.WithOrdering(new EtcdOrderingOptions { OnBehind = EtcdBehindPolicy.Throw });
        long highest = 0;
        for (int i = 0; i < 20; i++)
        {
            highest = Math.Max(highest, (await ordered.PutAsync("own", $"{i}", null, Token)).Revision);
            Assert.True((await ordered.GetRangeAsync(EtcdRange.Single("own"), Range(), Token)).Header.Revision >= highest);
        }
    }

    [Fact]
    public async Task Where_all_that_answer_are_behind_the_read_fails_and_says_why()
    {
        EtcdClient client = NewClient(configure: options => options.Retry.MaxDelay = TimeSpan.FromMilliseconds(50));
        IEtcdKv throwing = client.Kv.WithOrdering(new EtcdOrderingOptions { OnBehind = EtcdBehindPolicy.Throw });
        IEtcdKv asking = client.Kv.WithOrdering();
        foreach (IEtcdKv kv in (IEtcdKv[])[throwing, asking])
        {
            await UntilAsync(async () => (await kv.GetAsync("k", Serializable, Token))!.Value == $"{Ahead}");
        }

        await _ahead!.StopAsync();

        // A member that is behind may catch up. A leader that is has lost its past.
        var behind = await Assert.ThrowsAsync<EtcdBehindException>(async () => await throwing.GetAsync("k", Serializable, Token));
        var lost = await Assert.ThrowsAsync<EtcdBehindException>(async () => await asking.GetAsync("k", Serializable, Token));
        var lostInTxn = await Assert.ThrowsAsync<EtcdBehindException>(
            async () => await asking.CommitAsync(new EtcdTxn().Then(EtcdOp.Get("k", Range())), null, Token));

        Assert.Equal((true, false, false), (behind.IsTransient, lost.IsTransient, lostInTxn.IsTransient));
        Assert.True(behind.SeenRevision > behind.Revision);
    }

    /// <summary>A revision of the caller's choice says itself how old the answer is.</summary>
    [Fact]
    public async Task Reads_of_the_past_are_answered_by_those_who_have_it()
    {
        EtcdClient client = NewClient();
        IEtcdKv ordered = client.Kv.WithOrdering(new EtcdOrderingOptions { OnBehind = EtcdBehindPolicy.Throw });
        await UntilAsync(async () => (await ordered.GetAsync("k", Serializable, Token))!.Value == $"{Ahead}");

        for (int i = 0; i < 10; i++)
        {
            Assert.Equal("1", (await ordered.GetAsync("k", Serializable with { Revision = 2 }, Token))!.Value.ToString());
        }
    }

    private static EtcdRangeOptions Range() => new() { Serializable = true };

    private async Task<InProcessMember> FillAsync(int writes)
    {
        InProcessMember member = Keep(await InProcessMember.StartAsync());
        EtcdClient client = NewClient(member.Url);
        for (int i = 1; i <= writes; i++)
        {
            await client.Kv.CommitAsync(new EtcdTxn().Then(EtcdOp.Put("k", $"{i}"), EtcdOp.Put($"n/{i}", "")), cancellationToken: Token);
        }

        return member;
    }
}
