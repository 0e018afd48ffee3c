using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Watch;

namespace Etcd.Server.Tests.Watch;

/// <summary>Progress on request and from time to time.</summary>
public sealed class WatchProgressTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(10);

    // The jitter adds up to a tenth.
    private static readonly TimeSpan FullInterval = TimeSpan.FromMinutes(11);

    [Fact]
    public void A_request_is_answered_for_the_whole_stream()
    {
        var bench = new WatchBench();
        ClientStream client = bench.Open();
        client.Create("a");
        client.Create("b");
        bench.Put("c", "1");
        client.Stream.RequestProgress();
        bench.Settle();

        WatchResponse progress = client.TakeAll()[^1];
        Assert.Equal((-1L, 2L), (progress.WatchId, progress.Header.Revision));
        Assert.Empty(progress.Events);
        Assert.False(progress.Created || progress.Canceled);
    }

    [Fact]
    public void A_stream_without_watches_gets_no_answer()
    {
        var bench = new WatchBench();
        ClientStream client = bench.Open();
        client.Stream.RequestProgress();
        bench.Settle();

        Assert.Null(client.Take());
        Assert.Equal(0, client.Stream.PendingAnswers);
    }

    [Fact]
    public void While_a_watch_of_the_stream_lags_there_is_no_answer()
    {
        var bench = new WatchBench(new WatchHubOptions { CatchUpEventsMax = 1 });
        for (int i = 0; i < 10; i++)
        {
            bench.Put("a", "x");
        }

        ClientStream client = bench.Open();
        client.Create("b");
        client.Create("a", start: 2);
        client.Stream.RequestProgress();
        bench.Settle();
        Assert.DoesNotContain(client.TakeAll(), r => r.WatchId == -1);

        client.Stream.RequestProgress();
        bench.Settle();
        Assert.Equal(11, client.Take()!.Header.Revision);
    }

    /// <summary>etcd issue 15220: progress overtook events.</summary>
    [Fact]
    public void Progress_is_ordered_with_events_15220()
    {
        var bench = new WatchBench(new WatchHubOptions { StreamPendingBytesMax = 1000 });
        ClientStream client = bench.Open();
        client.Create("a");
        bench.Settle();
        for (int i = 0; i < 50; i++)
        {
            bench.Put("a", new string('v', 100));
            client.Stream.RequestProgress();
            bench.Settle();
            if (i % 3 == 0)
            {
                client.Take();
            }
        }

        client.TakeAll();
        bench.Settle();
        client.TakeAll();
        client.Stream.RequestProgress();
        bench.Settle();
        client.TakeAll();

        long seen = 0;
        foreach (WatchResponse response in client.Received)
        {
            Assert.All(response.Events, e => Assert.True(e.Kv.ModRevision > seen));
            if (response.Events.Count > 0 || response.WatchId == -1)
            {
                Assert.True(response.Header.Revision >= seen);
                seen = response.WatchId == -1 ? response.Header.Revision : response.Events[^1].Kv.ModRevision;
            }
        }

        Assert.Equal(51, seen);
        Assert.Equal(50, client.Received.Sum(r => r.Events.Count));
    }

    [Fact]
    public void Progress_covers_what_its_client_could_have_read()
    {
        var bench = new WatchBench();
        ClientStream client = bench.Open();
        client.Create("b");
        bench.Settle();
        client.TakeAll();
        Etcd.Server.Storage.StoreEvent[] events = bench.History.Commit(("a", "1"));
        client.Stream.RequestProgress();
        bench.Settle();
        Assert.Null(client.Take());
        bench.Hub.OnCommitted(events, 2);
        bench.Settle();

        Assert.Equal(2, client.Take()!.Header.Revision);
    }

    [Fact]
    public void An_idle_watch_is_told_from_time_to_time()
    {
        var bench = new WatchBench();
        ClientStream client = bench.Open();
        client.Create("a", progress: true);
        client.Create("b");
        TimeSpan next = bench.Settle();
        Assert.InRange(next, Interval, FullInterval);
        client.TakeAll();
        bench.Put("x", "1");

        bench.Clock.Advance(next - TimeSpan.FromSeconds(1));
        bench.Settle();
        Assert.Null(client.Take());
        bench.Clock.Advance(TimeSpan.FromSeconds(1));
        TimeSpan after = bench.Settle();
        WatchResponse progress = Assert.Single(client.TakeAll());
        Assert.Equal((0L, 2L), (progress.WatchId, progress.Header.Revision));
        Assert.Equal(next, after);
    }

    [Fact]
    public void A_watch_that_had_events_is_not_told_until_the_beat_after_the_next()
    {
        var bench = new WatchBench();
        ClientStream client = bench.Open();
        client.Create("a", progress: true);
        TimeSpan beat = bench.Settle();
        bench.Put("a", "1");
        bench.Settle();
        client.TakeAll();

        bench.Clock.Advance(beat);
        bench.Settle();
        Assert.Null(client.Take());
        bench.Clock.Advance(beat);
        bench.Settle();
        Assert.Equal(2, client.Take()!.Header.Revision);
    }

    [Fact]
    public void Without_such_watches_there_is_nothing_to_wait_for()
    {
        var bench = new WatchBench();
        ClientStream client = bench.Open();
        client.Create("a", progress: true);
        client.Create("b", progress: true);
        bench.Settle();
        client.Stream.Cancel(0);
        client.Stream.Cancel(1);
        bench.Settle();
        bench.Clock.Advance(FullInterval);

        Assert.Equal(Timeout.InfiniteTimeSpan, bench.Settle());
        ClientStream closed = bench.Open();
        closed.Create("a", progress: true);
        bench.Settle();
        closed.Stream.Close();
        Assert.Equal(Timeout.InfiniteTimeSpan, bench.Settle());
    }

    [Fact]
    public void Streams_that_were_opened_together_are_told_at_different_times()
    {
        var bench = new WatchBench();
        HashSet<TimeSpan> beats = [];
        for (int i = 0; i < 20; i++)
        {
            ClientStream client = bench.Open();
            client.Create("a", progress: true);
            beats.Add(bench.Settle());
            client.Stream.Close();
            bench.Settle();
        }

        Assert.True(beats.Count > 10);
        Assert.All(beats, b => Assert.InRange(b, Interval, FullInterval));
    }

    [Fact]
    public void The_interval_has_etcds_lower_bound()
    {
        var bench = new WatchBench(new WatchHubOptions { ProgressInterval = TimeSpan.FromMilliseconds(1) });
        ClientStream client = bench.Open();
        client.Create("a", progress: true);

        Assert.True(bench.Settle() >= TimeSpan.FromMilliseconds(100));
    }
}
