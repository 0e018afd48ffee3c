using Etcd.Protocol.Etcdserverpb;

namespace Etcd.Server.Tests.Watch;

/// <summary>What the answers to create and cancel requests say, in etcd's words and numbers.</summary>
public sealed class WatchCreateTests
{
    private readonly WatchBench _bench = new();
    private readonly ClientStream _client;

    public WatchCreateTests() => _client = _bench.Open();

    [Fact]
    public void Ids_are_given_from_zero_on_and_pass_over_those_that_clients_chose()
    {
        _client.Create("a");
        _client.Create("b", id: 1);
        _client.Create("c");
        _bench.Settle();

        Assert.Equal([0, 1, 2], _client.TakeAll().Select(r => r.WatchId));
    }

    [Fact]
    public void A_cancelled_id_is_not_given_again_by_itself()
    {
        _client.Create("a");
        _client.Stream.Cancel(0);
        _client.Create("a");
        _bench.Settle();

        List<WatchResponse> answers = _client.TakeAll();
        Assert.Equal([0, 0, 1], answers.Select(r => r.WatchId));
        Assert.Equal([false, true, false], answers.Select(r => r.Canceled));
    }

    [Fact]
    public void A_taken_id_is_refused()
    {
        _client.Create("a", id: 5);
        _client.Create("b", id: 5);
        _bench.Settle();

        WatchResponse refusal = _client.TakeAll()[1];
        Assert.Equal(-1, refusal.WatchId);
        Assert.True(refusal.Created);
        Assert.True(refusal.Canceled);
        Assert.Equal("mvcc: duplicate watch ID provided on the WatchStream", refusal.CancelReason);
    }

    [Theory]
    [InlineData("b", "a")]
    [InlineData("b", "b")]
    public void An_empty_range_is_refused(string key, string end)
    {
        _client.Create(key, end);
        _bench.Settle();

        WatchResponse refusal = _client.Take()!;
        Assert.Equal(-1, refusal.WatchId);
        Assert.True(refusal.Created && refusal.Canceled);
        Assert.Equal("mvcc: watcher range is empty", refusal.CancelReason);
    }

    /// <summary>etcd 3.6.6: a watch with revision -1.</summary>
    [Fact]
    public void A_negative_start_revision_is_refused_as_compacted_3_6_6()
    {
        _bench.Put("a", "1");
        _client.Create("a", start: -1);
        _bench.Settle();

        WatchResponse refusal = _client.Take()!;
        Assert.Equal(-1, refusal.WatchId);
        Assert.True(refusal.Created && refusal.Canceled);
        Assert.Equal("etcdserver: mvcc: required revision has been compacted", refusal.CancelReason);
        Assert.Equal(0, refusal.CompactRevision);
        Assert.Equal(2, refusal.Header.Revision);
    }

    [Fact]
    public void A_refusal_by_the_caller_is_answered_in_turn()
    {
        _client.Create("a");
        _client.Stream.Refuse("no");
        _bench.Settle();

        List<WatchResponse> answers = _client.TakeAll();
        Assert.Equal((-1L, "no", true, true), (answers[1].WatchId, answers[1].CancelReason, answers[1].Created, answers[1].Canceled));
    }

    [Fact]
    public void An_empty_key_is_the_smallest_key()
    {
        _client.Create("", "b");
        _client.Create("");
        _bench.Settle();
        _client.TakeAll();
        _bench.Put(("\0", "1"), ("a", "1"), ("b", "1"));
        _bench.Settle();

        List<WatchResponse> responses = _client.TakeAll();
        Assert.Equal("put \0@2, put a@2", ClientStream.Text(responses.Where(r => r.WatchId == 0)));
        Assert.Equal("put \0@2", ClientStream.Text(responses.Where(r => r.WatchId == 1)));
    }

    /// <summary>GHSA-xg4h-6gfc-h4m8 is about this spelling: one zero byte as the end means no end.</summary>
    [Fact]
    public void A_range_end_of_one_zero_byte_means_all_keys_from_there_on_GHSA_xg4h()
    {
        _client.Create("b", "\0");
        _bench.Settle();
        _client.TakeAll();
        _bench.Put(("a", "1"), ("b", "1"), ("zz", "1"));
        _bench.Settle();

        Assert.Equal("put b@2, put zz@2", ClientStream.Text(_client.TakeAll()));
    }

