using Etcd.Server.Primitives;

namespace Etcd.Server.Lease;

/// <content>What only the primary does: count time.</content>
public sealed partial class LeaseManager
{
    private readonly ExpiryHeap _heap = new();

    // All are due one interval after they came in, so the first is due first.
    private readonly Queue<(LeaseEntry Lease, long DueAt)> _checkpointsDue = new();
    private bool _isPrimary;
    private long _tickBegan;
    private int _revokesThisTick;

    /// <summary>Whether this member keeps the time of leases. Any thread.</summary>
    public bool IsPrimary => Volatile.Read(ref _isPrimary);

    /// <summary>
    /// This member is the leader and has applied the first entry of its term: it keeps the time of leases from now on. Every
    /// lease gets its whole time again (what is left of it was known to the old leader only), or what the last checkpoint
    /// says, and <paramref name="extend"/> more for the renewals that got lost during the election. If so many leases would
    /// end at once that their revokes pile up, they are spread, as in etcd.
    /// </summary>
    /// <param name="extend">The election timeout.</param>
    public void Promote(TimeSpan extend)
    {
        lock (_gate)
        {
            Volatile.Write(ref _isPrimary, true);
            LeaseEntry[] leases = [.. _leases.Values];
            foreach (LeaseEntry lease in leases)
            {
                lease.Expiry = ExpiryAfter(extend, lease.SecondsToRun);
                ScheduleCheckpoint(lease);
            }

            if (leases.Length >= RevokesPerSecond)
            {
                Spread(leases, extend);
            }

            _heap.Fill(leases);
        }
    }

    /// <summary>
    /// This member is not the leader, or not any more: no lease ends here, renewals go to the leader, and those who wait for
    /// the end of a lease are sent there too. Harmless if repeated.
    /// </summary>
    public void Demote()
    {
        List<LeaseEndWaiter> waiters = [];
        lock (_gate)
        {
            Volatile.Write(ref _isPrimary, false);
            _heap.Clear();
            _checkpointsDue.Clear();
            foreach (LeaseEntry lease in _leases.Values)
            {
                lease.Expiry = LeaseEntry.Never;
                lease.CheckpointAt = LeaseEntry.Never;
                if (TakeWaiters(lease) is { } ofLease)
                {
                    waiters.AddRange(ofLease);
                }
            }
        }

        waiters.ForEach(w => w.End(LeaseEnd.Demoted));
    }

    /// <summary>
    /// Begins a lease's time anew. Any thread; the caller has made sure of the leadership with a read index before, because
    /// a leader that was deposed without knowing must not tell a client that its lease lives on (etcd issue 15247).
    /// </summary>
    /// <param name="id">The lease.</param>
    /// <returns>The granted TTL, or why not.</returns>
    public LeaseRenewal Renew(LeaseId id)
    {
        lock (_gate)
        {
            if (!_isPrimary)
            {
                return new LeaseRenewal(LeaseStatus.NotPrimary, 0);
            }

            if (!_leases.TryGetValue(id, out LeaseEntry? lease))
            {
                return new LeaseRenewal(LeaseStatus.NotFound, 0);
            }

            // Its revoke may be in the log already: who was told "renewed" now would lose the lease nevertheless.
            if (lease.Expiry <= _time.GetTimestamp())
            {
                return new LeaseRenewal(LeaseStatus.ExpiredPending, 0);
            }

            StartTime(lease, lease.TtlSeconds);
            Figures.CountRenewal();
            return new LeaseRenewal(LeaseStatus.Ok, lease.TtlSeconds, lease.CheckpointSeconds > 0);
        }
    }

