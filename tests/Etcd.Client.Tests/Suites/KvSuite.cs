using System.Text.Json.Serialization;
using Etcd.Protocol.Errors;
using Etcd.TestKit.Network;
using Grpc.Core;

namespace Etcd.Client.Tests.Suites;

/// <summary>Goal: every option of reads, writes and transactions does what etcd does with it, and errors are typed.</summary>
public abstract partial class KvSuite : ClientSuite
{
    [Fact]
    public async Task A_key_is_written_read_and_deleted()
    {
        IEtcdKv kv = NewClient().Kv;
        string key = Prefix + "k";

        Assert.Null(await kv.GetAsync(key, cancellationToken: Token));
        EtcdPutResult first = await kv.PutAsync(key, "one", cancellationToken: Token);
        EtcdPutResult second = await kv.PutAsync(key, new byte[] { 0, 255 }, new EtcdPutOptions { ReturnPrevious = true }, Token);
        EtcdKeyValue? read = await kv.GetAsync(key, cancellationToken: Token);
        EtcdKeyValue? old = await kv.GetAsync(key, new EtcdGetOptions { Revision = first.Revision }, Token);
        EtcdDeleteResult deleted = await kv.DeleteAsync(EtcdRange.Single(key), new EtcdDeleteOptions { ReturnPrevious = true }, Token);

        Assert.Null(first.Previous);
        Assert.Equal("one", second.Previous!.Value.ToString());
        Assert.Equal(key, read!.Key.ToString());
        Assert.Equal([0, 255], read.Value.Memory.ToArray());
        Assert.Equal((first.Revision, second.Revision, 2L), (read.CreateRevision, read.ModRevision, read.Version));
        Assert.Equal("one", old!.Value.ToString());
        Assert.Equal(1, deleted.Deleted);
        Assert.Equal([0, 255], deleted.Previous.Single().Value.Memory.ToArray());
        Assert.False(await kv.DeleteAsync(key, Token));
    }

    [Fact]
    public async Task A_put_keeps_value_or_lease_where_asked()
    {
        EtcdClient client = NewClient();
        string key = Prefix + "kept";
        EtcdLeaseGrant lease = await client.Leases.GrantAsync(TimeSpan.FromMinutes(5), cancellationToken: Token);

        EtcdException missing = await Assert.ThrowsAsync<EtcdException>(
            async () => await client.Kv.PutAsync(key, "", new EtcdPutOptions { KeepValue = true }, Token));
        await client.Kv.PutAsync(key, "a", new EtcdPutOptions { Lease = lease.Id }, Token);
        await client.Kv.PutAsync(key, "b", new EtcdPutOptions { KeepLease = true }, Token);
        EtcdKeyValue? leased = await client.Kv.GetAsync(key, cancellationToken: Token);
        await client.Kv.PutAsync(key, "", new EtcdPutOptions { KeepValue = true }, Token);
        EtcdKeyValue? free = await client.Kv.GetAsync(key, cancellationToken: Token);

        Assert.Equal(EtcdErrorId.KeyNotFound, missing.ErrorId);
        Assert.Equal(("b", lease.Id), (leased!.Value.ToString(), leased.Lease));
        Assert.Equal("b", free!.Value.ToString());
        Assert.True(free.Lease.IsNone);
    }