    [Fact]
    public void Cancelling_what_does_not_exist_is_not_answered()
    {
        _client.Stream.Cancel(3);
        _bench.Settle();

        Assert.Null(_client.Take());
        Assert.Equal(0, _client.Stream.PendingAnswers);
    }

    [Fact]
    public void Nothing_comes_after_canceled()
    {
        _client.Create("a");
        _bench.Put("a", "1");
        _bench.Settle();
        _client.Stream.Cancel(0);
        _bench.Settle();
        _bench.Put("a", "2");
        _bench.Settle();

        List<WatchResponse> responses = _client.TakeAll();
        Assert.True(responses[^1].Canceled);
        Assert.Equal("", responses[^1].CancelReason);
        Assert.Empty(responses[^1].Events);
    }

    [Fact]
    public void A_watch_begins_after_what_its_client_could_have_read()
    {
        // Readers see the write already; the hub will hear of it only later.
        Etcd.Server.Storage.StoreEvent[] events = _bench.History.Commit(("a", "1"));
        _client.Create("a");
        _bench.Settle();
        Assert.Null(_client.Take());

        _bench.Hub.OnCommitted(events, 2);
        _bench.Settle();
        WatchResponse created = Assert.Single(_client.TakeAll());
        Assert.Equal(2, created.Header.Revision);
    }

    [Fact]
    public void A_start_in_the_compacted_past_is_told_so_after_created()
    {
        for (int i = 0; i < 5; i++)
        {
            _bench.Put("a", "x");
        }

        _bench.History.Compact(4);
        _client.Create("a", start: 3);
        _bench.Settle();

        List<WatchResponse> responses = _client.TakeAll();
        Assert.Equal((0L, true, false), (responses[0].WatchId, responses[0].Created, responses[0].Canceled));
        Assert.Equal((0L, false, true), (responses[1].WatchId, responses[1].Created, responses[1].Canceled));
        Assert.Equal(4, responses[1].CompactRevision);
        Assert.Equal(0, responses[1].Header.Revision);
        Assert.Equal("", responses[1].CancelReason);
    }

    [Fact]
    public void A_compacted_watch_keeps_its_id_until_the_client_cancels_it()
    {
        _bench.Put("a", "1");
        _bench.Put("a", "2");
        _bench.History.Compact(3);
        _client.Create("a", start: 2, id: 9);
        _bench.Settle();
        _client.Create("a", id: 9);
        _client.Stream.RequestProgress();
        _client.Stream.Cancel(9);
        _client.Create("a", id: 9);
        _bench.Settle();

        List<WatchResponse> responses = _client.TakeAll();
        Assert.Equal([9, 9, -1, 9, 9], responses.Select(r => r.WatchId));
        Assert.Equal("mvcc: duplicate watch ID provided on the WatchStream", responses[2].CancelReason);
        Assert.True(responses[3].Canceled);
        Assert.True(responses[4].Created);
    }

    [Fact]
    public void Unanswered_requests_are_counted_until_their_answers_are_taken()
    {
        for (int i = 0; i < 10; i++)
        {
            _client.Create("a");
        }

        Assert.Equal(10, _client.Stream.PendingAnswers);
        _bench.Settle();
        Assert.Equal(10, _client.Stream.PendingAnswers);
        _client.TakeAll();
        Assert.Equal(0, _client.Stream.PendingAnswers);
    }

    [Fact]
    public void A_closed_stream_gives_nothing_and_frees_its_watches()
    {
        _client.Create("a");
        _bench.Settle();
        Assert.Equal(1, _bench.Hub.Statistics.Watchers);
        _client.Stream.Close();
        _client.Stream.Close();
        _client.Create("b");
        _bench.Put("a", "1");
        _bench.Settle();

        Assert.Null(_client.Take());
        Assert.Equal(0, _bench.Hub.Statistics.Watchers);
        Assert.Equal(0, _bench.Hub.Statistics.Streams);
    }
}