    /// <summary>
    /// Calls back once when the lease was revoked or this member stopped being primary; at once if either is so already. Any
    /// thread. The call comes from the thread that caused it and must return at once.
    /// </summary>
    /// <param name="id">The lease.</param>
    /// <param name="whenEnded">Is told what happened.</param>
    /// <returns>To be disposed by one who no longer wants the call.</returns>
    public IDisposable NotifyEnd(LeaseId id, Action<LeaseEnd> whenEnded)
    {
        LeaseEnd end;
        lock (_gate)
        {
            if (_isPrimary && _leases.TryGetValue(id, out LeaseEntry? lease))
            {
                var waiter = new LeaseEndWaiter(this, lease, whenEnded);
                (lease.Waiters ??= []).Add(waiter);
                return waiter;
            }

            end = _isPrimary ? LeaseEnd.Revoked : LeaseEnd.Demoted;
        }

        whenEnded(end);
        return NothingToDispose.Instance;
    }

    /// <summary>Whether <see cref="RunOnce(List{LeaseId}, List{LeaseRecord})"/> would say anything. Any thread.</summary>
    public bool HasDue
    {
        get
        {
            lock (_gate)
            {
                long now = _time.GetTimestamp();
                return _isPrimary
                    && (_heap.Earliest is { } lease && lease.DueAt <= now
                        || _checkpointsDue.TryPeek(out (LeaseEntry Lease, long DueAt) first) && first.DueAt <= now);
            }
        }
    }

    /// <summary>As <see cref="RunOnce(List{LeaseId})"/>, and says whose remaining time is to be noted in the log.</summary>
    /// <param name="expired">Receives the ids, the longest expired first.</param>
    /// <param name="checkpoints">Receives what is left of long leases that have run for a while.</param>
    /// <returns>When to call again; <see cref="Timeout.InfiniteTimeSpan"/> while this member is not primary.</returns>
    public TimeSpan RunOnce(List<LeaseId> expired, List<LeaseRecord> checkpoints)
    {
        lock (_gate)
        {
            TakeCheckpoints(checkpoints);
            return RunOnce(expired);
        }
    }

    /// <summary>
    /// Says which leases have expired and must be revoked through the log: each once, and again only if its revoke was not
    /// applied within the retry time; never more than the rate allows, however often this is called. The caller proposes
    /// them only after it has made sure of the leadership: one that was paused must not revoke what others renewed meanwhile.
    /// </summary>
    /// <param name="expired">Receives the ids, the longest expired first.</param>
    /// <returns>When to call again; <see cref="Timeout.InfiniteTimeSpan"/> while this member is not primary.</returns>
    public TimeSpan RunOnce(List<LeaseId> expired)
    {
        lock (_gate)
        {
            if (!_isPrimary)
            {
                return Timeout.InfiniteTimeSpan;
            }

            long now = _time.GetTimestamp();
            if (_time.GetElapsedTime(_tickBegan, now) >= _options.Tick)
            {
                _tickBegan = now;
                _revokesThisTick = 0;
            }

            long retryAt = now + Ticks(_options.RevokeRetry);
            while (_revokesThisTick < _options.RevokesPerTickMax && _heap.Earliest is { } lease && lease.DueAt <= now)
            {
                expired.Add(lease.Id);
                _heap.Set(lease, retryAt);
                _revokesThisTick++;
            }

            return _options.Tick;
        }
    }

    internal void Forget(LeaseEntry lease, LeaseEndWaiter waiter)
    {
        lock (_gate)
        {
            lease.Waiters?.Remove(waiter);
        }
    }

    private int RevokesPerSecond => (int)(_options.RevokesPerTickMax * TimeSpan.FromSeconds(1).Ticks / _options.Tick.Ticks);

    private static List<LeaseEndWaiter>? TakeWaiters(LeaseEntry lease)
    {
        List<LeaseEndWaiter>? waiters = lease.Waiters;
        lease.Waiters = null;
        return waiters;
    }

    private void StartTime(LeaseEntry lease, long seconds)
    {
        lease.Expiry = ExpiryAfter(TimeSpan.Zero, seconds);
        _heap.Set(lease, lease.Expiry);
        ScheduleCheckpoint(lease);
    }

