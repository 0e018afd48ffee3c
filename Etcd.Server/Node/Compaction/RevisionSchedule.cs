namespace Etcd.Server.Node.Compaction;

/// <summary>
/// Keeps a number of revisions (--auto-compaction-mode=revision): looks every five minutes, as etcd, and compacts what is
/// further back.
/// </summary>
/// <param name="retention">How many revisions are kept.</param>
/// <param name="clock">The time.</param>
public sealed class RevisionSchedule(long retention, TimeProvider clock) : ICompactionSchedule
{
    private long _waitsSince = clock.GetTimestamp();
    private long _compacted;
    private bool _isCompacting;

    /// <inheritdoc/>
    public TimeSpan RetryInterval { get; } = TimeSpan.FromMinutes(5);

    /// <inheritdoc/>
    public long? Next(long revision, bool isPaused)
    {
        long now = clock.GetTimestamp();
        if (_isCompacting || clock.GetElapsedTime(_waitsSince, now) < RetryInterval)
        {
            return null;
        }

        _waitsSince = now;
        long target = revision - retention;
        if (isPaused || target <= 0 || target == _compacted)
        {
            return null;
        }

        _isCompacting = true;
        return target;
    }

    /// <inheritdoc/>
    public void Done(long revision, bool succeeded)
    {
        _isCompacting = false;
        _compacted = succeeded ? revision : _compacted;
        _waitsSince = clock.GetTimestamp();
    }
}
