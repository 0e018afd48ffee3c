using Etcd.Server.Watch;

namespace Etcd.Server.Tests.Watch;

/// <summary>Clients that do not take what they are sent, and watchers that lag: bounded memory, nothing lost, nobody starved.</summary>
public sealed class WatchBackPressureTests
{
    [Fact]
    public void The_taker_is_told_once_after_it_found_nothing()
    {
        var bench = new WatchBench();
        ClientStream client = bench.Open();
        client.Create("a");
        bench.Settle();
        Assert.Equal(0, client.Signals);
        client.TakeAll();
        bench.Put("a", "1");
        bench.Settle();
        bench.Put("a", "2");
        bench.Settle();
        Assert.Equal(1, client.Signals);
        client.TakeAll();
        bench.Put("a", "3");
        bench.Settle();
        Assert.Equal(2, client.Signals);
    }

    [Fact]
    public void A_stream_that_is_not_read_holds_no_more_than_its_bound()
    {
        const int Bound = 10_000;
        var bench = new WatchBench(new WatchHubOptions { StreamPendingBytesMax = Bound });
        ClientStream client = bench.Open();
        client.Create("a");
        bench.Settle();
        string value = new('v', 1000);
        for (int i = 0; i < 200; i++)
        {
            bench.Put("a", value);
            bench.Settle();
        }

        Assert.Equal(1, bench.Hub.Statistics.SlowWatchers);
        Assert.True(client.TakeAll().Sum(r => r.CalculateSize()) <= Bound);
        while (bench.Hub.Statistics.SlowWatchers > 0)
        {
            bench.Settle();
            client.TakeAll();
        }

        bench.Settle();
        client.TakeAll();
        Assert.Equal(Enumerable.Range(2, 200), client.Received.SelectMany(r => r.Events).Select(e => (int)e.Kv.ModRevision));
    }

    /// <summary>etcd issue 17529: events lost for slow watchers that share a stream, with previous values and compaction.</summary>
    [Fact]
    public void Slow_watchers_on_one_stream_lose_nothing_17529()
    {
        var bench = new WatchBench(new WatchHubOptions { StreamPendingBytesMax = 4000, RingEventsMax = 16, CatchUpEventsMax = 7 });
        ClientStream client = bench.Open();
        for (int i = 0; i < 50; i++)
        {
            client.Create("k" + (i % 10), prevKv: true);
        }

        bench.Settle();
        client.TakeAll();
        for (int i = 0; i < 300; i++)
        {
            bench.Put("k" + (i % 10), "v" + i);
            bench.Hub.RunOnce();
            client.Take();
        }

        Drain(bench, client);

        for (long id = 0; id < 50; id++)
        {
            long[] revisions = [.. client.Received.Where(r => r.WatchId == id).SelectMany(r => r.Events).Select(e => e.Kv.ModRevision)];
            Assert.Equal(Enumerable.Range(0, 30).Select(n => 2 + (id % 10) + (10L * n)), revisions);
        }
    }

    /// <summary>etcd issue 16839: on a stream that is always nearly full, some watchers never got their turn.</summary>
    [Fact]
    public void Every_watcher_of_a_full_stream_gets_its_turn_16839()
    {
        var bench = new WatchBench(new WatchHubOptions { StreamPendingBytesMax = 2500, CatchUpEventsMax = 5 });
        ClientStream client = bench.Open();
        for (int i = 0; i < 40; i++)
        {
            client.Create("k");
        }

        bench.Settle();
        client.TakeAll();
        string value = new('v', 400);
        // The client takes one response per write: it can never have everything, but everyone must get something.
        for (int i = 0; i < 200; i++)
        {
            bench.Put("k", value);
            bench.Settle();
            client.Take();
        }

        Assert.Equal(40, client.Received.Where(r => r.Events.Count > 0).Select(r => r.WatchId).Distinct().Count());
    }

    /// <summary>etcd issue 22264: while history was read for catch-up, no write could be applied.</summary>
    [Fact]
    public void Apply_goes_on_while_history_is_read_22264()
    {
        var bench = new WatchBench();
        for (int i = 0; i < 10; i++)
        {
            bench.Put("a", "x");
        }

        ClientStream client = bench.Open();
        client.Create("a", start: 2);
        int commitsDuringReads = 0;
        bench.History.WhenRead = () =>
        {
            bench.History.WhenRead = null;
            // On a thread of its own, because a lock of the hub would let its own thread through.
            var apply = new Thread(() => bench.Put("a", "during"));
            apply.Start();
            apply.Join();
            commitsDuringReads++;
        };
        bench.Settle();

        Assert.Equal(1, commitsDuringReads);
        Assert.Equal(Enumerable.Range(2, 11), client.TakeAll().SelectMany(r => r.Events).Select(e => (int)e.Kv.ModRevision));
    }

