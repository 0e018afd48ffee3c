using System.Text;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.Mvccpb;
using Etcd.Server.Storage;
using Etcd.Server.Watch;

namespace Etcd.Server.Tests.Watch;

/// <summary>
/// Goal: whatever happens, each watcher receives exactly the events that it asked for, in order, each once.
/// Method: random writes, watches (many of them equal), cancels, compactions, lost batches, slow clients and tight bounds, all from one seed and
/// on one thread; what each watcher received is compared with what a list of all events says. A failure names its seed;
/// ETCD_TEST_SEED runs that one alone, ETCD_TEST_SEEDS sets how many are tried.
/// </summary>
public sealed class WatchModelTests
{
    private const int StepsPerRun = 400;
    private const int RunsByDefault = 300;

    [Fact]
    public void Every_watcher_receives_what_the_model_says()
    {
        if (int.TryParse(Environment.GetEnvironmentVariable("ETCD_TEST_SEED"), out int one))
        {
            new Run(one).Go();
            return;
        }

        int runs = int.TryParse(Environment.GetEnvironmentVariable("ETCD_TEST_SEEDS"), out int many) ? many : RunsByDefault;
        int events = 0;
        int compacted = 0;
        int slow = 0;
        for (int seed = 1; seed <= runs; seed++)
        {
            var run = new Run(seed);
            try
            {
                run.Go();
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"ETCD_TEST_SEED={seed}", e);
            }

            events += run.EventsReceived;
            compacted += run.CompactedWatches;
            slow += run.TimesSlow;
        }

