using Etcd.Server.Primitives;

namespace Etcd.Server.Node.Compaction;

/// <summary>
/// Keeps the history of a period (--auto-compaction-mode=periodic), as etcd does it. The revision is noted ten times in a period, or
/// in an hour if the period is longer; nothing is compacted before a whole period was seen, and then at most once in a period or
/// an hour, up to the oldest note that is kept: that of a period ago, or of one note more.
/// <para>Example, two hours: a note every 6 minutes, 21 of them kept; first compaction after 2 hours, up to where it began; then every
/// hour, each up to what was current 2 hours and 6 minutes before.</para>
/// </summary>
public sealed class PeriodicSchedule : ICompactionSchedule
{
    /// <summary>Notes in a period.</summary>
    private const int NotesPerPeriod = 10;

    private static readonly TimeSpan IntervalMax = TimeSpan.FromHours(1);

    private readonly TimeProvider _clock;
    private readonly TimeSpan _period;
    private readonly int _notesMax;
    private readonly Queue<long> _notes = new();
    private TimeSpan _interval;
    private long _notedAt;
    private long _succeededAt;
    private long _compacted;
    private State _state = State.Fresh;

    /// <summary>A schedule that begins with the first look at it.</summary>
    /// <param name="period">How much history is kept; at least a microsecond.</param>
    /// <param name="clock">The time.</param>
    public PeriodicSchedule(TimeSpan period, TimeProvider clock)
    {
        _clock = clock;
        _period = period;
        _interval = period;
        RetryInterval = CompactInterval / NotesPerPeriod;
        Invariant.Check(RetryInterval > TimeSpan.Zero, "a period can be divided");
        _notesMax = (int)(period / RetryInterval) + 1;
    }

    private enum State
    {
        Fresh,
        Noting,
        Waiting,
        Compacting,
    }

    /// <inheritdoc/>
    public TimeSpan RetryInterval { get; }

    private TimeSpan CompactInterval => _period < IntervalMax ? _period : IntervalMax;

    /// <inheritdoc/>
    public long? Next(long revision, bool isPaused)
    {
        long now = _clock.GetTimestamp();
        switch (_state)
        {
            case State.Fresh:
                _succeededAt = now;
                Note(revision, now);
                return null;
            case State.Noting:
                Note(revision, now);
                return null;
            case State.Compacting:
                return null;
            default:
                return Decide(revision, isPaused, now);
        }
    }

    /// <inheritdoc/>
    public void Done(long revision, bool succeeded)
    {
        if (succeeded)
        {
            _compacted = revision;
            _succeededAt = _clock.GetTimestamp();
        }

        _state = State.Noting;
    }

    private long? Decide(long revision, bool isPaused, long now)
    {
        if (_clock.GetElapsedTime(_notedAt, now) < RetryInterval)
        {
            return null;
        }

        long oldest = _notes.Peek();
        if (isPaused || _clock.GetElapsedTime(_succeededAt, now) < _interval || oldest == _compacted)
        {
            Note(revision, now);
            return null;
        }

        // Only the first time a whole period is waited for.
        _interval = CompactInterval;
        _state = State.Compacting;
        return oldest;
    }

    private void Note(long revision, long now)
    {
        _notes.Enqueue(revision);
        if (_notes.Count > _notesMax)
        {
            _notes.Dequeue();
        }

        _notedAt = now;
        _state = State.Waiting;
    }
}
