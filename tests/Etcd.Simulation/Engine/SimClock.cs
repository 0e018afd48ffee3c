namespace Etcd.Simulation.Engine;

/// <summary>
/// The clock of one machine: it runs a little fast or slow, its date may be set forward and back, and its steady time may
/// jump forward, as after a machine was suspended. Steady time never goes back: the platform promises that.
/// </summary>
internal sealed class SimClock(Scheduler scheduler) : TimeProvider
{
    private const long Million = 1_000_000;
    private static readonly DateTimeOffset Epoch = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private long _ratePpm = Million;
    private long _sinceReal;
    private long _sinceLocal;
    private long _dateOffset;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override long GetTimestamp() => LocalAt(scheduler.Now);

    public override DateTimeOffset GetUtcNow() => Epoch.AddTicks(GetTimestamp() + _dateOffset);

    /// <summary>From now on the clock runs at this rate; one million is right.</summary>
    public void SetRate(long ppm)
    {
        _sinceLocal = GetTimestamp();
        _sinceReal = scheduler.Now;
        _ratePpm = ppm;
    }

    /// <summary>The date is set.</summary>
    public void JumpDate(long ticks) => _dateOffset += ticks;

    /// <summary>Steady time is suddenly later.</summary>
    public void JumpSteady(long ticks) => _sinceLocal += ticks;

    /// <summary>How long a while of this clock really lasts, at least a tick.</summary>
    public long ToReal(long local) => Math.Max(1, (long)((Int128)local * Million / _ratePpm));

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new SimTimer(this, scheduler, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private long LocalAt(long real) => _sinceLocal + (long)((Int128)(real - _sinceReal) * _ratePpm / Million);

    private sealed class SimTimer(SimClock clock, Scheduler scheduler, TimerCallback callback, object? state) : ITimer
    {
        private int _version;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            int version = ++_version;
            if (dueTime != Timeout.InfiniteTimeSpan)
            {
                Schedule(version, dueTime.Ticks, period);
            }

            return true;
        }

        public void Dispose() => _version++;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Schedule(int version, long due, TimeSpan period) => scheduler.After(clock.ToReal(due), () =>
        {
            if (version != _version)
            {
                return;
            }

            if (period > TimeSpan.Zero)
            {
                Schedule(version, period.Ticks, period);
            }

            callback(state);
        });
    }
}
