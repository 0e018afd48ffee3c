using System.Globalization;
using Grpc.Core;

namespace Etcd.Client.Tests.Suites;

/// <summary>
/// Goal: functions over keys are transactions, as isolated as they ask to be. Method: another writer comes between the reads and
/// the commit of an attempt, at a moment that the test chooses.
/// </summary>
public abstract class StmSuite : CoordinationSuite
{
    private string A => Prefix + "a";

    private string B => Prefix + "b";

    /// <summary>Money moves among accounts from many sides at once; none is made or lost.</summary>
    [Fact]
    public async Task Concurrent_transfers_keep_the_sum()
    {
        const int Accounts = 5;
        const int Transfers = 20;
        const int Workers = 6;
        for (int i = 0; i < Accounts; i++)
        {
            await Client.Kv.PutAsync($"{Prefix}{i}", "100", cancellationToken: Token);
        }

        await Task.WhenAll(Enumerable.Range(0, Workers).Select(async worker =>
        {
            var random = new Random(worker);
            EtcdClient client = NewClient();
            for (int i = 0; i < Transfers; i++)
            {
                string from = $"{Prefix}{random.Next(Accounts)}";
                string to = $"{Prefix}{random.Next(Accounts)}";
                int amount = random.Next(10);
                await client.Kv.RunStmAsync(
                    async stm =>
                    {
                        stm.Put(from, Text(Number(await stm.GetAsync(from)) - amount));
                        stm.Put(to, Text(Number(await stm.GetAsync(to)) + amount));
                    },
                    cancellationToken: Token);
            }
        }));

        EtcdRangeResult all = await Client.Kv.GetRangeAsync(EtcdRange.Prefix(Prefix), cancellationToken: Token);
        Assert.Equal(Accounts * 100, all.Items.Sum(item => Number(item.Value)));
    }

    [Theory]
    [InlineData(EtcdIsolation.SerializableSnapshot, 2)]
    [InlineData(EtcdIsolation.Serializable, 2)]
    [InlineData(EtcdIsolation.RepeatableReads, 2)]
    [InlineData(EtcdIsolation.ReadCommitted, 1)]
    public async Task What_was_read_and_has_changed_makes_another_attempt_but_where_that_is_allowed(EtcdIsolation isolation, int attempts)
    {
        await Client.Kv.PutAsync(A, "old", cancellationToken: Token);
        int attempt = 0;

        string read = await Client.Kv.RunStmAsync(
            async stm =>
            {
                string value = (await stm.GetAsync(A)).ToString()!;
                if (++attempt == 1)
                {
                    await Client.Kv.PutAsync(A, "new", cancellationToken: Token);
                }

                stm.Put(B, value);
                return value;
            },
            new EtcdStmOptions { Isolation = isolation },
            Token);

        Assert.Equal(attempts, attempt);
        Assert.Equal(attempts == 2 ? "new" : "old", read);
        Assert.Equal(read, (await Client.Kv.GetAsync(B, cancellationToken: Token))!.Value.ToString());
    }

    [Theory]
    [InlineData(EtcdIsolation.SerializableSnapshot, 2)]
    [InlineData(EtcdIsolation.Serializable, 1)]
    [InlineData(EtcdIsolation.RepeatableReads, 1)]
    [InlineData(EtcdIsolation.ReadCommitted, 1)]
    public async Task What_is_written_without_being_read_conflicts_in_a_snapshot_only(EtcdIsolation isolation, int attempts)
    {
        await Client.Kv.PutAsync(A, "1", cancellationToken: Token);
        int attempt = 0;

        await Client.Kv.RunStmAsync(
            async stm =>
            {
                await stm.GetAsync(A);
                if (++attempt == 1)
                {
                    await Client.Kv.PutAsync(B, "other", cancellationToken: Token);
                }

                stm.Put(B, "mine");
            },
            new EtcdStmOptions { Isolation = isolation },
            Token);

        Assert.Equal(attempts, attempt);
        Assert.Equal("mine", (await Client.Kv.GetAsync(B, cancellationToken: Token))!.Value.ToString());
    }

