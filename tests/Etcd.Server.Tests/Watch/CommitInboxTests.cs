using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Etcd.Server.Watch;

namespace Etcd.Server.Tests.Watch;

/// <summary>Goal: what the apply thread leaves comes out once, in order, or as a gap; whoever is at it at the same time.</summary>
public sealed class CommitInboxTests
{
    private const int EventsMax = 2000;

    [Fact]
    public void What_was_left_comes_out_once_and_in_order()
    {
        var inbox = new CommitInbox(EventsMax, long.MaxValue);
        inbox.Listen(+1);
        Assert.Null(inbox.Take());
        Add(inbox, 2, 3);
        Add(inbox, 4);
        CommittedBatch taken = inbox.Take()!;
        Assert.Equal([2, 3, 4], Revisions(taken));
        Assert.Equal((4, 3, false), (taken.Revision, taken.Count, taken.HasGap));
        inbox.Return(taken);
        Assert.Null(inbox.Take());

        // A revision without events.
        inbox.Add([], 5);
        Add(inbox, 6);
        taken = inbox.Take()!;
        Assert.Equal([6], Revisions(taken));
    }

    [Fact]
    public void Beyond_the_bound_there_is_a_gap_until_it_is_taken()
    {
        var inbox = new CommitInbox(EventsMax, long.MaxValue);
        inbox.Listen(+1);
        Add(inbox, [.. Enumerable.Range(2, EventsMax)]);
        Add(inbox, EventsMax + 2);
        Add(inbox, EventsMax + 3);
        CommittedBatch taken = inbox.Take()!;
        Assert.Equal((EventsMax + 3, true, 0), (taken.Revision, taken.HasGap, taken.Count));
        Assert.Empty(Revisions(taken));
        inbox.Return(taken);
        Add(inbox, EventsMax + 4);
        Assert.Equal([EventsMax + 4], Revisions(inbox.Take()!));
    }

    [Fact]
    public void What_nobody_wants_is_a_gap()
    {
        var inbox = new CommitInbox(EventsMax, long.MaxValue);
        Add(inbox, 2);
        inbox.Listen(+1);
        Add(inbox, 3);
        CommittedBatch taken = inbox.Take()!;
        Assert.Equal((3, true), (taken.Revision, taken.HasGap));
    }

    [Fact]
    public void A_store_that_was_replaced_is_a_gap()
    {
        var inbox = new CommitInbox(EventsMax, long.MaxValue);
        inbox.Listen(+1);
        Add(inbox, 2);
        inbox.Replaced(100);
        CommittedBatch taken = inbox.Take()!;
        Assert.Equal((100, true), (taken.Revision, taken.HasGap));
    }

    [Fact]
    public void Two_threads_lose_nothing()
    {
        const int Last = 200_000;
        var inbox = new CommitInbox(int.MaxValue, long.MaxValue);
        inbox.Listen(+1);
        var apply = new Thread(() =>
        {
            for (int revision = 2; revision <= Last; revision += 2)
            {
                Add(inbox, revision, revision + 1);
            }
        });
        apply.Start();
        var seen = new List<int>(Last);
        while (seen.Count < Last)
        {
            // Whoever sees the thread at its end sees all that it left.
            bool ended = !apply.IsAlive;
            if (inbox.Take() is { } taken)
            {
                seen.AddRange(Revisions(taken));
                Assert.Equal(seen[^1], taken.Revision);
                inbox.Return(taken);
            }
            else if (ended)
            {
                break;
            }
        }

        apply.Join();
        Assert.Equal(Enumerable.Range(2, Last), seen);
    }

    private static void Add(CommitInbox inbox, params int[] revisions)
    {
        StoreEvent[] events = [.. revisions.Select(r => new StoreEvent(StoreEventType.Put, new Revision(r, 0), default, default, true))];
        inbox.Add(events, revisions[^1]);
    }

    private static List<int> Revisions(CommittedBatch batch) => [.. batch.Pieces.ToArray().SelectMany(p => p).Select(e => (int)e.Revision.Main)];
}
