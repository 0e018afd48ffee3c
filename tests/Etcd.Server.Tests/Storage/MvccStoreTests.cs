using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Etcd.TestKit;

namespace Etcd.Server.Tests.Storage;

/// <summary>The store's contract, one claim each.</summary>
public class MvccStoreTests
{
    [Fact]
    public void A_record_is_the_exact_encoding_that_go_writes()
    {
        var store = new MvccStore();
        store.Put("a", "b");
        store.Put("a", "", lease: -1);

        Assert.True(store.TryGet("a"u8, out ReadOnlyMemory<byte> record, out long revision));
        Assert.Equal("0A0161100218032002" + "30FFFFFFFFFFFFFFFFFF01", Convert.ToHexString(record.Span));
        Assert.Equal(3, revision);
    }

    [Fact]
    public void The_empty_store_is_at_revision_1_and_a_transaction_without_change_takes_none()
    {
        var store = new MvccStore();
        Assert.Equal(1, store.CurrentRevision);
        Assert.Equal(1, store.Delete("nothing"));
        Assert.Equal(2, store.Put("k"));
        Assert.Equal(2, store.CurrentRevision);
    }

    [Fact]
    public void Nothing_is_visible_before_it_is_published_and_then_all_at_once()
    {
        var store = new MvccStore();
        var sink = new Sink(store);
        store.ConnectSink(sink);
        for (int i = 0; i < 3; i++)
        {
            WriteTxn txn = store.Begin();
            txn.Put(StoreHelp.Bytes("k" + i), default, LeaseId.None);
            txn.End();
        }

        var result = new RangeResult();
        store.Range(new RangeQuery { Key = "k"u8, RangeEnd = "l"u8 }, result);
        Assert.Equal((0, 1), (result.Count, result.Revision));
        Assert.Empty(sink.Batches);

        store.Publish();
        store.Range(new RangeQuery { Key = "k"u8, RangeEnd = "l"u8 }, result);
        Assert.Equal((3, 4), (result.Count, result.Revision));
        Assert.Equal(["2/0 3/0 4/0 at 4, seen 4"], sink.Batches);

        store.Publish();
        Assert.Single(sink.Batches);
    }

    [Theory]
    [InlineData(long.MaxValue, 200, false)]
    [InlineData(long.MaxValue - 1, 200, false)]
    [InlineData(200, 200, false)]
    [InlineData(199, 199, true)]
    [InlineData(0, 200, false)]
    public void The_last_keys_are_found_whatever_the_limit(long limit, int expected, bool more)
    {
        var store = new MvccStore();
        for (int i = 0; i < 200; i++)
            store.Put($"k{i:d3}");

        var result = new RangeResult();
        store.Range(new RangeQuery { Key = "k"u8, RangeEnd = "l"u8, Limit = limit, SortOrder = RangeSortOrder.Descend }, result);
        Assert.Equal((200, more), (result.Count, result.More));
        Assert.Equal(Enumerable.Range(200 - expected, expected).Reverse().Select(i => $"k{i:d3}"), result.Keys());
    }

    /// <summary>Answers are kept and used again, so the keys that a sort had to look at must not stay with each.</summary>
    [Fact]
    public void A_cleared_answer_keeps_no_room_for_a_large_range()
    {
        var store = new MvccStore();
        for (int i = 0; i < 5000; i++)
            store.Put($"k{i}", new string('v', 10));

        var result = new RangeResult();
        store.Range(new RangeQuery { Key = "k"u8, RangeEnd = "l"u8, Limit = 1, SortTarget = RangeSortTarget.Mod, SortOrder = RangeSortOrder.Descend }, result);
        Assert.Equal(["k4999"], result.Keys());
        Assert.InRange(result.Items.Capacity, 0, 128);

        store.Range(new RangeQuery { Key = "k"u8, RangeEnd = "l"u8, KeysOnly = true }, result);
        Assert.Equal(5000, result.Kvs.Length);
        result.Clear();
        Assert.Equal((0, 0), (result.Kvs.Length, result.KvBytes));
        Assert.InRange(result.RetainedBytes, 0, 64 * 1024);
    }