    [Fact]
    public async Task A_range_is_sorted_limited_counted_and_filtered()
    {
        IEtcdKv kv = NewClient().Kv;
        long[] revisions = new long[5];
        for (int i = 0; i < 5; i++)
        {
            revisions[i] = (await kv.PutAsync($"{Prefix}{i}", $"{9 - i}", cancellationToken: Token)).Revision;
        }

        EtcdRange range = EtcdRange.Prefix(Prefix);
        EtcdRangeResult byValue = await kv.GetRangeAsync(range, new EtcdRangeOptions { SortBy = EtcdSortBy.Value, Limit = 2 }, Token);
        EtcdRangeResult descending = await kv.GetRangeAsync(range, new EtcdRangeOptions { Order = EtcdSortOrder.Descending }, Token);
        EtcdRangeResult keys = await kv.GetRangeAsync(range, new EtcdRangeOptions { KeysOnly = true, Serializable = true }, Token);
        EtcdRangeResult late = await kv.GetRangeAsync(range, new EtcdRangeOptions { MinModRevision = revisions[3] }, Token);
        EtcdRangeResult count = await kv.GetRangeAsync(range, new EtcdRangeOptions { CountOnly = true }, Token);

        Assert.Equal(["5", "6"], byValue.Items.Select(item => item.Value.ToString()));
        Assert.True(byValue.More);
        Assert.Equal(5, byValue.Count);
        Assert.Equal(["5", "6", "7", "8", "9"], descending.Items.Select(item => item.Value.ToString()));
        Assert.All(keys.Items, item => Assert.True(item.Value.IsEmpty));
        Assert.Equal([revisions[3], revisions[4]], late.Items.Select(item => item.ModRevision));
        Assert.Empty(count.Items);
        Assert.Equal(5, await kv.CountAsync(range, cancellationToken: Token));
        Assert.Equal(2, await kv.CountAsync(EtcdRange.Between(Prefix + "1", Prefix + "3"), cancellationToken: Token));
        Assert.Equal(5, (await kv.DeleteAsync(range, cancellationToken: Token)).Deleted);
    }

    [Fact]
    public async Task Pages_are_all_of_one_revision_while_others_write()
    {
        IEtcdKv kv = NewClient().Kv;
        for (int i = 0; i < 45; i++)
        {
            await kv.PutAsync($"{Prefix}{i:d3}", "old", cancellationToken: Token);
        }

        var keys = new List<EtcdKeyValue>();
        var revisions = new HashSet<long>();
        await foreach (EtcdPage page in kv.ListPagesAsync(EtcdRange.Prefix(Prefix), new EtcdListOptions { PageSize = 7 }, Token))
        {
            keys.AddRange(page.Items);
            revisions.Add(page.Revision);
            await kv.PutAsync($"{Prefix}{keys.Count:d3}", "new", cancellationToken: Token);
            await kv.PutAsync($"{Prefix}zzz{keys.Count}", "new", cancellationToken: Token);
            await kv.DeleteAsync($"{Prefix}044", Token);
        }

        Assert.Equal(Enumerable.Range(0, 45).Select(i => $"{Prefix}{i:d3}"), keys.Select(item => item.Key.ToString()));
        Assert.All(keys, item => Assert.Equal("old", item.Value.ToString()));
        Assert.Single(revisions);
    }

    [Fact]
    public async Task A_listing_goes_on_over_lost_connections_without_a_key_twice()
    {
        using var patience = new CancellationTokenSource(Patience);
        FaultProxy proxy = NewProxy();
        IEtcdKv direct = NewClient().Kv;
        for (int i = 0; i < 300; i++)
        {
            await direct.PutAsync($"{Prefix}{i:d4}", new byte[1000], cancellationToken: Token);
        }

        proxy.ResetAfterBytes = number => 20_000 + (number * 1000);
        IEtcdKv kv = NewClient(proxy.Url).Kv;
        var keys = new List<string>();
        await foreach (EtcdKeyValue item in kv.ListAsync(EtcdRange.Prefix(Prefix), new EtcdListOptions { PageSize = 5 }, patience.Token))
        {
            keys.Add(item.Key.ToString());
        }

        Assert.Equal(Enumerable.Range(0, 300).Select(i => $"{Prefix}{i:d4}"), keys);
        Assert.True(proxy.Accepted > 5, $"{proxy.Accepted} connections");
    }

