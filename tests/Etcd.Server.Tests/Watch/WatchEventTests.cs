using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.Mvccpb;
using Etcd.Server.Watch;

namespace Etcd.Server.Tests.Watch;

/// <summary>Which events come, in which form and with which header.</summary>
public sealed class WatchEventTests
{
    [Fact]
    public void Events_come_with_their_revision_in_the_header()
    {
        var bench = new WatchBench();
        ClientStream client = bench.Open();
        client.Create("a");
        bench.Settle();
        bench.Put("a", "1");
        bench.Put("b", "1");
        bench.Put("a", null);
        bench.Settle();

        List<WatchResponse> responses = client.TakeAll();
        Assert.True(responses[0].Created);
        Assert.Equal("put a@2, del a@4", ClientStream.Text(responses));
        Assert.Equal(4, responses[^1].Header.Revision);
    }

    /// <summary>etcd issue 17247: one transaction, and each of its events once.</summary>
    [Fact]
    public void All_events_of_a_transaction_come_once_and_in_one_response_17247()
    {
        var bench = new WatchBench();
        ClientStream client = bench.Open();
        client.Create("a", "z");
        client.Create("b");
        bench.Settle();
        client.TakeAll();
        bench.Put(("a", "1"), ("b", "1"), ("c", "1"));
        bench.Settle();

        List<WatchResponse> responses = client.TakeAll();
        Assert.Equal(2, responses.Count);
        Assert.Equal("put a@2, put b@2, put c@2", ClientStream.Text(responses.Where(r => r.WatchId == 0)));
        Assert.Equal("put b@2", ClientStream.Text(responses.Where(r => r.WatchId == 1)));
    }

    [Theory]
    [InlineData(WatchFilters.NoPut, "del a@3")]
    [InlineData(WatchFilters.NoDelete, "put a@2")]
    [InlineData(WatchFilters.NoPut | WatchFilters.NoDelete, "")]
    public void Filters_leave_events_out(WatchFilters filters, string expected)
    {
        var bench = new WatchBench();
        ClientStream client = bench.Open();
        client.Create("a", filters: filters);
        bench.Settle();
        client.TakeAll();
        bench.Put("a", "1");
        bench.Put("a", null);
        bench.Settle();

        Assert.Equal(expected, ClientStream.Text(client.TakeAll()));
    }

    [Fact]
    public void Previous_values_come_to_those_who_ask_and_are_looked_up_once()
    {
        var bench = new WatchBench();
        ClientStream[] clients = [bench.Open(), bench.Open(), bench.Open()];
        clients[0].Create("a", prevKv: true);
        clients[1].Create("", "\0", prevKv: true);
        clients[2].Create("a");
        bench.Settle();
        bench.Put("a", "1");
        bench.Put("a", "2");
        bench.Put("a", null);
        bench.Settle();

        foreach (ClientStream client in clients[..2])
        {
            List<Event> events = [.. client.TakeAll().SelectMany(r => r.Events)];
            Assert.Null(events[0].PrevKv);
            Assert.Equal("1", events[1].PrevKv.Value.ToStringUtf8());
            Assert.Equal("2", events[2].PrevKv.Value.ToStringUtf8());
            Assert.Equal(3, events[2].PrevKv.ModRevision);
        }

        Assert.All(clients[2].TakeAll().SelectMany(r => r.Events), e => Assert.Null(e.PrevKv));
        Assert.Equal(2, bench.History.PreviousLookups);
    }

    /// <summary>Found by seed 1511 of tests/Etcd.Behaviour: it came from the ring, where an earlier watcher had left it.</summary>
    [Fact]
    public void A_previous_value_that_is_compacted_is_left_out_though_an_earlier_watcher_had_it()
    {
        var bench = new WatchBench();
        ClientStream earlier = bench.Open();
        earlier.Create("a", prevKv: true);
        bench.Settle();
        bench.Put("a", "1");
        bench.Put("a", "2");
        bench.Put("a", "3");
        bench.Settle();
        Assert.Equal(["1", "2"], earlier.TakeAll().SelectMany(r => r.Events).Skip(1).Select(e => e.PrevKv.Value.ToStringUtf8()));
        bench.History.Compact(3);
        ClientStream later = bench.Open();
        later.Create("a", start: 3, prevKv: true);
        bench.Settle();

        Assert.Equal([null, "2"], later.TakeAll().SelectMany(r => r.Events).Select(e => e.PrevKv?.Value.ToStringUtf8()));
    }