    /// <summary>
    /// etcd issue 22264, once more: whatever the hub is at, here in the middle of telling a stream, neither the thread that applies nor one
    /// that brings requests waits for it; and what they brought is done afterwards.
    /// </summary>
    [Fact]
    public void Nobody_waits_for_the_hub_22264()
    {
        var bench = new WatchBench();
        using var output = new StuckOutput();
        WatchStream stuck = bench.Hub.OpenStream(output);
        stuck.Create(new WatchCreate(0, "a"u8.ToArray(), default, 0, WatchFilters.None, false, false, false));
        bench.Settle();
        Assert.True(stuck.TryTake(out _));
        Assert.False(stuck.TryTake(out _));
        bench.Put("a", "1");
        ClientStream other = bench.Open();
        var hub = new Thread(() => bench.Settle());
        hub.Start();
        output.Entered.Wait(TestContext.Current.CancellationToken);

        // None of these returns if it has to wait.
        bench.Put("a", "2");
        other.Create("a");
        other.Stream.Submit();
        Assert.Null(other.Take());

        output.Leave.Set();
        hub.Join();
        bench.Settle();
        Assert.True(other.Take()!.Created);
        bench.Put("a", "3");
        bench.Settle();
        Assert.Equal("put a@4", ClientStream.Text(other.TakeAll()));
    }

    [Fact]
    public void A_request_is_carried_out_by_who_brings_it()
    {
        var bench = new WatchBench();
        ClientStream client = bench.Open();
        bench.Settle();
        int wakes = bench.Wakes;
        client.Create("a");
        client.Stream.Submit();

        Assert.True(client.Take()!.Created);
        Assert.Equal(wakes, bench.Wakes);
    }

    [Fact]
    public void What_is_left_of_a_request_is_the_hubs_threads()
    {
        var bench = new WatchBench();
        bench.Put("a", "1");
        ClientStream client = bench.Open();
        bench.Settle();
        int wakes = bench.Wakes;
        client.Create("a", start: 2);
        client.Stream.Submit();

        Assert.True(client.Take()!.Created);
        Assert.Null(client.Take());
        Assert.Equal(wakes + 1, bench.Wakes);
        bench.Settle();
        Assert.Equal("put a@2", ClientStream.Text(client.TakeAll()));

        client.Create("b", progress: true);
        client.Stream.Submit();
        Assert.Equal(wakes + 2, bench.Wakes);
    }

    [Fact]
    public void Equal_watches_of_a_stream_share_what_there_is_room_for()
    {
        const int Watches = 50;
        var bench = new WatchBench(new WatchHubOptions { StreamPendingBytesMax = 6000 });
        ClientStream client = bench.Open();
        for (int i = 0; i < Watches; i++)
        {
            client.Create("a");
        }

        bench.Settle();
        client.TakeAll();
        bench.Put("a", new string('v', 400));
        bench.Settle();

        int given = Watches - bench.Hub.Statistics.SlowWatchers;
        Assert.InRange(given, 2, Watches - 2);
        Assert.Equal(given, client.TakeFrames(int.MaxValue).Count);
        do
        {
            bench.Settle();
        }
        while (client.TakeFrames(1500).Count > 0);

        Assert.Equal(
            Enumerable.Range(0, Watches).Select(id => (long)id),
            client.Received.Where(r => r.Events.Count > 0).Select(r => r.WatchId).Order());
    }

    private sealed class StuckOutput : IWatchOutput, IDisposable
    {
        public ManualResetEventSlim Entered { get; } = new();

        public ManualResetEventSlim Leave { get; } = new();

        public void OnAvailable()
        {
            Entered.Set();
            Leave.Wait();
        }

        public void Dispose()
        {
            Entered.Dispose();
            Leave.Dispose();
        }
    }

    [Fact]
    public void One_that_is_far_behind_does_not_hold_up_one_that_is_near()
    {
        var bench = new WatchBench(new WatchHubOptions { CatchUpEventsMax = 10 });
        for (int i = 0; i < 1000; i++)
        {
            bench.Put("a", "x");
        }

        ClientStream far = bench.Open();
        ClientStream near = bench.Open();
        far.Create("a", start: 2);
        near.Create("a", start: 1000);
        bench.Hub.RunOnce();
        bench.Hub.RunOnce();

        Assert.Equal("put a@1000, put a@1001", ClientStream.Text(near.TakeAll()));
        Assert.True(bench.Hub.Statistics.SlowWatchers > 0);
    }

    [Fact]
    public void When_the_inbox_overflows_watchers_read_what_passed_by()
    {
        var bench = new WatchBench(new WatchHubOptions { RingEventsMax = 10 });
        ClientStream client = bench.Open();
        client.Create("a");
        bench.Settle();
        for (int i = 0; i < 100; i++)
        {
            bench.Put("a", "x");
        }

        bench.Settle();
        bench.Put("a", "last");
        bench.Settle();

        Assert.Equal(Enumerable.Range(2, 101), client.TakeAll().SelectMany(r => r.Events).Select(e => (int)e.Kv.ModRevision));
    }

    [Fact]
    public void A_response_larger_than_the_bound_still_goes_out()
    {
        var bench = new WatchBench(new WatchHubOptions { StreamPendingBytesMax = 1000 });
        ClientStream client = bench.Open();
        client.Create("a");
        bench.Settle();
        client.TakeAll();
        bench.Put("a", new string('v', 50_000));
        bench.Settle();

        Assert.Equal("put a@2", ClientStream.Text(client.TakeAll()));
    }

    private static void Drain(WatchBench bench, ClientStream client)
    {
        do
        {
            bench.Settle();
        }
        while (client.TakeAll().Count > 0);
    }
}