    [Fact]
    public async Task A_transaction_gives_typed_results_of_the_branch_that_was_taken()
    {
        IEtcdKv kv = NewClient().Kv;
        string key = Prefix + "job";
        EtcdOp<EtcdPutResult> take = EtcdOp.Put(key, "mine");
        EtcdOp<EtcdRangeResult> owner = EtcdOp.Get(key);
        EtcdTxn transaction = new EtcdTxn().If(EtcdCompare.NotExists(key)).Then(take).Else(owner);

        EtcdTxnResult first = await kv.CommitAsync(transaction, cancellationToken: Token);
        EtcdTxnResult second = await kv.CommitAsync(transaction, cancellationToken: Token);

        Assert.True(first.Succeeded);
        Assert.Equal(first.Revision, first.ResultOf(take).Revision);
        Assert.False(second.Succeeded);
        Assert.Equal("mine", second.ResultOf(owner).Items.Single().Value.ToString());
        Assert.Throws<ArgumentException>(() => second.ResultOf(take));
    }

    [Fact]
    public async Task A_transaction_nests_and_compares_everything()
    {
        IEtcdKv kv = NewClient().Kv;
        string key = Prefix + "n";
        EtcdPutResult put = await kv.PutAsync(key, "5", cancellationToken: Token);
        EtcdOp<EtcdDeleteResult> delete = EtcdOp.Delete(key, new EtcdDeleteOptions { ReturnPrevious = true });
        EtcdOp<EtcdTxnResult> inner = EtcdOp.Txn(new EtcdTxn()
            .If(EtcdCompare.Value(key).EqualTo("5"), EtcdCompare.Version(key).LessThan(2))
            .Then(delete));

        EtcdTxnResult result = await kv.CommitAsync(
            new EtcdTxn()
                .If(
                    EtcdCompare.ModRevision(key).EqualTo(put.Revision),
                    EtcdCompare.CreateRevision(key).GreaterThan(put.Revision - 1),
                    EtcdCompare.Lease(key).EqualTo(0),
                    EtcdCompare.Value(EtcdRange.Prefix(Prefix)).NotEqualTo("6"),
                    EtcdCompare.Exists(key))
                .Then(inner, EtcdOp.Put(Prefix + "done", "yes")),
            cancellationToken: Token);

        Assert.True(result.Succeeded);
        Assert.True(result.ResultOf(inner).Succeeded);
        Assert.Equal("5", result.ResultOf(inner).ResultOf(delete).Previous.Single().Value.ToString());
        Assert.Equal(["done"], (await kv.GetRangeAsync(EtcdRange.Prefix(Prefix), cancellationToken: Token)).Items.Select(i => i.Key.ToString()[Prefix.Length..]));
    }

    [Fact]
    public async Task Values_of_any_type_go_through_a_serializer()
    {
        IEtcdKv kv = NewClient().Kv;

        await kv.PutJsonAsync(Prefix + "s", new Settings("blue", 3), SuiteJson.Default.Settings, cancellationToken: Token);
        Settings? read = await kv.GetJsonAsync(Prefix + "s", SuiteJson.Default.Settings, cancellationToken: Token);
        Settings? none = await kv.GetJsonAsync(Prefix + "none", SuiteJson.Default.Settings, cancellationToken: Token);

        Assert.Equal(new Settings("blue", 3), read);
        Assert.Null(none);
    }

    [Fact]
    public async Task Compacted_and_future_revisions_are_told_apart()
    {
        IEtcdKv kv = NewClient().Kv;
        EtcdPutResult first = await kv.PutAsync(Prefix + "k", "1", cancellationToken: Token);
        EtcdPutResult second = await kv.PutAsync(Prefix + "k", "2", cancellationToken: Token);
        await kv.CompactAsync(second.Revision, new EtcdCompactOptions { Physical = true }, Token);

        var compacted = await Assert.ThrowsAsync<EtcdCompactedException>(
            async () => await kv.GetAsync(Prefix + "k", new EtcdGetOptions { Revision = first.Revision }, Token));
        var future = await Assert.ThrowsAsync<EtcdException>(
            async () => await kv.GetAsync(Prefix + "k", new EtcdGetOptions { Revision = second.Revision + 1_000_000 }, Token));

        Assert.Equal((StatusCode.OutOfRange, EtcdErrorId.Compacted, false), (compacted.Code, compacted.ErrorId, compacted.IsTransient));
        Assert.Equal(EtcdErrorId.FutureRevision, future.ErrorId);
        Assert.False(future.OutcomeUnknown);
        Assert.Equal(Url, future.Endpoint);
    }