    [Fact]
    public void A_start_in_the_past_is_caught_up_in_slices_and_goes_on_live()
    {
        var bench = new WatchBench(new WatchHubOptions { CatchUpEventsMax = 3 });
        for (int i = 0; i < 10; i++)
        {
            bench.Put(i % 2 == 0 ? "a" : "b", "x");
        }

        ClientStream client = bench.Open();
        client.Create("a", start: 3);
        bench.Hub.RunOnce();
        bench.Put("a", "y");
        bench.Settle();
        bench.Put("a", "z");
        bench.Settle();

        Assert.Equal("put a@4, put a@6, put a@8, put a@10, put a@12, put a@13", ClientStream.Text(client.TakeAll()));
        Assert.Equal(0, bench.Hub.Statistics.SlowWatchers);
    }

    [Fact]
    public void Watchers_that_need_the_same_past_share_its_reading()
    {
        var bench = new WatchBench(new WatchHubOptions { CatchUpShareBytes = int.MaxValue, CatchUpEventsMax = 10 });
        for (int i = 0; i < 50; i++)
        {
            bench.Put("k" + (i % 5), "x");
        }

        ClientStream client = bench.Open();
        for (int i = 0; i < 400; i++)
        {
            client.Create("k" + (i % 5), start: 2);
        }

        bench.Settle();

        Assert.Equal(400 * 10, client.TakeAll().Sum(r => r.Events.Count));
        Assert.Equal(5, bench.History.Reads);
    }

    [Fact]
    public void The_recent_past_is_read_from_memory()
    {
        var bench = new WatchBench();
        ClientStream client = bench.Open();
        bench.Settle();
        bench.Put("a", "1");
        bench.Put("a", "2");
        bench.Settle();
        client.Create("a", start: 2);
        bench.Settle();

        Assert.Equal("put a@2, put a@3", ClientStream.Text(client.TakeAll()));
        Assert.Equal(0, bench.History.Reads);
    }

    [Fact]
    public void What_does_not_fit_into_the_ring_is_read_from_history()
    {
        var bench = new WatchBench(new WatchHubOptions { RingEventsMax = 4 });
        ClientStream client = bench.Open();
        bench.Settle();
        for (int i = 0; i < 10; i++)
        {
            bench.Put("a", "x");
            bench.Settle();
        }

        client.Create("a", start: 2);
        bench.Settle();

        Assert.Equal(Enumerable.Range(2, 10), client.TakeAll().SelectMany(r => r.Events).Select(e => (int)e.Kv.ModRevision));
        Assert.True(bench.History.Reads > 0);
    }

    [Fact]
    public void Large_revisions_come_in_fragments_to_those_who_allow_it()
    {
        var bench = new WatchBench(new WatchHubOptions { FragmentBytesMax = 1000 });
        ClientStream client = bench.Open();
        client.Create("", "\0", fragment: true);
        client.Create("", "\0");
        bench.Settle();
        client.TakeAll();
        bench.Put([.. Enumerable.Range(0, 10).Select(i => ("k" + i, (string?)new string('v', 300)))]);
        bench.Settle();

        List<WatchResponse> responses = client.TakeAll();
        List<WatchResponse> parts = [.. responses.Where(r => r.WatchId == 0)];
        Assert.True(parts.Count > 2);
        Assert.All(parts[..^1], p => Assert.True(p.Fragment));
        Assert.False(parts[^1].Fragment);
        Assert.All(parts, p => Assert.True(p.CalculateSize() < 1000));
        Assert.All(parts, p => Assert.Equal(2, p.Header.Revision));
        Assert.Equal(10, parts.Sum(p => p.Events.Count));
        WatchResponse whole = Assert.Single(responses, r => r.WatchId == 1);
        Assert.Equal(10, whole.Events.Count);
        Assert.False(whole.Fragment);
    }

    [Fact]
    public void Responses_are_cut_between_revisions_when_they_grow_large()
    {
        var bench = new WatchBench(new WatchHubOptions { ResponseBytesSoftMax = 1000 });
        ClientStream client = bench.Open();
        client.Create("", "\0");
        bench.Settle();
        client.TakeAll();
        for (int i = 0; i < 10; i++)
        {
            bench.Put(("a", new string('v', 200)), ("b", new string('v', 200)));
        }

        bench.Settle();

        List<WatchResponse> responses = client.TakeAll();
        Assert.Equal(5, responses.Count);
        Assert.All(responses, r => Assert.Equal(4, r.Events.Count));
        Assert.All(responses, r => Assert.Equal(r.Events[^1].Kv.ModRevision, r.Header.Revision));
    }