    [Fact]
    public void Events_carry_what_history_says_and_a_delete_its_mod_revision()
    {
        var store = new MvccStore();
        var sink = new Sink(store);
        store.ConnectSink(sink);
        store.Put("a", "1");
        store.Put("a", "2");
        store.Delete("a");
        store.Put("a", "3");

        List<StoreEvent> read = [];
        store.ReadEvents(1, 100, read, out long next);
        Assert.Equal(6, next);
        Assert.Equal(sink.Events.Select(Describe), read.Select(Describe));
        Assert.Equal([true, false, false, true], read.Select(e => e.IsCreate));
        Assert.Equal("0A01611804", Convert.ToHexString(read[2].KeyValue.Span));
    }

    [Fact]
    public void A_revision_is_delivered_whole()
    {
        var store = new MvccStore();
        for (int rev = 0; rev < 3; rev++)
        {
            WriteTxn txn = store.Begin();
            for (int i = 0; i < 4; i++)
                txn.Put(StoreHelp.Bytes("k" + i), default, LeaseId.None);

            txn.End();
            store.Publish();
        }

        List<StoreEvent> events = [];
        store.ReadEvents(2, 1, events, out long next);
        Assert.Equal((4, 3), (events.Count, next));
        store.ReadEvents(next, 7, events, out next);
        Assert.Equal((8, 4), (events.Count, next));
    }

    // #18089, #19179: a delete at the compaction revision must reach a watch that begins there.
    [Fact]
    public void A_tombstone_at_the_compaction_revision_is_delivered_and_goes_with_the_next_compaction()
    {
        var store = new MvccStore();
        store.Put("a");
        long deleted = store.Delete("a");
        store.Put("b");
        store.CompactNow(deleted);
        Assert.Equal([$"{deleted}/0 Delete a", $"{deleted + 1}/0 Put b"], store.Events(deleted));
        Assert.Equal(2, store.Index.Root.Count);

        store.CompactNow(deleted + 1);
        Assert.Equal([$"{deleted + 1}/0 Put b"], store.Events(deleted + 1));
        Assert.Equal(1, store.Index.Root.Count);
    }

    [Fact]
    public void History_below_the_compaction_is_refused_at_once_and_the_revision_itself_stays_readable()
    {
        var store = new MvccStore();
        for (int i = 0; i < 9; i++)
            store.Put("k", "v" + i);

        Assert.Equal(ReadStatus.FutureRevision, store.Compact(11));
        Assert.Equal(ReadStatus.Ok, store.Compact(5));
        Assert.Equal(ReadStatus.Compacted, store.Compact(5));
        store.Publish();

        var result = new RangeResult();
        Assert.Equal(ReadStatus.Compacted, store.Range(new RangeQuery { Key = "k"u8, Revision = 4 }, result));
        Assert.Equal(ReadStatus.Ok, store.Range(new RangeQuery { Key = "k"u8, Revision = 5 }, result));
        Assert.Equal(ReadStatus.FutureRevision, store.Range(new RangeQuery { Key = "k"u8, Revision = 11 }, result));
        Assert.Equal(EventReadStatus.Compacted, store.ReadEvents(4, 1, [], out _));
        Assert.Equal(EventReadStatus.Ok, store.ReadEvents(5, 1, [], out _));
    }

    [Fact]
    public void Deleted_keys_leave_the_index_and_their_memory_is_used_again()
    {
        var store = new MvccStore();
        long used = 0;
        for (int round = 0; round < 5; round++)
        {
            for (int i = 0; i < 20_000; i++)
                store.Put($"round{round}/{i}");

            WriteTxn txn = store.Begin();
            Assert.Equal(20_000, txn.DeleteRange("round"u8, "\0"u8));
            txn.End();
            store.Publish();
            store.Put("last");
            store.CompactNow(store.CurrentRevision);
            if (round == 0)
                used = store.Index.Slabs.ReservedBytes;
        }

        var result = new RangeResult();
        store.Range(new RangeQuery { Key = "\0"u8, RangeEnd = "\0"u8 }, result);
        Assert.Equal(["last"], result.Keys());
        Assert.Equal(1, store.Index.Root.Count);
        Assert.True(store.Index.Slabs.ReservedBytes < 2 * used, $"{used} bytes after one round, {store.Index.Slabs.ReservedBytes} after five");
    }