    [Fact]
    public async Task A_put_with_an_unknown_lease_says_so()
    {
        var missing = await Assert.ThrowsAsync<EtcdLeaseNotFoundException>(async () => await NewClient().Kv.PutAsync(
            Prefix + "k", "v", new EtcdPutOptions { Lease = new EtcdLeaseId(12345) }, Token));

        Assert.Equal((StatusCode.NotFound, EtcdErrorId.LeaseNotFound), (missing.Code, missing.ErrorId));
    }

    [Fact]
    public async Task A_namespace_hides_itself_from_keys_transactions_and_watches()
    {
        EtcdClient client = NewClient();
        IEtcdClient inside = client.WithNamespace(Prefix).WithNamespace("in/");
        await client.Kv.PutAsync(Prefix + "outside", "no", cancellationToken: Token);
        await client.Kv.PutAsync(Prefix + "in0", "no", cancellationToken: Token);

        await using EtcdWatcher watcher = await inside.Watch.StartAsync(EtcdRange.All, cancellationToken: Token);
        await inside.Kv.PutAsync("a", "1", cancellationToken: Token);
        EtcdOp<EtcdRangeResult> all = EtcdOp.Get(EtcdRange.All);
        EtcdTxnResult txn = await inside.Kv.CommitAsync(
            new EtcdTxn().If(EtcdCompare.Exists("a")).Then(EtcdOp.Put("b", "2"), all), cancellationToken: Token);
        EtcdRangeResult fromB = await inside.Kv.GetRangeAsync(EtcdRange.From("b"), cancellationToken: Token);
        await using IAsyncEnumerator<EtcdWatchBatch> events = watcher.GetAsyncEnumerator(Token);

        Assert.Equal(["a", "b"], txn.ResultOf(all).Items.Select(item => item.Key.ToString()));
        Assert.Equal("b", fromB.Items.Single().Key.ToString());
        Assert.Equal("a", (await NextAsync(events)).Events.Single().Key.ToString());
        Assert.Equal("b", (await NextAsync(events)).Events.Single().Key.ToString());
        Assert.Equal("1", (await client.Kv.GetAsync(Prefix + "in/a", cancellationToken: Token))!.Value.ToString());
    }

    [Fact]
    public async Task An_empty_key_is_refused_before_it_could_mean_the_namespace()
    {
        IEtcdKv kv = NewClient().WithNamespace(Prefix).Kv;

        await Assert.ThrowsAsync<ArgumentException>(async () => await kv.PutAsync("", "v", cancellationToken: Token));
        await Assert.ThrowsAsync<ArgumentException>(async () => await kv.GetRangeAsync(default, cancellationToken: Token));
        Assert.Throws<ArgumentException>(() => EtcdOp.Put("", "v"));
    }

    [Fact]
    public async Task Members_and_status_are_told()
    {
        EtcdClient client = NewClient();

        EtcdMember member = Assert.Single(await client.Cluster.ListMembersAsync(cancellationToken: Token));
        EtcdMemberStatus status = await client.Maintenance.GetStatusAsync(Url, cancellationToken: Token);

        Assert.Equal("default", member.Name);
        Assert.Equal(member.Id, status.Leader);
        Assert.True(status.RaftAppliedIndex > 0);
    }

    internal sealed record Settings(string Color, int Size);

    [JsonSerializable(typeof(Settings))]
    internal sealed partial class SuiteJson : JsonSerializerContext;
}
