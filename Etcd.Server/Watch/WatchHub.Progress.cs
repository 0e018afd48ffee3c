namespace Etcd.Server.Watch;

/// <content>
/// How far idle watches have come. A progress revision is the hub's own revision, and is sent only for synced watchers,
/// through the queue that holds their events: so it is never ahead of events that are still to come (etcd issue 15220),
/// and never sent for a future revision (20221).
/// </content>
public sealed partial class WatchHub
{
    private readonly SortedSet<WatchStream> _progressTimers = new(Comparer<WatchStream>.Create(CompareByDueTime));

    private void ReportProgress(WatchStream stream)
    {
        bool everyWatchIsThere = stream.Watchers.Count > 0 && stream.Watchers.Values.All(IsThere);
        if (!everyWatchIsThere
            || !stream.TryOffer(new WatchBatch(NoWatchId, _revision) { AnswersRequest = true }))
        {
            stream.DropAnswer();
        }
    }

    private bool IsThere(Watcher watcher) => watcher.State == WatcherState.Synced && _revision >= watcher.StartRevision;

    private void StartProgressTimer(WatchStream stream)
    {
        stream.ProgressWatchers++;
        if (stream.ProgressDueAt is null)
        {
            ScheduleNextBeat(stream, _time.GetTimestamp());
        }
    }

    private void StopProgressTimer(WatchStream stream)
    {
        if (stream.ProgressDueAt is not null)
        {
            _progressTimers.Remove(stream);
            stream.ProgressDueAt = null;
        }
    }

    /// <summary>The beat is the stream's, counted from its opening, as in etcd; what was slept through is not made up for.</summary>
    private void ScheduleNextBeat(WatchStream stream, long now)
    {
        long beats = ((now - stream.OpenedAt) / stream.ProgressPeriod) + 1;
        stream.ProgressDueAt = stream.OpenedAt + (beats * stream.ProgressPeriod);
        _progressTimers.Add(stream);
    }

    private TimeSpan RunProgressTimers()
    {
        while (_progressTimers.Min is { } stream)
        {
            long now = _time.GetTimestamp();
            long due = stream.ProgressDueAt!.Value;
            if (due > now)
            {
                return _time.GetElapsedTime(now, due);
            }

            StopProgressTimer(stream);
            if (stream.ProgressWatchers > 0)
            {
                NotifyProgress(stream);
                ScheduleNextBeat(stream, now);
            }
        }

        return Timeout.InfiniteTimeSpan;
    }

    private static int CompareByDueTime(WatchStream? a, WatchStream? b)
    {
        int byTime = a!.ProgressDueAt!.Value.CompareTo(b!.ProgressDueAt!.Value);
        return byTime != 0 ? byTime : a.Ordinal.CompareTo(b.Ordinal);
    }

    private void NotifyProgress(WatchStream stream)
    {
        foreach (Watcher watcher in stream.Watchers.Values)
        {
            if (!watcher.ProgressNotify)
            {
                continue;
            }

            if (watcher.ProgressDue && IsThere(watcher))
            {
                stream.TryOffer(new WatchBatch(watcher.Id, _revision));
            }

            watcher.ProgressDue = true;
        }
    }

    /// <summary>The interval and up to a tenth more, so that streams that were opened together are not told together.</summary>
    private long NextProgressPeriod()
    {
        TimeSpan interval = _options.ProgressInterval < WatchHubOptions.ProgressIntervalMin
            ? WatchHubOptions.ProgressIntervalMin
            : _options.ProgressInterval;
        double jitter;
        lock (_random)
        {
            jitter = _random.NextDouble();
        }

        return (long)(interval.TotalSeconds * (1 + (jitter / 10)) * _time.TimestampFrequency);
    }
}