    /// <summary>A lease with more left than the interval is looked at after it; a shorter one is not worth an entry.</summary>
    private void ScheduleCheckpoint(LeaseEntry lease)
    {
        if (lease.SecondsToRun <= (long)_options.CheckpointInterval.TotalSeconds)
        {
            return;
        }

        long now = _time.GetTimestamp();
        if (lease.CheckpointAt != LeaseEntry.Never && lease.CheckpointAt > now)
        {
            // It is in the queue already: a client that renews every second must not fill it.
            return;
        }

        lease.CheckpointAt = now + Ticks(_options.CheckpointInterval);
        _checkpointsDue.Enqueue((lease, lease.CheckpointAt));
    }

    private void TakeCheckpoints(List<LeaseRecord> into)
    {
        long now = _time.GetTimestamp();
        while (_isPrimary && into.Count < Limits.LeaseCheckpointsPerEntryMax
            && _checkpointsDue.TryPeek(out (LeaseEntry Lease, long DueAt) first) && first.DueAt <= now)
        {
            _checkpointsDue.Dequeue();
            LeaseEntry lease = first.Lease;
            bool isCurrent = lease.CheckpointAt == first.DueAt
                && _leases.TryGetValue(lease.Id, out LeaseEntry? there) && ReferenceEquals(there, lease);
            if (!isCurrent)
            {
                continue;
            }

            lease.CheckpointAt = LeaseEntry.Never;
            long remaining = (lease.Expiry - now + _time.TimestampFrequency - 1) / _time.TimestampFrequency;
            if (remaining > 0 && remaining < lease.TtlSeconds)
            {
                into.Add(new LeaseRecord(lease.Id, lease.TtlSeconds, remaining));
            }
            else if (remaining > 0)
            {
                // Renewed a moment ago.
                ScheduleCheckpoint(lease);
            }
        }
    }

    private long ExpiryAfter(TimeSpan extend, long seconds)
    {
        // The largest TTL in nanoseconds is just below what a long holds.
        Int128 expiry = (Int128)_time.GetTimestamp() + Ticks(extend) + ((Int128)seconds * _time.TimestampFrequency);
        return (long)Int128.Min(expiry, LeaseEntry.Never - 1);
    }

    /// <summary>
    /// Moves expiries so that within a second no more fall due than three quarters of what can be revoked, which leaves room
    /// for those that were spread before. A lease that comes too many moves by one second per full share of them that went
    /// before it in its window, less what it is behind the window's begin anyway.
    /// </summary>
    private void Spread(LeaseEntry[] leases, TimeSpan extend)
    {
        Array.Sort(leases, static (a, b) => a.Expiry != b.Expiry ? a.Expiry.CompareTo(b.Expiry) : a.Id.Value.CompareTo(b.Id.Value));
        int sharePerSecond = 3 * RevokesPerSecond / 4;
        long second = _time.TimestampFrequency;
        long windowBegin = leases[0].Expiry;
        long windowEnd = windowBegin + second;
        int inWindow = 0;
        foreach (LeaseEntry lease in leases)
        {
            if (lease.Expiry > windowEnd)
            {
                windowBegin = lease.Expiry;
                windowEnd = windowBegin + second;
                inWindow = 1;
                continue;
            }

            inWindow++;
            if (inWindow > sharePerSecond)
            {
                long delay = (long)((double)second * inWindow / sharePerSecond) - (lease.Expiry - windowBegin);
                windowEnd = windowBegin + delay;
                lease.Expiry = ExpiryAfter(extend + _time.GetElapsedTime(0, delay), lease.SecondsToRun);
            }
        }
    }

    private long Ticks(TimeSpan duration) => (long)(duration.TotalSeconds * _time.TimestampFrequency);

    private sealed class NothingToDispose : IDisposable
    {
        public static readonly NothingToDispose Instance = new();

        public void Dispose()
        {
        }
    }
}
