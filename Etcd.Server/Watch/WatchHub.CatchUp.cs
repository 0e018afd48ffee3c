using System.Runtime.InteropServices;
using Etcd.Protocol.Errors;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Etcd.Server.Storage.Disk;

namespace Etcd.Server.Watch;

/// <content>
/// Catch-up. Those that lag form a queue. Each slice is read for the first of them and serves everyone else who needs the
/// same revisions; who then still lags goes to the end. So a watcher that is far behind delays nobody for longer than one
/// slice, and a thousand that are equally far behind cost one read. A stream gets a share at a time, and the next when its client has
/// taken that; its watchers keep their places in the queue meanwhile. While others write, it rests in between for as long as the
/// share took, because what reading and sending the past takes of the processors is missed by those who write.
/// </content>
public sealed partial class WatchHub
{
    private readonly List<StoreEvent> _read = [];
    private readonly List<WatchEvent> _readRing = [];
    private readonly List<Watcher> _cohort = [];
    private readonly PriorityQueue<WatchStream, long> _resting = new();

    // Whether one of those that lag may have a stream that takes something.
    private bool _mayServe;

    private void Wait(Watcher watcher)
    {
        _mayServe = true;
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
    /// <returns>Whether someone is left who lags and whose stream takes something.</returns>
    private bool CatchUpSlice()
    {
        if (FirstToServe() is not { } first)
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
        return FirstToServe() is not null;
    }

    private Watcher? FirstToServe()
    {
        if (!_mayServe)
        {
            return null;
        }

        foreach (Watcher watcher in _turns)
        {
            if (!watcher.Stream.HasItsShare)
            {
                return watcher;
            }
        }

        _mayServe = false;
        return null;
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
        if (_hits.Count > 0)
        {
            Collect(new WatchEvent(e));
        }
    }

    private void ServeCohort(long from, long next)
    {
        Invariant.Check(next > from, "a read of history moves on");
        foreach (Watcher watcher in _turns)
        {
            if (watcher.MinRevision >= from && watcher.MinRevision < next && !watcher.Stream.HasItsShare)
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
        if (interest.Matched.Count > 0 && (watcher.Stream.HasItsShare || !Give(watcher, interest, _revision)))
        {
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

    /// <summary>Queues a response of the past.</summary>
    /// <returns>False if the stream has its share, or is full: it is served again when it has taken that.</returns>
    private bool OfferPast(WatchStream stream, List<WatchBatch> parts)
    {
        if (!stream.TryOfferPast(parts, _options.CatchUpShareBytes))
        {
            stream.HasItsShare = true;
            return false;
        }

        if (stream.ShareBegan is null)
        {
            stream.ShareBegan = _time.GetTimestamp();
            stream.ShareRevision = _revision;
        }

        return true;
    }

    /// <summary>The client has taken a stream's share: it gets the next one, after a rest if somebody wrote meanwhile.</summary>
    private void EndShare(WatchStream stream)
    {
        if (!stream.HasItsShare)
        {
            return;
        }

        long now = _time.GetTimestamp();
        TimeSpan rest = _history.CurrentRevision > stream.ShareRevision && stream.ShareBegan is { } began
            ? _time.GetElapsedTime(began, now)
            : TimeSpan.Zero;
        stream.ShareBegan = null;
        if (rest <= TimeSpan.Zero)
        {
            ServeAgain(stream);
            return;
        }

        rest = rest < _options.CatchUpRestMax ? rest : _options.CatchUpRestMax;
        _resting.Enqueue(stream, now + (long)(rest.TotalSeconds * _time.TimestampFrequency));
    }

    private void ServeAgain(WatchStream stream)
    {
        stream.HasItsShare = false;
        _mayServe = true;
    }

    /// <summary>Ends the rests that are over.</summary>
    /// <returns>How long the next one lasts.</returns>
    private TimeSpan EndRests()
    {
        while (_resting.TryPeek(out WatchStream? stream, out long due))
        {
            long now = _time.GetTimestamp();
            if (due > now)
            {
                // Whole milliseconds, as threads sleep.
                return TimeSpan.FromMilliseconds(Math.Ceiling(_time.GetElapsedTime(now, due).TotalMilliseconds));
            }

            _resting.Dequeue();
            ServeAgain(stream);
        }

        return Timeout.InfiniteTimeSpan;
    }
}
