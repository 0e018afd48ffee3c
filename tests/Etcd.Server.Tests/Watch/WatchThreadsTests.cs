using System.Buffers;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Api.Watches;
using Etcd.Server.Storage;
using Etcd.Server.Watch;

namespace Etcd.Server.Tests.Watch;

/// <summary>
/// The real arrangement of threads: one applies, one drives the hub, each client has its own. Goal: nothing is lost between
/// them. Nothing depends on how fast they are; a wake-up that got lost would leave the test waiting for its deadline.
/// </summary>
public sealed class WatchThreadsTests
{
    private const int Revisions = 20_000;
    private const int Clients = 8;

    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(2);

    [Fact]
    public void Clients_on_their_own_threads_get_everything() => Run(index => index % 2 == 1);

    [Fact]
    public void Clients_that_take_many_at_a_time_get_everything() => Run(index => index % 4 > 0);

    private static void Run(Func<int, bool> takesMany)
    {
        var history = new FakeHistory();
        using var wake = new AutoResetEvent(false);
        var hub = new WatchHub(
            history,
            TimeProvider.System,
            () => wake.Set(),
            new WatchHubOptions { RingEventsMax = 500, StreamPendingBytesMax = 20_000, CatchUpEventsMax = 200 });
        bool stop = false;
        var hubThread = new Thread(() =>
        {
            while (!Volatile.Read(ref stop))
            {
                TimeSpan next = hub.RunOnce();
                if (next != TimeSpan.Zero)
                {
                    wake.WaitOne(next);
                }
            }
        });
        hubThread.Start();
        Reader[] readers = [.. Enumerable.Range(0, Clients).Select(i => new Reader(hub, i, takesMany(i)))];
        var apply = new Thread(() =>
        {
            for (int i = 0; i < Revisions; i++)
            {
                StoreEvent[] events = history.Commit(("k" + (i % 4), "v"));
                hub.OnCommitted(events, history.CurrentRevision);
            }
        });
        apply.Start();
        bool finished = readers.All(r => r.Join(Deadline));
        apply.Join();
        Volatile.Write(ref stop, true);
        wake.Set();
        hubThread.Join();

        Assert.True(finished, "all events arrived before the deadline");
        Assert.All(readers, r => Assert.Equal(Enumerable.Range(2, Revisions).Select(n => (long)n), r.Seen));
    }

    private sealed class Reader : IWatchOutput, IDisposable
    {
        private readonly AutoResetEvent _available = new(false);
        private readonly WatchStream _stream;
        private readonly Thread _thread;

        public Reader(WatchHub hub, int index, bool takesMany)
        {
            _stream = hub.OpenStream(this);
            // From its own thread, so that some are created while others get their events.
            _thread = new Thread(() =>
            {
                _stream.Create(new WatchCreate(0, default, new byte[] { 0 }, StartRevision: 2, WatchFilters.None, false, index % 2 == 0, false));
                _stream.Submit();
                Read(takesMany ? TakeMany : TakeOne);
            });
            _thread.Start();
        }

        public List<long> Seen { get; } = [];

        public void OnAvailable() => _available.Set();

        public bool Join(TimeSpan deadline)
        {
            bool ended = _thread.Join(deadline);
            _stream.Close();
            return ended;
        }

        public void Dispose() => _available.Dispose();

        private void Read(Func<bool> take)
        {
            while (Seen.Count < Revisions)
            {
                if (!take() && !_available.WaitOne(Deadline))
                {
                    return;
                }
            }
        }

        private bool TakeOne()
        {
            if (!_stream.TryTake(out WatchBatch? batch))
            {
                return false;
            }

            var buffer = new ArrayBufferWriter<byte>();
            batch.WriteTo(buffer, WatchBench.Header);
            See(WatchResponse.Parser.ParseFrom(buffer.WrittenSpan));
            return true;
        }

        private bool TakeMany()
        {
            var shares = new List<WatchShare>();
            if (!_stream.TryTakeMany(4000, shares))
            {
                return false;
            }

            var buffer = new ArrayBufferWriter<byte>();
            shares.ForEach(share => WatchFrames.Write(buffer, share, WatchBench.Header));
            Frames.Parse(buffer.WrittenSpan).ForEach(See);
            return true;
        }

        private void See(WatchResponse response) => Seen.AddRange(response.Events.Select(e => e.Kv.ModRevision));
    }
}
