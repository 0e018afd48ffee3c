namespace Etcd.Client;

/// <summary>
/// A lock that a number of holders have at a time, in the whole cluster; first come, first served. All who use it must give the
/// same number. One session may hold it several times. Safe for concurrent use.
/// </summary>
/// <remarks>The keys are <c>name/</c> with a unique name behind it; the oldest are those of the holders.</remarks>
/// <example>
/// <code>
/// var downloads = new EtcdSemaphore(session, "downloads", 5);
/// await using EtcdLock one = await downloads.AcquireAsync();
/// await DownloadAsync(one.LostToken);
/// </code>
/// </example>
public sealed class EtcdSemaphore
{
    private readonly SharedLine _line;

    /// <summary>Names a semaphore.</summary>
    /// <param name="session">Who acquires; its end releases what it has.</param>
    /// <param name="name">The semaphore's name, in the namespace of the session's client.</param>
    /// <param name="places">How many holders there may be.</param>
    public EtcdSemaphore(EtcdSession session, EtcdKey name, int places)
    {
        ArgumentNullException.ThrowIfNull(session);
        ArgumentOutOfRangeException.ThrowIfLessThan(places, 1);
        Places = places;
        _line = new SharedLine(session, name, new Line(session.Client, EtcdRange.Prefix(name.Append("/")), places));
    }

    /// <summary>How many holders there may be.</summary>
    public int Places { get; }

    /// <summary>Waits for a free place, and takes it.</summary>
    /// <exception cref="EtcdSessionLostException">The session was lost before.</exception>
    public async ValueTask<EtcdLock> AcquireAsync(CancellationToken cancellationToken = default) =>
        (await _line.TakeAsync(Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(false))!;

    /// <summary>Takes a place if one is free, or becomes free in time; by default without waiting.</summary>
    /// <returns>Null where all are taken.</returns>
    /// <exception cref="EtcdSessionLostException">The session was lost before.</exception>
    public ValueTask<EtcdLock?> TryAcquireAsync(TimeSpan timeout = default, CancellationToken cancellationToken = default) =>
        _line.TakeAsync(timeout, cancellationToken);
}
