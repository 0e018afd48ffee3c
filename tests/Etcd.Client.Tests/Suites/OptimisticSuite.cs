namespace Etcd.Client.Tests.Suites;

/// <summary>Goal: changes on the condition that nobody else made one, and listings in parts, do what Go's kubernetes package does.</summary>
public abstract class OptimisticSuite : CoordinationSuite
{
    private static readonly EtcdOptimisticOptions Get = new() { GetOnFailure = true };

    [Fact]
    public async Task A_put_is_made_where_nobody_has_changed_the_key()
    {
        EtcdKey key = Prefix + "k";
        EtcdOptimisticResult created = await Client.Kv.OptimisticPutAsync(key, "1", 0, cancellationToken: Token);
        EtcdOptimisticResult again = await Client.Kv.OptimisticPutAsync(key, "2", 0, cancellationToken: Token);
        EtcdOptimisticResult changed = await Client.Kv.OptimisticPutAsync(key, "3", created.Revision, cancellationToken: Token);
        EtcdOptimisticResult late = await Client.Kv.OptimisticPutAsync(key, "4", created.Revision, Get, Token);

        Assert.Equal((true, false, true, false), (created.Succeeded, again.Succeeded, changed.Succeeded, late.Succeeded));
        Assert.Null(again.Current);
        Assert.Equal(("3", changed.Revision), (late.Current!.Value.ToString(), late.Current.ModRevision));
        Assert.Equal("3", (await Client.Kv.GetAsync(key, cancellationToken: Token))!.Value.ToString());
    }

    [Fact]
    public async Task A_delete_is_made_where_nobody_has_changed_the_key()
    {
        EtcdKey key = Prefix + "k";
        long first = (await Client.Kv.PutAsync(key, "1", cancellationToken: Token)).Revision;
        long second = (await Client.Kv.PutAsync(key, "2", cancellationToken: Token)).Revision;

        EtcdOptimisticResult late = await Client.Kv.OptimisticDeleteAsync(key, first, Get, Token);
        EtcdOptimisticResult deleted = await Client.Kv.OptimisticDeleteAsync(key, second, Get, Token);
        EtcdOptimisticResult gone = await Client.Kv.OptimisticDeleteAsync(key, second, Get, Token);

        Assert.Equal((false, true, false), (late.Succeeded, deleted.Succeeded, gone.Succeeded));
        Assert.Equal(second, late.Current!.ModRevision);
        Assert.Null(gone.Current);
        Assert.Null(await Client.Kv.GetAsync(key, cancellationToken: Token));
    }

    [Fact]
    public async Task A_put_can_have_a_lease()
    {
        EtcdSession session = await NewSessionAsync();

        await Client.Kv.OptimisticPutAsync(Prefix + "k", "1", 0, new EtcdOptimisticOptions { Lease = session.LeaseId }, Token);

        Assert.Equal(session.LeaseId, (await Client.Kv.GetAsync(Prefix + "k", cancellationToken: Token))!.Lease);
    }

    /// <summary>Of many who count up together none is lost, which is what the condition is for.</summary>
    [Fact]
    public async Task Of_concurrent_changes_none_is_lost()
    {
        const int Writers = 8;
        const int Each = 20;
        EtcdKey key = Prefix + "n";
        await Client.Kv.PutAsync(key, "0", cancellationToken: Token);

        await Task.WhenAll(Enumerable.Range(0, Writers).Select(async _ =>
        {
            EtcdKeyValue seen = (await Client.Kv.GetAsync(key, cancellationToken: Token))!;
            for (int done = 0; done < Each;)
            {
                string next = $"{int.Parse(seen.Value.ToString(), System.Globalization.CultureInfo.InvariantCulture) + 1}";
                EtcdOptimisticResult put = await Client.Kv.OptimisticPutAsync(key, next, seen.ModRevision, Get, Token);
                done += put.Succeeded ? 1 : 0;
                seen = put.Current ?? (await Client.Kv.GetAsync(key, cancellationToken: Token))!;
            }
        }));

        Assert.Equal($"{Writers * Each}", (await Client.Kv.GetAsync(key, cancellationToken: Token))!.Value.ToString());
    }

    [Fact]
    public async Task Parts_of_a_listing_are_of_one_revision()
    {
        for (int i = 0; i < 25; i++)
        {
            await Client.Kv.PutAsync(Prefix + $"{i:d2}", "old", cancellationToken: Token);
        }

        var parts = new List<EtcdListPart>();
        var options = new EtcdListPartOptions { Limit = 10 };
        do
        {
            parts.Add(await Client.Kv.ListPartAsync(Prefix, options, Token));
            options = options with { Revision = parts[^1].Revision, Continue = parts[^1].Continue };
            await Client.Kv.PutAsync(Prefix + "24", "new", cancellationToken: Token);
            await Client.Kv.PutAsync(Prefix + "25", "new", cancellationToken: Token);
        }
        while (options.Continue is not null);

        Assert.Equal([10, 10, 5], parts.Select(part => part.Items.Count));
        Assert.Equal([25, 15, 5], parts.Select(part => part.Count));
        Assert.Single(parts.Select(part => part.Revision).Distinct());
        Assert.Equal(Enumerable.Range(0, 25).Select(i => $"{Prefix}{i:d2}"), parts.SelectMany(part => part.Items).Select(item => item.Key.ToString()));
        Assert.All(parts.SelectMany(part => part.Items), item => Assert.Equal("old", item.Value.ToString()));
        await Assert.ThrowsAsync<ArgumentException>(
            async () => await Client.Kv.ListPartAsync(Prefix, new EtcdListPartOptions { Continue = (EtcdKey)"elsewhere" }, Token));
    }
}