    /// <summary>etcd issue 20221: a watch from a future revision got old events and notifications.</summary>
    [Fact]
    public void A_future_start_gets_no_earlier_event_and_no_notification_20221()
    {
        var bench = new WatchBench();
        ClientStream client = bench.Open();
        client.Create("a", start: 4, progress: true);
        bench.Settle();
        Assert.Equal(1, client.Take()!.Header.Revision);
        bench.Put("a", "1");
        bench.Put("a", "2");
        client.Stream.RequestProgress();
        bench.Clock.Advance(TimeSpan.FromHours(1));
        bench.Settle();
        Assert.Null(client.Take());

        bench.Put("a", "3");
        bench.Put("a", "4");
        bench.Settle();
        Assert.Equal("put a@4, put a@5", ClientStream.Text(client.TakeAll()));
        client.Stream.RequestProgress();
        bench.Settle();
        Assert.Equal(5, client.Take()!.Header.Revision);
    }

    /// <summary>etcd issues 18089 and 19179: the delete at the compacted revision was lost to a watch from there.</summary>
    [Fact]
    public void A_watch_from_the_compact_revision_sees_the_delete_at_it_18089_19179()
    {
        var bench = new WatchBench();
        bench.Put("a", "1");
        long deleted = bench.Put("a", null);
        bench.Put("b", "1");
        bench.History.Compact(deleted);
        ClientStream client = bench.Open();
        client.Create("a", "z", start: deleted);
        bench.Settle();

        Assert.Equal("del a@3, put b@4", ClientStream.Text(client.TakeAll()));
    }

    /// <summary>etcd issue 15271: a watch went back in time when its member came back from a partition by a snapshot.</summary>
    [Fact]
    public void After_a_snapshot_was_installed_watches_go_on_where_they_were_15271()
    {
        var bench = new WatchBench();
        ClientStream client = bench.Open();
        client.Create("a");
        client.Create("a", start: 6);
        bench.Settle();
        bench.Put("a", "1");
        bench.Settle();
        for (int i = 0; i < 5; i++)
        {
            bench.History.Commit(("a", "missed"));
        }

        bench.Hub.OnStoreReplaced();
        bench.Settle();
        bench.Put("a", "live");
        bench.Settle();

        List<WatchResponse> responses = client.TakeAll();
        Assert.Equal([2, 3, 4, 5, 6, 7, 8], responses.Where(r => r.WatchId == 0).SelectMany(r => r.Events).Select(e => e.Kv.ModRevision));
        Assert.Equal([6, 7, 8], responses.Where(r => r.WatchId == 1).SelectMany(r => r.Events).Select(e => e.Kv.ModRevision));
    }

    /// <summary>
    /// etcd issue 15271, the client's side: it comes back to a member that was away and has not caught up. What that one has yet to apply lies
    /// before what the client has seen.
    /// </summary>
    [Fact]
    public void A_client_that_comes_back_to_a_member_behind_does_not_go_back_in_time_15271()
    {
        var bench = new WatchBench();
        for (int i = 0; i < 3; i++)
        {
            bench.Put("a", "before");
        }

        // Elsewhere it has seen everything up to 7; this member is at 4.
        ClientStream client = bench.Open();
        client.Create("a", start: 8, progress: true);
        client.Stream.Submit();
        for (int i = 0; i < 6; i++)
        {
            client.Stream.RequestProgress();
            bench.Clock.Advance(TimeSpan.FromHours(1));
            bench.Put("a", "caught up");
            bench.Settle();
        }

        List<WatchResponse> responses = client.TakeAll();
        Assert.Equal("put a@8, put a@9, put a@10", ClientStream.Text(responses));
        Assert.All(responses.Where(r => !r.Created), r => Assert.True(r.Header.Revision >= 8));
    }

    [Fact]
    public void After_a_snapshot_that_compacted_their_past_watches_end()
    {
        var bench = new WatchBench();
        ClientStream client = bench.Open();
        client.Create("a");
        bench.Settle();
        client.TakeAll();
        for (int i = 0; i < 5; i++)
        {
            bench.History.Commit(("a", "missed"));
        }

        bench.History.Compact(5);
        bench.Hub.OnStoreReplaced();
        bench.Settle();

        WatchResponse end = Assert.Single(client.TakeAll());
        Assert.True(end.Canceled);
        Assert.Equal(5, end.CompactRevision);
    }

    [Fact]
    public void Nobody_is_woken_and_nothing_is_kept_while_nobody_watches()
    {
        var bench = new WatchBench();
        bench.Put("a", "1");
        Assert.Equal(0, bench.Wakes);

        ClientStream client = bench.Open();
        client.Create("a", start: 2);
        bench.Settle();
        Assert.Equal("put a@2", ClientStream.Text(client.TakeAll()));
        Assert.True(bench.Wakes > 0);
    }
}
