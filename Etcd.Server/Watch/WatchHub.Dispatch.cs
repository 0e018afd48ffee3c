using System.Runtime.InteropServices;
using Etcd.Server.Storage;
using Etcd.Server.Storage.Disk;

namespace Etcd.Server.Watch;

/// <content>New events to synced watchers, and how any watcher is given events.</content>
public sealed partial class WatchHub
{
    private readonly List<WatchBatch> _parts = [];
    private int _blockedCount;

    private void Dispatch(List<StoreEvent> events)
    {
        foreach (ref readonly StoreEvent source in CollectionsMarshal.AsSpan(events))
        {
            var e = new WatchEvent(source);
            _ring.Add(e);
            Match(e, _synced);
        }

        foreach (Interest interest in _touched)
        {
            // From the end, because a watcher whose stream is full leaves the list.
            for (int i = interest.Watchers.Count - 1; i >= 0; i--)
            {
                Watcher watcher = interest.Watchers[i];
                try
                {
                    if (!Give(watcher, interest, headerRevision: 0))
                    {
                        _synced.Remove(watcher);
                        Block(watcher);
                    }
                }
                catch (StoreException)
                {
                    // The value before, which it wants, is damaged.
                    _synced.Remove(watcher);
                    EndAsDamaged(watcher);
                }
            }
        }

        EndStep();
    }

    private void Match(WatchEvent e, WatcherIndex index)
    {
        index.Match(e.Key.Span, _hits);
        foreach (Interest interest in _hits)
        {
            if (interest.Matched.Count == 0)
            {
                _touched.Add(interest);
            }

            interest.Matched.Add(e);
        }

        _hits.Clear();
    }

    private void EndStep()
    {
        foreach (Interest interest in _touched)
        {
            interest.EndStep();
        }

        _touched.Clear();
    }

    /// <summary>Queues the matched events that a watcher has not had.</summary>
    /// <param name="watcher">The watcher.</param>
    /// <param name="interest">Its interest, with the events of this step.</param>
    /// <param name="headerRevision">The revision for the header; zero: that of the response's last event.</param>
    /// <returns>False if its stream is full; then its MinRevision says where it must go on.</returns>
    private bool Give(Watcher watcher, Interest interest, long headerRevision)
    {
        foreach (EventRun run in RunsFor(watcher, interest))
        {
            long revision = headerRevision == 0 ? run.LastRevision : headerRevision;
            if (!Offer(watcher, run, revision))
            {
                watcher.MinRevision = run.FirstRevision;
                return false;
            }

            watcher.ProgressDue = false;
            Statistics.AddEvents(run.Events.Length);
        }

        return true;
    }

    private List<EventRun> RunsFor(Watcher watcher, Interest interest)
    {
        if (watcher.MinRevision > interest.Matched[0].Revision)
        {
            return BuildRuns(watcher, interest);
        }

        List<EventRun>? shared = interest.SharedRuns(watcher.Filters, watcher.WithPrevious);
        if (shared is null)
        {
            shared = BuildRuns(watcher, interest);
            interest.Share(watcher.Filters, watcher.WithPrevious, shared);
        }

        return shared;
    }

    private List<EventRun> BuildRuns(Watcher watcher, Interest interest)
    {
        var runs = new List<EventRun>(1);
        EventRun.Build(
            interest.Matched, watcher.MinRevision, watcher.Filters, watcher.WithPrevious, _history, _options.ResponseBytesSoftMax, runs);
        return runs;
    }

    private bool Offer(Watcher watcher, EventRun run, long revision)
    {
        bool cut = watcher.Fragment && run.Events.Length > 1
            && run.EncodedSize + WatchBatch.OverheadBytes >= _options.FragmentBytesMax;
        if (!cut)
        {
            return watcher.Stream.TryOffer(new WatchBatch(watcher.Id, revision, run));
        }

        CutIntoFragments(watcher, run, revision);
        bool taken = watcher.Stream.TryOffer(_parts);
        _parts.Clear();
        return taken;
    }

    /// <summary>As many events per fragment as stay below the limit, at least one.</summary>
    private void CutIntoFragments(Watcher watcher, EventRun run, long revision)
    {
        int first = 0;
        int size = 0;
        for (int i = 0; i < run.Events.Length; i++)
        {
            int next = EventRun.SizeInResponse(run.Events[i], run.WithPrevious);
            if (i > first && size + next + WatchBatch.OverheadBytes >= _options.FragmentBytesMax)
            {
                _parts.Add(new WatchBatch(watcher.Id, revision, run, first, i - first, size, isFragment: true));
                first = i;
                size = 0;
            }

            size += next;
        }

        _parts.Add(new WatchBatch(watcher.Id, revision, run, first, run.Events.Length - first, size, isFragment: false));
    }

    private void Block(Watcher watcher)
    {
        watcher.State = WatcherState.Blocked;
        watcher.Stream.Blocked.Add(watcher);
        _blockedCount++;
    }
}
