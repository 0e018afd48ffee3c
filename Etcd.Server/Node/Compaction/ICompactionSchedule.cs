namespace Etcd.Server.Node.Compaction;

/// <summary>
/// Decides when history is compacted without anybody asking, and up to where. A step machine: looked at now and then
/// (<see cref="Next"/>), it does nothing itself. Whoever carries out what it says tells it by <see cref="Done"/>; until then it
/// says nothing more. One thread at a time.
/// </summary>
public interface ICompactionSchedule
{
    /// <summary>How long a compaction that failed waits for the next attempt.</summary>
    TimeSpan RetryInterval { get; }

    /// <summary>A moment has passed.</summary>
    /// <param name="revision">The store's revision.</param>
    /// <param name="isPaused">Whether compacting is another member's matter now. It goes on to watch.</param>
    /// <returns>The revision to compact; null for none.</returns>
    long? Next(long revision, bool isPaused);

    /// <summary>A compaction that it asked for has ended.</summary>
    /// <param name="revision">The revision.</param>
    /// <param name="succeeded">Whether history is compacted so far now, or was before.</param>
    void Done(long revision, bool succeeded);
}
