using Etcd.Server.Hosting;
using Etcd.Server.Storage;
using Etcd.Server.Watch;
using Etcd.TestKit;

namespace Etcd.Server.Tests.Watch;

/// <summary>
/// The figure of how long apply is held by the watch room: it has what the hand-over takes, and not what the system lets others do
/// meanwhile. Method: a wake-up that takes as long as the test says on a fake clock.
/// </summary>
public sealed class ApplyHeldTests
{
    private const int OneMillisecondBucket = 10;

    private readonly FakeHistory _history = new();
    private readonly FakeTimeProvider _clock = new();
    private TimeSpan _wakeTakes;
    private long _preemptions;
    private bool _isPreempted;

    [Fact]
    public void What_the_hand_over_takes_is_counted()
    {
        WatchHub hub = NewHub();
        Put(hub, TimeSpan.FromMilliseconds(1));
        Assert.Equal(1, hub.Statistics.ApplyHeld.Counts[OneMillisecondBucket]);
        Put(hub, TimeSpan.FromMilliseconds(1.5));

        Assert.Equal(0.001, hub.Statistics.ApplyHeld.Bounds[OneMillisecondBucket]);
        Assert.Equal(1, hub.Statistics.ApplyHeld.Counts[OneMillisecondBucket]);
        Assert.Equal(1, hub.Statistics.ApplyHeld.Counts[OneMillisecondBucket + 1]);
        Assert.Equal(2, hub.Statistics.ApplyHeld.Count);
    }

    [Fact]
    public void What_was_preempted_is_counted_apart()
    {
        WatchHub hub = NewHub();
        _isPreempted = true;
        Put(hub, TimeSpan.FromSeconds(1));

        Assert.Equal(0, hub.Statistics.ApplyHeld.Count);
        Assert.Equal(1, hub.Statistics.ApplyPreempted.Value);
    }

    /// <summary>More threads than processors, none of which waits: the system has to take the processor from each of them.</summary>
    [Fact]
    public void The_system_says_when_a_thread_was_preempted()
    {
        long deadline = Environment.TickCount64 + 60_000;
        int seen = 0;
        Thread[] threads = [.. Enumerable.Range(0, 2 * Environment.ProcessorCount).Select(_ => new Thread(() =>
        {
            long before = ThreadPreemptions.OfThisThread();
            while (Environment.TickCount64 < deadline)
            {
                if (ThreadPreemptions.OfThisThread() > before)
                {
                    Interlocked.Increment(ref seen);
                    return;
                }
            }
        }))];
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => t.Join());

        // The last one may have a processor for itself.
        Assert.True(seen >= threads.Length - Environment.ProcessorCount, $"{seen} of {threads.Length}");
    }

    private WatchHub NewHub()
    {
        var hub = new WatchHub(
            _history,
            _clock,
            () =>
            {
                _clock.Advance(_wakeTakes);
                _preemptions += _isPreempted ? 1 : 0;
            },
            new WatchHubOptions { ThreadPreemptions = () => _preemptions });
        new ClientStream(hub).Create("a");
        while (hub.RunOnce() == TimeSpan.Zero)
        {
        }

        return hub;
    }

    private void Put(WatchHub hub, TimeSpan takes)
    {
        _wakeTakes = takes;
        StoreEvent[] events = _history.Commit(("a", "v"));
        hub.OnCommitted(events, _history.CurrentRevision);
        _wakeTakes = TimeSpan.Zero;
        while (hub.RunOnce() == TimeSpan.Zero)
        {
        }
    }
}
