using System.Runtime.InteropServices;
using Etcd.Protocol.Errors;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Etcd.Server.Storage.Disk;

namespace Etcd.Server.Watch;

/// <content>
/// Catch-up. Those that lag form a queue. Each slice is read for the first of them and serves everyone else who needs the
/// same revisions; who then still lags goes to the end. So a watcher that is far behind delays nobody for longer than one
/// slice, and a thousand that are equally far behind cost one read.
/// </content>
public sealed partial class WatchHub
{
    private readonly List<StoreEvent> _read = [];
    private readonly List<WatchEvent> _readRing = [];
    private readonly List<Watcher> _cohort = [];

    private void Wait(Watcher watcher)
    {
        watcher.State = WatcherState.Lagging;
        watcher.Turn = _turns.AddLast(watcher);
        _behind.Add(watcher);
    }

    private void StopWaiting(Watcher watcher)
    {
        _turns.Remove(watcher.Turn!);
        watcher.Turn = null;
        _behind.Remove(watcher);
    }

    /// <summary>Serves those who lag with one slice of history.</summary>
    /// <returns>Whether someone still lags.</returns>
    private bool CatchUpSlice()
    {
        if (_turns.First is not { Value: Watcher first })
        {
            return false;
        }

        long from = first.MinRevision;
        if (from > _revision)
        {
            Synchronize(first);
        }
        else
        {
            ReadFor(first, from);
        }

        EndStep();
        return _turns.Count > 0;
    }

    private void ReadFor(Watcher first, long from)
    {
        try
        {
            if (from >= _history.CompactRevision && MatchHistory(from, out long next))
            {
                ServeCohort(from, next);
                return;
            }
        }
        catch (StoreException)
        {
            _read.Clear();
            StopWaiting(first);
            EndAsDamaged(first);
            return;
        }

        StopWaiting(first);
        EndAsCompacted(first);
    }

    /// <summary>Matches a slice of history, from the ring if that holds it, with those who lag.</summary>
    /// <returns>False if the slice is compacted.</returns>
    private bool MatchHistory(long from, out long next)
    {
        if (from >= _ring.FirstRevision)
        {
            next = _ring.Read(from, _revision + 1, _options.CatchUpEventsMax, _readRing);
            _readRing.ForEach(e => Match(e, _behind));
            _readRing.Clear();
            return true;
        }

        EventReadStatus status = _history.ReadEvents(from, _options.CatchUpEventsMax, _read, out next);
        // The store may be ahead of the hub; who went along would get progress that lies before its events.
        next = Math.Min(next, _revision + 1);
        foreach (ref readonly StoreEvent e in CollectionsMarshal.AsSpan(_read))
        {
            if (e.Revision.Main < next)
            {
                MatchRead(e);
            }
        }

        _read.Clear();
        return status == EventReadStatus.Ok;
    }

    private void MatchRead(in StoreEvent e)
    {
        _behind.Match(e.Key.Span, _hits);
        bool wanted = _hits.Count > 0;
        _hits.Clear();
        if (wanted)
        {
            Match(new WatchEvent(e), _behind);
        }
    }

    private void ServeCohort(long from, long next)
    {
        Invariant.Check(next > from, "a read of history moves on");
        foreach (Watcher watcher in _turns)
        {
            if (watcher.MinRevision >= from && watcher.MinRevision < next)
            {
                _cohort.Add(watcher);
                if (_cohort.Count == _options.CatchUpWatchersMax)
                {
                    break;
                }
            }
        }

        // In the order of their turns: who did not get into a full queue this time is first the next time.
        foreach (Watcher watcher in _cohort)
        {
            try
            {
                Serve(watcher, next);
            }
            catch (StoreException)
            {
                StopWaiting(watcher);
                EndAsDamaged(watcher);
            }
        }

        _cohort.Clear();
    }

    private void Serve(Watcher watcher, long next)
    {
        Interest interest = watcher.Interest!;
        if (interest.Matched.Count > 0 && !Give(watcher, interest, _revision))
        {
            StopWaiting(watcher);
            Block(watcher);
            return;
        }

        watcher.MinRevision = next;
        if (next > _revision)
        {
            Synchronize(watcher);
        }
        else
        {
            _turns.Remove(watcher.Turn!);
            _turns.AddLast(watcher.Turn!);
        }
    }

    private void Synchronize(Watcher watcher)
    {
        StopWaiting(watcher);
        EnterSynced(watcher);
    }

    private void EnterSynced(Watcher watcher)
    {
        watcher.State = WatcherState.Synced;
        _synced.Add(watcher);
    }

    /// <summary>What it needs cannot be read: a gap without a word would be worse than an end.</summary>
    private static void EndAsDamaged(Watcher watcher)
    {
        watcher.State = WatcherState.Compacted;
        watcher.Stream.Answer(new WatchBatch(watcher.Id, revision: 0)
        {
            Canceled = true,
            CancelReason = EtcdErrors.Corrupt.Text,
        });
    }

    private void EndAsCompacted(Watcher watcher)
    {
        watcher.State = WatcherState.Compacted;
        watcher.Stream.Answer(new WatchBatch(watcher.Id, revision: 0)
        {
            Canceled = true,
            CompactRevision = _history.CompactRevision,
        });
    }
}
