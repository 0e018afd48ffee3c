using System.Globalization;

namespace Etcd.Client;

/// <summary>
/// A lock that one holder has at a time, in the whole cluster; first come, first served. It excludes Go's concurrency.Mutex and
/// <c>etcdctl lock</c> of the same name, and other callers with the same session. Safe for concurrent use.
/// </summary>
/// <remarks>
/// The holder's key is <c>name/</c> with the lease's id behind it, in hexadecimal. The lock lasts as long as its session, which renews
/// its lease: a lock never rests on a lease that nobody renews.
/// </remarks>
/// <example>
/// <code>
/// await using EtcdSession session = await client.Leases.CreateSessionAsync(TimeSpan.FromSeconds(10));
/// var mutex = new EtcdMutex(session, "locks/report");
/// await using EtcdLock held = await mutex.LockAsync();
/// await WriteReportAsync(held.LostToken);
/// </code>
/// </example>
public sealed class EtcdMutex
{
    private readonly EtcdSession _session;
    private readonly EtcdKey _key;
    private readonly EtcdRange _range;
    private readonly Line _line;

    /// <summary>Names a lock.</summary>
    /// <param name="session">Who locks; its end releases the lock.</param>
    /// <param name="name">The lock's name, in the namespace of the session's client.</param>
    public EtcdMutex(EtcdSession session, EtcdKey name)
    {
        ArgumentNullException.ThrowIfNull(session);
        _session = session;
        _key = KeyOf(session, name);
        _range = EtcdRange.Prefix(name.Append("/"));
        _line = new Line(session.Client, _range);
    }

    /// <summary>Waits until the lock is free, and takes it.</summary>
    /// <exception cref="EtcdSessionLostException">The session was lost before.</exception>
    public async ValueTask<EtcdLock> LockAsync(CancellationToken cancellationToken = default) =>
        (await TryLockAsync(Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(false))!;

    /// <summary>Takes the lock if it is free, or becomes free in time.</summary>
    /// <param name="timeout">How long to wait; not at all by default.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Null where somebody else has it.</returns>
    /// <exception cref="EtcdSessionLostException">The session was lost before.</exception>
    public ValueTask<EtcdLock?> TryLockAsync(TimeSpan timeout = default, CancellationToken cancellationToken = default) =>
        SessionCalls.RunAsync<EtcdLock>(_session, timeout, timeout == TimeSpan.Zero ? TakeAsync : WaitAsync, cancellationToken);

    internal static EtcdKey KeyOf(EtcdSession session, EtcdKey name) =>
        name.Append("/" + session.LeaseId.Value.ToString("x", CultureInfo.InvariantCulture));

    private async ValueTask<EtcdLock?> WaitAsync(CancellationToken cancellation)
    {
        var own = new LineKey(_session, _key, await _session.EnterAsync(_key, cancellation).ConfigureAwait(false));
        try
        {
            LineLook look = await own.CreateAsync(EtcdCompare.NotExists(_key), default, _line.Look(), cancellation).ConfigureAwait(false);
            if (!_line.IsFront(look.Others, own.Revision))
            {
                await _line.WaitAsync(own.Revision, cancellation).ConfigureAwait(false);
                await own.RequireAsync(cancellation).ConfigureAwait(false);
            }

            return new EtcdLock(_session, own);
        }
        catch
        {
            await own.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    // Only if there is no line at all, so that a try never makes others wait.
    private async ValueTask<EtcdLock?> TakeAsync(CancellationToken cancellation)
    {
        if (_session.TryEnter(_key) is not { } hold)
            return null;
        var own = new LineKey(_session, _key, hold);
        try
        {
            EtcdCompare nobody = EtcdCompare.CreateRevision(_range).EqualTo(0);
            LineLook look = await own.CreateAsync(nobody, default, _line.Look(), cancellation).ConfigureAwait(false);
            if (own.Revision != 0 && _line.IsFront(look.Others, own.Revision))
                return new EtcdLock(_session, own);
        }
        catch
        {
            await own.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        await own.DisposeAsync().ConfigureAwait(false);
        return null;
    }
}