    [Fact]
    public void Values_larger_than_a_block_and_keys_larger_than_a_slab_are_kept()
    {
        var store = new MvccStore();
        byte[] key = new byte[1_300_000];
        byte[] value = new byte[3_000_000];
        Array.Fill(key, (byte)'k');
        Random random = new(5);
        random.NextBytes(value);
        for (int i = 0; i < 3; i++)
        {
            WriteTxn txn = store.Begin();
            txn.Put(key, value, LeaseId.None);
            txn.Put(StoreHelp.Bytes("small" + i), "x"u8, LeaseId.None);
            txn.End();
            store.Publish();
        }

        Assert.True(store.TryGet(key, out ReadOnlyMemory<byte> record, out _));
        Assert.True(KeyValueFields.Parse(record.Span).Value.SequenceEqual(value));
        store.Delete(System.Text.Encoding.ASCII.GetString(key));
        store.Put("after");
        store.CompactNow(store.CurrentRevision);
        Assert.False(store.TryGet(key, out _, out _));
        Assert.True(store.TryGet("small2"u8, out _, out _));
    }

    [Fact]
    public void A_cursor_reads_one_revision_piece_by_piece_and_ends_when_it_is_compacted()
    {
        var store = new MvccStore();
        for (int i = 0; i < 25; i++)
            store.Put($"k{i:d2}", "old");

        var cursor = new RangeCursor(store, new RangeQuery { Key = "k"u8, RangeEnd = "l"u8 });
        var result = new RangeResult();
        List<string> seen = [];
        Assert.Equal(ReadStatus.Ok, cursor.Next(10, result));
        seen.AddRange(result.Keys());
        store.Put("k99");
        store.Delete("k20");
        Assert.Equal(ReadStatus.Ok, cursor.CountRest(out _));
        do
        {
            Assert.Equal(ReadStatus.Ok, cursor.Next(10, result));
            seen.AddRange(result.Keys());
        }
        while (result.More);

        Assert.Equal(Enumerable.Range(0, 25).Select(i => $"k{i:d2}"), seen);
        Assert.Equal((26, 26), (cursor.Revision, cursor.HeaderRevision));

        cursor = new RangeCursor(store, new RangeQuery { Key = "k"u8, RangeEnd = "l"u8, Revision = 20 });
        Assert.Equal(ReadStatus.Ok, cursor.Next(10, result));
        store.CompactNow(27);
        Assert.Equal(ReadStatus.Compacted, cursor.Next(10, result));
    }

    [Fact]
    public void Reading_one_key_allocates_nothing()
    {
        var store = new MvccStore();
        for (int i = 0; i < 10_000; i++)
            store.Put("key" + i, "value");

        var result = new RangeResult();
        byte[] key = StoreHelp.Bytes("key5000");
        long found = 0;
        long calls = 0;
        long allocated = Allocations.OfTheLeastBatch(500, () =>
        {
            calls++;
            found += store.TryGet(key, out _, out _) ? 1 : 0;
            store.Range(new RangeQuery { Key = key }, result);
            found += result.Count;
        });

        Assert.Equal(0, allocated);
        Assert.Equal(2 * calls, found);
    }

    private static string Describe(StoreEvent e) =>
        $"{e.Type} {e.Revision} {Convert.ToHexString(e.Key.Span)} {Convert.ToHexString(e.KeyValue.Span)} {e.IsCreate}";

    private sealed class Sink(MvccStore store) : IEventSink
    {
        public List<string> Batches { get; } = [];

        public List<StoreEvent> Events { get; } = [];

        public void OnCommitted(ReadOnlySpan<StoreEvent> events, long revision)
        {
            Events.AddRange(events);
            Batches.Add($"{string.Join(' ', events.ToArray().Select(e => e.Revision))} at {revision}, seen {store.CurrentRevision}");
        }

        public void OnStoreReplaced() => Batches.Add($"replaced, seen {store.CurrentRevision}");
    }
}