    /// <summary>Two keys that always change together are never seen apart; a level that allows it sees them so.</summary>
    [Theory]
    [InlineData(EtcdIsolation.SerializableSnapshot, "old old", "new new")]
    [InlineData(EtcdIsolation.Serializable, "old old", "new new")]
    [InlineData(EtcdIsolation.RepeatableReads, "old new", "new new")]
    [InlineData(EtcdIsolation.ReadCommitted, "old new", "old new")]
    public async Task Reads_are_of_one_revision_where_that_is_promised(EtcdIsolation isolation, string first, string last)
    {
        await WriteBothAsync("old");
        var seen = new List<string>();

        await Client.Kv.RunStmAsync(
            async stm =>
            {
                EtcdValue? a = await stm.GetAsync(A);
                if (seen.Count == 0)
                {
                    await WriteBothAsync("new");
                }

                seen.Add($"{a} {await stm.GetAsync(B)}");
                Assert.Equal(a, await stm.GetAsync(A));
                stm.Put(Prefix + "seen", seen[^1]);
            },
            new EtcdStmOptions { Isolation = isolation },
            Token);

        Assert.Equal((first, last), (seen[0], seen[^1]));
        Assert.Equal(last, (await Client.Kv.GetAsync(Prefix + "seen", cancellationToken: Token))!.Value.ToString());

        Task WriteBothAsync(string value) => Client.Kv.CommitAsync(
            new EtcdTxn().Then(EtcdOp.Put(A, value), EtcdOp.Put(B, value)), cancellationToken: Token).AsTask();
    }

    [Fact]
    public async Task A_function_sees_its_own_writes_and_absent_keys()
    {
        await Client.Kv.PutAsync(A, "1", cancellationToken: Token);

        await Client.Kv.RunStmAsync(
            async stm =>
            {
                Assert.Equal("1", (await stm.GetAsync(A)).ToString());
                Assert.Null(await stm.GetAsync(B));
                Assert.Equal(0, await stm.GetRevisionAsync(B));
                Assert.True(stm.Revision > 0);
                stm.Put(B, "2");
                stm.Delete(A);
                Assert.Equal("2", (await stm.GetAsync(B)).ToString());
                Assert.Null(await stm.GetAsync(A));
            },
            cancellationToken: Token);

        Assert.Null(await Client.Kv.GetAsync(A, cancellationToken: Token));
        Assert.Equal("2", (await Client.Kv.GetAsync(B, cancellationToken: Token))!.Value.ToString());
    }

    [Fact]
    public async Task An_exception_of_the_function_writes_nothing()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await Client.Kv.RunStmAsync(
            async stm =>
            {
                await stm.GetAsync(A);
                stm.Put(A, "v");
                throw new InvalidOperationException();
            },
            cancellationToken: Token));

        Assert.Null(await Client.Kv.GetAsync(A, cancellationToken: Token));
    }

    [Fact]
    public async Task Attempts_are_limited_where_asked()
    {
        int attempt = 0;
        var conflict = await Assert.ThrowsAsync<EtcdException>(async () => await Client.Kv.RunStmAsync(
            async stm =>
            {
                await stm.GetAsync(A);
                await Client.Kv.PutAsync(A, $"{++attempt}", cancellationToken: Token);
                stm.Put(B, "v");
            },
            new EtcdStmOptions { MaxAttempts = 3 },
            Token));

        Assert.Equal(3, attempt);
        Assert.Equal((StatusCode.Aborted, true, false), (conflict.Code, conflict.IsTransient, conflict.OutcomeUnknown));
        Assert.Null(await Client.Kv.GetAsync(B, cancellationToken: Token));
    }

    /// <summary>Keys that are named before are read in one request, all at one revision.</summary>
    [Fact]
    public async Task Keys_are_read_before_where_asked()
    {
        await Client.Kv.PutAsync(A, "1", cancellationToken: Token);
        int attempt = 0;

        await Client.Kv.RunStmAsync(
            async stm =>
            {
                if (++attempt == 1)
                {
                    await Client.Kv.PutAsync(A, "2", cancellationToken: Token);
                }

                Assert.Equal($"{attempt}", (await stm.GetAsync(A)).ToString());
                stm.Put(B, "v");
            },
            new EtcdStmOptions { Prefetch = [A, B] },
            Token);

        Assert.Equal(2, attempt);
    }

    /// <summary>The revision of the first read is compacted before the second: a new attempt reads at a new one.</summary>
    [Fact]
    public async Task A_compaction_during_an_attempt_makes_another()
    {
        await Client.Kv.PutAsync(A, "1", cancellationToken: Token);
        int attempt = 0;

        await Client.Kv.RunStmAsync(
            async stm =>
            {
                await stm.GetAsync(A);
                if (++attempt == 1)
                {
                    EtcdPutResult put = await Client.Kv.PutAsync(Prefix + "c", "", cancellationToken: Token);
                    await Client.Kv.CompactAsync(put.Revision, cancellationToken: Token);
                }

                await stm.GetAsync(B);
                stm.Put(B, "v");
            },
            cancellationToken: Token);

        Assert.Equal(2, attempt);
        Assert.NotNull(await Client.Kv.GetAsync(B, cancellationToken: Token));
    }

    private static int Number(EtcdValue? value) => int.Parse(value.ToString()!, CultureInfo.InvariantCulture);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
