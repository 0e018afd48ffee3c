namespace Etcd.Server.Peer;

/// <summary>What the probes of one member have shown. Any thread.</summary>
internal sealed class ProbeStatistics
{
    /// <summary>A clock that differs by more is told to the operator: leases and certificates go by clocks.</summary>
    public static readonly TimeSpan ClockDifferenceMax = TimeSpan.FromSeconds(1);

    // The weight of the newest measurement, as TCP has it (RFC 6298).
    private const double Weight = 0.125;

    private readonly Lock _gate = new();
    private TimeSpan _roundTrip;
    private TimeSpan _clockDifference;
    private string? _error;
    private bool _any;

    /// <summary>The smoothed round trip.</summary>
    public TimeSpan RoundTrip
    {
        get
        {
            lock (_gate)
            {
                return _roundTrip;
            }
        }
    }

    /// <summary>How far this member's clock is ahead of the other one's, by the last probe.</summary>
    public TimeSpan ClockDifference
    {
        get
        {
            lock (_gate)
            {
                return _clockDifference;
            }
        }
    }

    /// <summary>Why the last probe failed; null if it did not.</summary>
    public string? Error
    {
        get
        {
            lock (_gate)
            {
                return _error;
            }
        }
    }

    /// <summary>The other member has answered.</summary>
    /// <param name="roundTrip">How long that took.</param>
    /// <param name="now">This member's time.</param>
    /// <param name="theirs">The time in the answer.</param>
    public void Record(TimeSpan roundTrip, DateTimeOffset now, DateTimeOffset theirs)
    {
        lock (_gate)
        {
            _roundTrip = _any ? (_roundTrip * (1 - Weight)) + (roundTrip * Weight) : roundTrip;
            _any = true;
            _clockDifference = now - theirs - (roundTrip / 2);
            _error = null;
        }
    }

    /// <summary>It has not.</summary>
    /// <param name="error">Why.</param>
    public void RecordFailure(string error)
    {
        lock (_gate)
        {
            _error = error;
        }
    }
}
