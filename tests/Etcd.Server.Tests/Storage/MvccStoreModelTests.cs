using System.Text;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;

namespace Etcd.Server.Tests.Storage;

/// <summary>
/// Goal: the store answers as the plain model does, whatever the history. Method: random transactions (puts, deletes, reads
/// inside), ranges with every option, old revisions, compactions with their background work in between; every answer compared.
/// </summary>
public class MvccStoreModelTests
{
    [Fact]
    public void Few_keys_with_many_versions_behave_as_the_model() => TestSeed.ForEach(20, random => Run(random, keys: 12, steps: 1200));

    [Fact]
    public void Many_keys_behave_as_the_model() => TestSeed.ForEach(3, random => Run(random, keys: 3000, steps: 3000));

    [Fact]
    public void Keys_with_long_shared_prefixes_behave_as_the_model() =>
        TestSeed.ForEach(4, random => Run(random, keys: 400, steps: 2000, prefix: "/registry/pods/default/a-rather-long-prefix/"));

    [Fact]
    public void A_key_with_thousands_of_versions_is_found_at_each_and_compacts()
    {
        var store = new MvccStore();
        var model = new NaiveStore();
        var driver = new Driver(store, model, new Random(7), 1, "");
        for (int i = 0; i < 9000; i++)
            driver.Txn(t => t.Put("hot", i % 997 == 0 ? "x" : i.ToString(), 0), t => t.DeleteSometimes("hot", i % 1500 == 1499));

        foreach (long compact in new long[] { 2, 700, 3000, 3001, 8000, 9100 })
        {
            driver.Compact(compact);
            driver.FinishBackgroundWork();
            for (long rev = model.CompactRevision; rev <= model.Revision; rev += 37)
                driver.CheckRange("hot", null, rev, 0, RangeSortOrder.None, RangeSortTarget.Key, new long[4], keysOnly: false);
        }
    }

    private static void Run(Random random, int keys, int steps, string prefix = "")
    {
        var store = new MvccStore();
        var model = new NaiveStore();
        var driver = new Driver(store, model, random, keys, prefix);
        for (int step = 0; step < steps; step++)
        {
            int dice = random.Next(100);
            if (dice < 60)
                driver.RandomTxn();
            else if (dice < 85)
                driver.RandomRange();
            else if (dice < 88)
                driver.RandomCompact();
            else if (dice < 97)
                store.RunOnce();
            else
                driver.CheckHistory();
        }

        driver.FinishBackgroundWork();
        driver.CheckHistory();
        for (int i = 0; i < 50; i++)
            driver.RandomRange();
    }

    /// <summary>Does the same to store and model and compares what they say.</summary>
    private sealed class Driver(MvccStore store, NaiveStore model, Random random, int keys, string prefix)
    {
        private readonly RangeResult _result = new();
        private WriteTxn? _txn;

        public void Txn(params Action<Driver>[] actions)
        {
            Begin();
            foreach (Action<Driver> action in actions)
                action(this);

            End();
        }

        public void RandomTxn()
        {
            Begin();
            for (int ops = random.Next(1, 5); ops > 0; ops--)
                RandomOp();

            End();
        }

        public void Put(string key, string value, long lease)
        {
            NaiveStore.Change? before = model.Find(key);
            PutOutcome outcome = _txn!.Put(Bytes(key), Bytes(value), new LeaseId(lease));
            model.Put(key, value, lease);
            Assert.Equal(before?.Lease ?? 0, outcome.PreviousLease.Value);
            Assert.Equal(model.Revision + 1, outcome.Revision);
        }

        public void DeleteSometimes(string key, bool now)
        {
            if (now)
                Delete(key, null);
        }

        public void RandomRange()
        {
            (string key, string? end) = RandomBounds();
            long revision = random.Next(3) == 0 ? random.NextInt64(-1, model.Revision + 3) : 0;
            long limit = random.Next(2) == 0 ? random.Next(0, 20) : 0;
            var order = (RangeSortOrder)random.Next(3);
            var target = (RangeSortTarget)random.Next(5);
            long[] bounds = new long[4];
            if (random.Next(4) == 0)
                bounds[random.Next(4)] = random.NextInt64(1, model.Revision + 2);

            CheckRange(key, end, revision, limit, order, target, bounds, random.Next(4) == 0);
        }

        public void CheckRange(
            string key, string? end, long revision, long limit, RangeSortOrder order, RangeSortTarget target, long[] bounds, bool keysOnly)
        {
            bool countOnly = random.Next(5) == 0;
            var expected = model.Range(key, end, revision, limit, order, target, bounds);
            byte[] keyBytes = Bytes(key);
            byte[] endBytes = end is null ? [] : Bytes(end);
            var query = new RangeQuery
            {
                Key = keyBytes,
                RangeEnd = endBytes,
                Revision = revision,
                Limit = limit,
                SortOrder = order,
                SortTarget = target,
                MinModRevision = bounds[0],
                MaxModRevision = bounds[1],
                MinCreateRevision = bounds[2],
                MaxCreateRevision = bounds[3],
                KeysOnly = keysOnly,
                CountOnly = countOnly,
            };
            ReadStatus status = _txn is null ? store.Range(query, _result) : _txn.Range(query, _result);
            Assert.Equal(expected.Status, status);
            Assert.Equal(model.ReadRevision, _result.Revision);
            if (status != ReadStatus.Ok)
                return;

            Assert.Equal(expected.Count, _result.Count);
            if (countOnly)
            {
                Assert.Equal(0, _result.Kvs.Length);
                return;
            }

            Assert.Equal(expected.More, _result.More);
            Assert.Equal(expected.Kvs.Count, _result.Kvs.Length);
            for (int i = 0; i < expected.Kvs.Count; i++)
            {
                byte[] bytes = keysOnly && target == RangeSortTarget.Value
                    ? NaiveStore.Encode(expected.Kvs[i] with { Value = "" })
                    : NaiveStore.Encode(expected.Kvs[i], keysOnly);
                Assert.True(_result.Kvs[i].Span.SequenceEqual(bytes), $"record {i} of {key}..{end} at {revision}");
            }
        }

