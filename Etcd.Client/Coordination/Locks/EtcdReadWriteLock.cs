namespace Etcd.Client;

/// <summary>
/// A lock that many readers have at a time, or one writer; in the order in which they came, so that a writer is not passed over by
/// later readers. It excludes those of Go's recipe RWMutex of the same name. Safe for concurrent use.
/// </summary>
/// <remarks>The keys are <c>name/read/</c> and <c>name/write/</c> with a unique name behind it.</remarks>
/// <example>
/// <code>
/// var gate = new EtcdReadWriteLock(session, "locks/schema");
/// await using (EtcdLock reading = await gate.ReadLockAsync())
///     await UseSchemaAsync(reading.LostToken);
/// await using (EtcdLock writing = await gate.WriteLockAsync())
///     await ChangeSchemaAsync(writing.LostToken);
/// </code>
/// </example>
public sealed class EtcdReadWriteLock
{
    private readonly SharedLine _readers;
    private readonly SharedLine _writers;

    /// <summary>Names a lock.</summary>
    /// <param name="session">Who locks; its end releases the lock.</param>
    /// <param name="name">The lock's name, in the namespace of the session's client.</param>
    public EtcdReadWriteLock(EtcdSession session, EtcdKey name)
    {
        ArgumentNullException.ThrowIfNull(session);
        var writers = new Line(session.Client, EtcdRange.Prefix(name.Append("/write/")));
        var all = new Line(session.Client, EtcdRange.Prefix(name.Append("/")));
        _readers = new SharedLine(session, name.Append("/read"), writers);
        _writers = new SharedLine(session, name.Append("/write"), all);
    }

    /// <summary>Waits until no writer that came before has the lock, and takes it with other readers.</summary>
    /// <exception cref="EtcdSessionLostException">The session was lost before.</exception>
    public async ValueTask<EtcdLock> ReadLockAsync(CancellationToken cancellationToken = default) =>
        (await _readers.TakeAsync(Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(false))!;

    /// <summary>Takes the lock for reading if that is possible in time; by default without waiting.</summary>
    /// <returns>Null where a writer has it.</returns>
    /// <exception cref="EtcdSessionLostException">The session was lost before.</exception>
    public ValueTask<EtcdLock?> TryReadLockAsync(TimeSpan timeout = default, CancellationToken cancellationToken = default) =>
        _readers.TakeAsync(timeout, cancellationToken);

    /// <summary>Waits until nobody has the lock, and takes it alone.</summary>
    /// <exception cref="EtcdSessionLostException">The session was lost before.</exception>
    public async ValueTask<EtcdLock> WriteLockAsync(CancellationToken cancellationToken = default) =>
        (await _writers.TakeAsync(Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(false))!;

    /// <summary>Takes the lock for writing if that is possible in time; by default without waiting.</summary>
    /// <returns>Null where somebody has it.</returns>
    /// <exception cref="EtcdSessionLostException">The session was lost before.</exception>
    public ValueTask<EtcdLock?> TryWriteLockAsync(TimeSpan timeout = default, CancellationToken cancellationToken = default) =>
        _writers.TakeAsync(timeout, cancellationToken);
}
