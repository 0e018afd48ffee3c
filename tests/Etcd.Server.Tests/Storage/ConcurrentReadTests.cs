using System.Buffers.Binary;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;

namespace Etcd.Server.Tests.Storage;

/// <summary>
/// Goal: whatever the writer and compaction do meanwhile, a read sees exactly one state. Method: every transaction adds as
/// much to one of the counters as it takes from another, so in each state the values sum to zero and the keys are as many as a
/// marker says; readers on other threads check that at the current and at older revisions, in ranges, cursors and history.
/// </summary>
public class ConcurrentReadTests
{
    private const int Counters = 200;

    [Fact]
    public async Task Readers_see_one_consistent_state_while_writes_and_compactions_go_on()
    {
        var store = new MvccStore();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        WriteTxn txn = store.Begin();
        for (int i = 0; i < Counters; i++)
            Write(txn, i, 0);

        txn.Put("marker"u8, Number(Counters), LeaseId.None);
        txn.End();
        store.Publish();

        // The token ends the loops, not the tasks: one that has not begun by then still has to read once.
        Task<long>[] readers =
        [
            .. Enumerable.Range(0, 2).Select(n => OnThread(() => ReadAll(store, new Random(n), stop.Token))),
            OnThread(() => ReadHistory(store, stop.Token)),
        ];
        try
        {
            WriteMany(store, new Random(11), readers);
        }
        finally
        {
            await stop.CancelAsync();
        }

        long[] reads = await Task.WhenAll(readers);
        Assert.All(reads, count => Assert.True(count > 0));
    }

    private static Task<long> OnThread(Func<long> body) =>
        Task.Factory.StartNew(body, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static void WriteMany(MvccStore store, Random random, Task<long>[] readers)
    {
        int[] values = new int[Counters];
        for (int step = 0; step < 15_000; step++)
        {
            int from = random.Next(Counters);
            int to = (from + 1 + random.Next(Counters - 1)) % Counters;
            WriteTxn txn = store.Begin();
            Write(txn, from, --values[from]);
            Write(txn, to, ++values[to]);

            // A key that comes and goes changes the tree's shape.
            byte[] extra = StoreHelp.Bytes($"c/extra{step % 500}");
            if (txn.DeleteRange(extra, default) == 0)
                txn.Put(extra, Number(0), LeaseId.None);

            txn.Put("marker"u8, Number((int)Count(txn)), LeaseId.None);
            txn.End();
            if (step % 3 != 2)
                continue;

            store.Publish();
            if (step % 300 == 299)
                Assert.Equal(ReadStatus.Ok, store.Compact(store.CurrentRevision - 50));

            store.RunOnce();
            if (step % 999 == 2 && readers.FirstOrDefault(r => r.IsFaulted) is { } failed)
                throw failed.Exception!;
        }
    }

    private static long ReadAll(MvccStore store, Random random, CancellationToken stop)
    {
        var result = new RangeResult();
        long reads = 0;
        while (reads == 0 || !stop.IsCancellationRequested)
        {
            long revision = random.Next(2) == 0 ? 0 : store.CurrentRevision - random.Next(60);
            (bool read, int sum, long keys, int marker) = store.Read((result, revision), static (snapshot, arg) =>
            {
                var all = new RangeQuery { Key = "c/"u8, RangeEnd = "c0"u8, Revision = arg.revision };
                if (snapshot.Range(all, arg.result) != ReadStatus.Ok)
                    return (false, 0, 0L, 0);

                int sum = 0;
                foreach (ReadOnlyMemory<byte> kv in arg.result.Kvs)
                    sum += BinaryPrimitives.ReadInt32LittleEndian(KeyValueFields.Parse(kv.Span).Value);

                long keys = arg.result.Count;
                Assert.Equal(keys, arg.result.Kvs.Length);
                Assert.Equal(ReadStatus.Ok, snapshot.Range(new RangeQuery { Key = "marker"u8, Revision = arg.revision }, arg.result));

                // Before the first write there is no marker, and there are no keys either.
                int marker = arg.result.Kvs.IsEmpty
                    ? 0
                    : BinaryPrimitives.ReadInt32LittleEndian(KeyValueFields.Parse(arg.result.Kvs[0].Span).Value);
                return (true, sum, keys, marker);
            });
            if (!read)
                continue;

            Assert.Equal(0, sum);
            Assert.Equal(marker, keys);
            reads++;
        }

        return reads;
    }

    private static long ReadHistory(MvccStore store, CancellationToken stop)
    {
        List<StoreEvent> events = [];
        long reads = 0;
        while (reads == 0 || !stop.IsCancellationRequested)
        {
            long from = Math.Max(3, store.CompactRevision + 1);
            events.Clear();
            if (store.ReadEvents(from, 200, events, out long next) != EventReadStatus.Ok || events.Count == 0)
                continue;

            // Each revision has its four changes, numbered without a gap.
            Assert.Equal(from, events[0].Revision.Main);
            for (int i = 0; i < events.Count; i++)
                Assert.Equal(new Revision(from + (i / 4), i % 4), events[i].Revision);

            Assert.Equal(from + (events.Count / 4), next);
            Assert.Equal(ReadStatus.Ok, HashOk(store));
            reads++;
        }

        return reads;
    }

    private static ReadStatus HashOk(MvccStore store) => store.HashKv(0, out _, out _);

    private static long Count(WriteTxn txn)
    {
        var result = new RangeResult();
        txn.Range(new RangeQuery { Key = "c/"u8, RangeEnd = "c0"u8, CountOnly = true }, result);
        return result.Count;
    }

    private static void Write(WriteTxn txn, int counter, int value) =>
        txn.Put(StoreHelp.Bytes($"c/{counter:d4}"), Number(value), LeaseId.None);

    private static byte[] Number(int value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        return bytes;
    }
}