        public void RandomCompact() => Compact(random.NextInt64(Math.Max(0, model.CompactRevision - 2), model.Revision + 2));

        public void Compact(long revision)
        {
            Assert.Equal(model.Compact(revision), store.Compact(revision));
            store.Publish();
            Assert.Equal(model.CompactRevision, store.CompactRevision);
        }

        public void FinishBackgroundWork()
        {
            for (int i = 0; i < 1_000_000; i++)
            {
                if (store.RunOnce() == StoreWork.None)
                {
                    Assert.Equal(model.CompactRevision, store.FinishedCompactRevision);
                    return;
                }
            }

            Assert.Fail("background work does not end");
        }

        public void CheckHistory()
        {
            long from = random.NextInt64(Math.Max(1, model.CompactRevision), model.Revision + 2);
            int max = random.Next(1, 50);
            List<StoreEvent> events = [];
            for (long next = from; next <= model.Revision;)
            {
                Assert.Equal(EventReadStatus.Ok, store.ReadEvents(next, max, events, out long reached));
                Assert.True(reached > next);
                next = reached;
            }

            Assert.Equal(VisibleChanges(from), events.Select(Describe));
            CheckPrevious(events);
            if (model.CompactRevision > 1)
                Assert.Equal(EventReadStatus.Compacted, store.ReadEvents(model.CompactRevision - 1, max, events, out _));
        }

        private void CheckPrevious(List<StoreEvent> events)
        {
            foreach (StoreEvent e in events.Take(5))
            {
                long before = e.Revision.Main - 1;
                NaiveStore.Change? expected = before < model.CompactRevision
                    ? null
                    : model.StateAt(before).Find(c => c.Key == Encoding.ASCII.GetString(e.Key.Span));
                byte[] bytes = expected is null ? [] : NaiveStore.Encode(expected);
                Assert.True(store.PreviousKeyValue(e.Key.Span, e.Revision.Main).Span.SequenceEqual(bytes));
            }
        }

        // At the compaction revision itself, what a later change of the same revision shadows may be dropped or not.
        private IEnumerable<string> VisibleChanges(long from) => model.History
            .Where(c => c.Main >= from)
            .Where(c => c.Main != model.CompactRevision || !model.History.Any(d => d.Main == c.Main && d.Sub > c.Sub && d.Key == c.Key) || IsThere(c))
            .Select(c => $"{c.Main}/{c.Sub} {c.Key}={c.Value ?? "deleted"} {(!c.IsTombstone && c.Create == c.Main ? "new" : "")}");

        private bool IsThere(NaiveStore.Change c)
        {
            List<StoreEvent> events = [];
            store.ReadEvents(c.Main, 1, events, out _);
            return events.Exists(e => e.Revision == new Revision(c.Main, c.Sub));
        }

        private static string Describe(StoreEvent e)
        {
            KeyValueFields fields = KeyValueFields.Parse(e.KeyValue.Span);
            Assert.Equal(e.Revision.Main, fields.ModRevision);
            string value = e.Type == StoreEventType.Delete ? "deleted" : Encoding.ASCII.GetString(fields.Value);
            return $"{e.Revision} {Encoding.ASCII.GetString(e.Key.Span)}={value} {(e.IsCreate ? "new" : "")}";
        }

        private void RandomOp()
        {
            int dice = random.Next(10);
            if (dice < 6)
                Put(RandomKey(), "v" + random.Next(50), random.Next(4) == 0 ? random.Next(1, 4) : 0);
            else if (dice < 8)
                Delete(RandomKey(), null);
            else if (dice == 8 && random.Next(10) == 0)
                Delete(RandomBounds());
            else
                RandomRange();
        }

        private void Delete((string Key, string? End) bounds) => Delete(bounds.Key, bounds.End);

        private void Delete(string key, string? end)
        {
            List<NaiveStore.Change> expected = model.DeleteRange(key, end);
            Assert.Equal(expected.Count, _txn!.DeleteRange(Bytes(key), end is null ? [] : Bytes(end)));
            Assert.Equal(
                expected.Where(c => c.Lease != 0).Select(c => (c.Lease, c.Key)),
                _txn.Detached.ToArray().Select(d => (d.Lease.Value, Encoding.ASCII.GetString(d.Key.Span))));
        }

        private void Begin()
        {
            model.Begin();
            _txn = store.Begin();
        }

        private void End()
        {
            Assert.Equal(model.ReadRevision, _txn!.End());
            model.End();
            _txn = null;
            store.Publish();
            Assert.Equal(model.Revision, store.CurrentRevision);
        }

        private string RandomKey() => prefix + "k" + random.Next(keys);

        private (string Key, string? End) RandomBounds() => random.Next(6) switch
        {
            0 => (RandomKey(), null),
            1 => (RandomKey(), "\0"),
            2 => ("\0", "\0"),
            3 => (prefix + "k", prefix + "l"),
            _ => (RandomKey(), RandomKey()),
        };

        private static byte[] Bytes(string text) => Encoding.ASCII.GetBytes(text);
    }
}