        // The runs must have gone where it is difficult, or they prove nothing.
        Assert.True(events > runs * 100, $"only {events} events");
        Assert.True(compacted > 0, "no watch was compacted");
        Assert.True(slow > runs, $"only {slow} times slow");
    }

    private sealed class Run
    {
        private static readonly string[] Keys = ["a", "aa", "ab", "b", "ba", "c", "\0", "z"];

        private readonly Random _random;
        private readonly WatchBench _bench;
        private readonly List<Client> _clients = [];
        private readonly List<Client> _closed = [];
        private readonly Queue<(StoreEvent[] Events, long Revision)> _untold = new();

        public Run(int seed)
        {
            _random = new Random(seed);
            _bench = new WatchBench(new WatchHubOptions
            {
                RingEventsMax = _random.Next(2, 60),
                RingBytesMax = _random.Next(100, 20_000),
                StreamPendingBytesMax = _random.Next(300, 6000),
                ResponseBytesSoftMax = _random.Next(100, 2000),
                FragmentBytesMax = _random.Next(300, 2000),
                CatchUpEventsMax = _random.Next(1, 30),
                CatchUpWatchersMax = _random.Next(1, 10),
                CatchUpShareBytes = _random.Next(1, 3000),
                StreamsToldTogetherMax = _random.Next(1, 8),
                ProgressInterval = TimeSpan.FromSeconds(10),
                Seed = seed,
            });
        }

        public int EventsReceived { get; private set; }

        public int CompactedWatches { get; private set; }

        public int TimesSlow { get; private set; }

        public void Go()
        {
            for (int i = 0; i < StepsPerRun; i++)
            {
                Step();
                TimesSlow += _bench.Hub.Statistics.SlowWatchers > 0 ? 1 : 0;
            }

            Finish();
        }

        private void Step()
        {
            switch (_random.Next(100))
            {
                case < 35:
                    Write();
                    break;
                case < 50:
                    _bench.Hub.RunOnce();
                    break;
                case < 58:
                    Tell(_random.Next(1, 4));
                    break;
                case < 63:
                    if (_clients.Count < 6)
                    {
                        _clients.Add(new Client(_bench, _random));
                    }

                    break;
                case < 95:
                    if (_clients.Count > 0)
                    {
                        _clients[_random.Next(_clients.Count)].Step();
                    }

                    break;
                case < 96:
                    _bench.History.Compact(Math.Max(
                        _bench.History.CompactRevision, _random.NextInt64(1, _bench.History.CurrentRevision + 1)));
                    break;
                case < 97:
                    LoseBatches();
                    break;
                case < 98:
                    CloseOne();
                    break;
                default:
                    _bench.Clock.Advance(TimeSpan.FromSeconds(_random.Next(1, 8)));
                    break;
            }
        }

        private void Write()
        {
            int count = _random.Next(4) == 0 ? _random.Next(2, Keys.Length) : 1;
            (string, string?)[] changes = [.. Keys.OrderBy(_ => _random.Next()).Take(count).Select(k => (k, RandomValue()))];
            StoreEvent[] events = _bench.History.Commit(changes);
            _untold.Enqueue((events, _bench.History.CurrentRevision));
            if (_random.Next(3) > 0)
            {
                Tell(int.MaxValue);
            }
        }

        private string? RandomValue() => _random.Next(4) == 0 ? null : new string('v', _random.Next(0, 150));

        private void Tell(int batches)
        {
            for (; batches > 0 && _untold.TryDequeue(out (StoreEvent[] Events, long Revision) batch); batches--)
            {
                _bench.Hub.OnCommitted(batch.Events, batch.Revision);
            }
        }

        private void LoseBatches()
        {
            _untold.Clear();
            _bench.Hub.OnStoreReplaced();
        }

        private void CloseOne()
        {
            if (_clients.Count > 0)
            {
                Client client = _clients[_random.Next(_clients.Count)];
                client.Close();
                _clients.Remove(client);
                _closed.Add(client);
            }
        }

        private void Finish()
        {
            Tell(int.MaxValue);
            bool any;
            do
            {
                _bench.Settle();
                // Or streams that rest would do so for ever.
                _bench.Clock.Advance(TimeSpan.FromMilliseconds(10));
                _bench.Settle();
                any = false;
                foreach (Client client in _clients)
                {
                    any |= client.TakeAll();
                }
            }
            while (any);

            Assert.Equal(0, _bench.Hub.Statistics.SlowWatchers);
            foreach (Client client in _clients)
            {
                client.Check(atEnd: true);
            }

            foreach (Client client in _closed)
            {
                client.Check(atEnd: false);
            }

            IEnumerable<Client> all = _clients.Concat(_closed);
            EventsReceived = all.Sum(c => c.EventsReceived);
            CompactedWatches = all.Sum(c => c.CompactedWatches);
        }
    }

    /// <summary>One stream, and what its watches should have.</summary>
    private sealed class Client(WatchBench bench, Random random)
    {
        private Expected? _last;

        private readonly ClientStream _stream = bench.Open();
        private readonly Queue<Expected> _asked = new();
        private readonly Dictionary<long, Expected> _watches = [];
        private readonly List<Expected> _all = [];
        private readonly List<long> _cancelled = [];

        public int EventsReceived => _all.Sum(w => w.Received.Count);

        public int CompactedWatches => _all.Count(w => w.IsCompacted);

        public void Step()
        {
            switch (random.Next(20))
            {
                case < 5:
                    if (_all.Count < 12)
                    {
                        Ask();
                    }

                    break;
                case < 6:
                    if (_watches.Count > 0)
                    {
                        _stream.Stream.Cancel(_watches.Keys.ElementAt(random.Next(_watches.Count)));
                    }

                    break;
                case < 8:
                    _stream.Stream.RequestProgress();
                    break;
                case < 9:
                    TakeAll();
                    break;
                case < 12:
                    TakeFrames();
                    break;
                case < 13:
                    _stream.Stream.Submit();
                    break;
                default:
                    TakeOne();
                    break;
            }
        }

        public void Close() => _stream.Stream.Close();

        public bool TakeAll()
        {
            bool any = false;
            while (TakeOne())
            {
                any = true;
            }

            return any;
        }

        public void Check(bool atEnd)
        {
            foreach (Expected watch in _all)
            {
                watch.Check(bench.History, atEnd && !watch.IsOver);
            }
        }

        private void Ask()
        {
            string empty = random.Next(2) == 0 ? "" : "\0";
            string key = random.Next(8) == 0 ? empty : new[] { "a", "aa", "ab", "b", "c", "\0" }[random.Next(6)];
            string end = new[] { "", "", "\0", "b", "zz", "ab" }[random.Next(6)];
            long start = random.Next(5) switch
            {
                0 => 0,
                1 => bench.History.CurrentRevision + random.Next(1, 6),
                _ => random.NextInt64(1, bench.History.CurrentRevision + 1),
            };
            var watch = new Expected
            {
                Key = key.Length == 0 ? "\0" : key,
                End = end,
                Start = start,
                AskedAt = bench.History.CurrentRevision,
                Filters = (WatchFilters)(random.Next(3) == 0 ? random.Next(4) : 0),
                WithPrevious = random.Next(2) == 0,
                Fragment = random.Next(2) == 0,
            };
            if (_last is not null && random.Next(2) == 0)
            {
                // The same once more, which shares its responses with the other if they come at the same time.
                watch = _last.Again(start, bench.History.CurrentRevision);
            }

            _last = watch;
            if (watch.End.Length > 0 && watch.End != "\0" && string.CompareOrdinal(watch.Key, watch.End) >= 0)
            {
                _last = null;
                return;
            }

            _asked.Enqueue(watch);
            _all.Add(watch);
            _stream.Create(watch.Key == "\0" ? empty : watch.Key, watch.End, start, id: 0, watch.Filters, watch.WithPrevious, progress: random.Next(2) == 0, watch.Fragment);
        }

        private bool TakeOne()
        {
            if (_stream.Take() is not { } response)
            {
                return false;
            }

            Look(response);
            return true;
        }

        private void TakeFrames()
        {
            foreach (WatchResponse response in _stream.TakeFrames(random.Next(1, 3000)))
            {
                Look(response);
            }
        }

        private void Look(WatchResponse response)
        {
            if (response.Created)
            {
                Expected watch = _asked.Dequeue();
                _watches.Add(response.WatchId, watch);
                watch.Begin(response.Header.Revision);
            }
            else if (response.Canceled)
            {
                Expected watch = _watches[response.WatchId];
                watch.Finish(response);
                if (response.CompactRevision == 0)
                {
                    _watches.Remove(response.WatchId);
                    _cancelled.Add(response.WatchId);
                }
            }
            else if (response.WatchId == WatchHub.NoWatchId)
            {
                Assert.All(_watches.Values, w => w.Progress(response.Header.Revision));
            }
            else
            {
                Assert.DoesNotContain(response.WatchId, _cancelled);
                _watches[response.WatchId].Take(response);
            }
        }
    }

    private sealed class Expected
    {
        private long _first;
        private long _lastRevision;
        private long _progress;
        private bool _inFragments;

        public required string Key { get; init; }

        public required string End { get; init; }

        public required long Start { get; init; }

        public required long AskedAt { get; init; }

        public required WatchFilters Filters { get; init; }

        public required bool WithPrevious { get; init; }

        public required bool Fragment { get; init; }

        public List<Event> Received { get; } = [];

        public bool IsOver { get; private set; }

        public bool IsCompacted { get; private set; }

        public Expected Again(long start, long askedAt) => new()
        {
            Key = Key,
            End = End,
            Start = start,
            AskedAt = askedAt,
            Filters = Filters,
            WithPrevious = WithPrevious,
            Fragment = Fragment,
        };

        public void Begin(long headerRevision)
        {
            Assert.True(headerRevision >= AskedAt, "created is not older than what its client could read");
            _first = Start == 0 ? headerRevision + 1 : Start;
        }

        public void Take(WatchResponse response)
        {
            Assert.False(IsOver, "nothing after the end");
            if (response.Events.Count == 0)
            {
                Progress(response.Header.Revision);
                return;
            }

            Assert.False(response.Fragment && !Fragment, "no fragments unless allowed");
            foreach (Event e in response.Events)
            {
                Assert.True(e.Kv.ModRevision > _progress, "progress is never ahead of events");
                Assert.True(e.Kv.ModRevision <= response.Header.Revision, "the header is not behind the events");
            }

            if (!_inFragments)
            {
                Assert.True(response.Events[0].Kv.ModRevision > _lastRevision, "a revision is not divided");
            }

            _inFragments = response.Fragment;
            _lastRevision = response.Events[^1].Kv.ModRevision;
            Received.AddRange(response.Events);
        }

        public void Progress(long revision)
        {
            Assert.True(revision >= _lastRevision && revision >= _progress, "progress does not go back");
            Assert.True(revision >= Start, "no progress before a future start");
            _progress = revision;
        }

        public void Finish(WatchResponse response)
        {
            IsOver = true;
            IsCompacted |= response.CompactRevision > 0;
        }

        public void Check(FakeHistory history, bool complete)
        {
            List<StoreEvent> wanted = [.. history.AllEvents.Where(e => _first > 0 && e.Revision.Main >= _first && Wants(e))];
            if (complete)
            {
                Assert.Equal(wanted.Count, Received.Count);
            }

            Assert.True(Received.Count <= wanted.Count);
            for (int i = 0; i < Received.Count; i++)
            {
                Assert.Equal(KeyValue.Parser.ParseFrom(wanted[i].KeyValue.Span), Received[i].Kv);
                Assert.Equal((int)wanted[i].Type, (int)Received[i].Type);
                CheckPrevious(history, Received[i]);
            }
        }

        private bool Wants(in StoreEvent e)
        {
            string key = Encoding.UTF8.GetString(e.Key.Span);
            bool inRange = End switch
            {
                "" => key == Key,
                "\0" => string.CompareOrdinal(key, Key) >= 0,
                _ => string.CompareOrdinal(key, Key) >= 0 && string.CompareOrdinal(key, End) < 0,
            };
            WatchFilters leftOut = e.Type == StoreEventType.Put ? WatchFilters.NoPut : WatchFilters.NoDelete;
            return inRange && (Filters & leftOut) == 0;
        }

        private void CheckPrevious(FakeHistory history, Event e)
        {
            byte[]? before = WithPrevious ? history.StateBefore(e.Kv.Key.ToStringUtf8(), e.Kv.ModRevision) : null;
            if (before is null)
            {
                Assert.Null(e.PrevKv);
            }
            else if (e.PrevKv is not null || e.Kv.ModRevision > history.CompactRevision)
            {
                Assert.Equal(KeyValue.Parser.ParseFrom(before), e.PrevKv);
            }
        }
    }
}
