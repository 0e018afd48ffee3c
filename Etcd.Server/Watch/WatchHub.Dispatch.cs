using System.Runtime.InteropServices;
using Etcd.Server.Storage;
using Etcd.Server.Storage.Disk;

namespace Etcd.Server.Watch;

/// <content>New events to synced watchers, and how any watcher is given events.</content>
public sealed partial class WatchHub
{
    private readonly List<WatchBatch> _parts = [];
    private int _blockedCount;

    private void Dispatch(CommittedBatch events)
    {
        foreach (List<StoreEvent> piece in events.Pieces)
        {
            foreach (ref readonly StoreEvent source in CollectionsMarshal.AsSpan(piece))
            {
                var e = new WatchEvent(source);
                _ring.Add(e);
                Match(e, _synced);
            }
        }

        foreach (Interest interest in _touched)
        {
            // From the end, because a group whose stream is full leaves the list.
            for (int i = interest.Groups.Count - 1; i >= 0; i--)
            {
                Give(interest.Groups[i], interest);
            }
        }

        EndStep();
    }

    /// <summary>Queues the matched events for the watchers of a group; whoever finds the stream full has to wait for room.</summary>
    private void Give(WatchGroup group, Interest interest)
    {
        if (group.MinRevisionMax > interest.Matched[0].Revision)
        {
            GiveEach(group, interest);
            return;
        }

        if (TryRunsFor(group.Form, interest) is not { } runs || runs.Exists(run => IsToBeCut(group.Form, run)))
        {
            GiveEach(group, interest);
            return;
        }

        foreach (EventRun run in runs)
        {
            int given = group.Stream.TryOffer(run, run.LastRevision, group.Ids);
            Statistics.AddEvents((long)given * run.Events.Length);
            NoteEvents(group, given);
            while (group.Watchers.Count > given)
            {
                Watcher watcher = group.Watchers[given];
                watcher.MinRevision = run.FirstRevision;
                _synced.Remove(watcher);
                Block(watcher);
            }

            if (given == 0)
            {
                return;
            }
        }
    }

    /// <summary>Those that had events are not told of progress as well.</summary>
    private static void NoteEvents(WatchGroup group, int given)
    {
        if (group.ProgressWatchers > 0)
        {
            for (int i = 0; i < given; i++)
            {
                group.Watchers[i].ProgressDue = false;
            }
        }
    }

    private void GiveEach(WatchGroup group, Interest interest)
    {
        for (int i = group.Watchers.Count - 1; i >= 0; i--)
        {
            Watcher watcher = group.Watchers[i];
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

    private void Match(WatchEvent e, WatcherIndex index)
    {
        index.Match(e.Key.Span, _hits);
        Collect(e);
    }

    private void Collect(WatchEvent e)
    {
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

    /// <summary>Null if a value before, which they want, is damaged.</summary>
    private List<EventRun>? TryRunsFor(in WatcherForm form, Interest interest)
    {
        try
        {
            return RunsFor(form, interest);
        }
        catch (StoreException)
        {
            return null;
        }
    }

    private List<EventRun> RunsFor(Watcher watcher, Interest interest) => watcher.MinRevision > interest.Matched[0].Revision
        ? BuildRuns(watcher.Form, interest, watcher.MinRevision)
        : RunsFor(watcher.Form, interest);

    private List<EventRun> RunsFor(in WatcherForm form, Interest interest)
    {
        List<EventRun>? shared = interest.SharedRuns(form);
        if (shared is null)
        {
            shared = BuildRuns(form, interest, minRevision: 0);
            interest.Share(form, shared);
        }

        return shared;
    }

    private List<EventRun> BuildRuns(in WatcherForm form, Interest interest, long minRevision)
    {
        var runs = new List<EventRun>(1);
        EventRun.Build(interest.Matched, minRevision, form.Filters, form.WithPrevious, _history, _options.ResponseBytesSoftMax, runs);
        return runs;
    }

    private bool IsToBeCut(in WatcherForm form, EventRun run) =>
        form.Fragment && run.Events.Length > 1 && run.EncodedSize + WatchBatch.OverheadBytes >= _options.FragmentBytesMax;

    private bool Offer(Watcher watcher, EventRun run, long revision)
    {
        if (IsToBeCut(watcher.Form, run))
        {
            CutIntoFragments(watcher, run, revision);
        }
        else
        {
            _parts.Add(new WatchBatch(watcher.Id, revision, run));
        }

        bool taken = watcher.State == WatcherState.Lagging
            ? OfferPast(watcher.Stream, _parts)
            : watcher.Stream.TryOffer(_parts);
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
