using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.Mvccpb;
using Etcd.Server.Storage;
using Etcd.Server.Tests.Storage;
using Etcd.Server.Watch;
using Etcd.TestKit;

namespace Etcd.Server.Tests.Watch;

/// <summary>The hub on the real store, whose compaction goes on between its steps.</summary>
public sealed class WatchOverStoreTests
{
    private const int Watchers = 1000;
    private const int Keys = 20;
    private const int Changes = 300;
    private const int TakenPerChange = 30;
    private const int Kept = 25;

    /// <summary>
    /// etcd issue 17529, on the real store: a thousand slow watchers on one stream, with previous values, and compaction that races with
    /// their catching up. Each gets all changes of its key, or all up to the one with which it ends as compacted; a previous
    /// value is the right one, or left out if it was compacted.
    /// </summary>
    [Fact]
    public void Slow_watchers_with_previous_values_lose_nothing_while_compaction_goes_on_17529() => TestSeed.ForEach(2, random =>
    {
        var run = new Run(random);
        run.Go();
        run.Check();
    });

    /// <summary>
    /// etcd issues 18089 and 19179, on the real store: a delete at the compacted revision is in the history of a watch that begins there,
    /// whether the compaction's work is done or not.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_watch_from_the_compact_revision_sees_the_delete_at_it_18089_19179(bool worked)
    {
        var store = new MvccStore();
        var hub = new WatchHub(store, new FakeTimeProvider(), static () => { });
        store.ConnectSink(hub);
        store.Put("a", "1");
        long deleted = store.Delete("a");
        store.Put("b", "1");
        store.Compact(deleted);
        store.Publish();
        for (int step = 0; worked && step < 100; step++)
        {
            store.RunOnce();
        }

        var client = new ClientStream(hub);
        client.Create("a", "z", start: deleted);
        while (hub.RunOnce() == TimeSpan.Zero)
        {
        }

        Assert.Equal("del a@3, put b@4", ClientStream.Text(client.TakeAll()));
    }

    private sealed record Change(long Revision, string Key, string? Value, string? Previous);

    private sealed class Run
    {
        private readonly Random _random;
        private readonly MvccStore _store = new();
        private readonly WatchHub _hub;
        private readonly ClientStream _client;
        private readonly List<Change> _history = [];
        private readonly Dictionary<string, string> _current = [];

        public Run(Random random)
        {
            _random = random;
            _hub = new WatchHub(
                _store, new FakeTimeProvider(), static () => { }, new WatchHubOptions { StreamPendingBytesMax = 20_000, RingEventsMax = 64, CatchUpEventsMax = 50 });
            _store.ConnectSink(_hub);
            _client = new ClientStream(_hub);
        }

        public void Go()
        {
            for (int i = 0; i < Watchers; i++)
            {
                _client.Create(KeyOf(i), prevKv: true);
            }

            while (_client.Received.Count < Watchers)
            {
                _hub.RunOnce();
                _client.TakeAll();
            }

            for (int i = 0; i < Changes; i++)
            {
                MakeChange(i);
                for (int step = _random.Next(4); step > 0; step--)
                {
                    _hub.RunOnce();
                    _store.RunOnce();
                }

                // Fewer than a change makes, so that some are always behind, and some of those behind the compaction.
                for (int take = _random.Next(2 * TakenPerChange); take > 0; take--)
                {
                    _client.Take();
                }

                if (_random.Next(25) == 0 && _store.CurrentRevision - Kept > Math.Max(1, _store.CompactRevision))
                {
                    _store.Compact(_store.CurrentRevision - Kept);
                    _store.Publish();
                }
            }

            bool more = true;
            while (more)
            {
                more = _hub.RunOnce() == TimeSpan.Zero;
                more |= _client.TakeAll().Count > 0;
                _store.RunOnce();
            }
        }

        public void Check()
        {
            int complete = 0;
            foreach (IGrouping<long, WatchResponse> watch in _client.Received.Where(r => !r.Created).GroupBy(r => r.WatchId))
            {
                Change[] expected = [.. _history.Where(c => c.Key == KeyOf((int)watch.Key))];
                Event[] got = [.. watch.SelectMany(r => r.Events)];
                bool compacted = watch.Last().Canceled;
                Assert.Equal(compacted ? expected.Take(got.Length).Select(c => c.Revision) : expected.Select(c => c.Revision), got.Select(e => e.Kv.ModRevision));
                Assert.All(watch.SkipLast(1), r => Assert.False(r.Canceled));
                complete += compacted ? 0 : 1;
                foreach ((Change change, Event e) in expected.Zip(got))
                {
                    Assert.Equal(change.Value ?? "", e.Kv.Value.ToStringUtf8());
                    bool mayBeLeftOut = change.Revision - 1 < _store.CompactRevision;
                    Assert.True(e.PrevKv?.Value.ToStringUtf8() == change.Previous || (e.PrevKv is null && mayBeLeftOut), $"{change}: {e}");
                }
            }

            // Or nothing was proved about those that go on, or about those that end.
            Assert.InRange(complete, 1, Watchers - 1);
        }

        private static string KeyOf(int watch) => $"k{watch % Keys:d2}";

        private void MakeChange(int number)
        {
            string key = KeyOf(_random.Next(Keys));
            string? previous = _current.GetValueOrDefault(key);
            if (previous is not null && _random.Next(4) == 0)
            {
                _history.Add(new Change(_store.Delete(key), key, null, previous));
                _current.Remove(key);
                return;
            }

            _current[key] = $"v{number}";
            _history.Add(new Change(_store.Put(key, _current[key]), key, _current[key], previous));
        }
    }
}
