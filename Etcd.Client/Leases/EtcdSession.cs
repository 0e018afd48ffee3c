using Microsoft.Extensions.Logging;

namespace Etcd.Client;

/// <summary>
/// A lease that is kept alive for as long as the session lasts. What belongs to the session, such as a lock, must be given up when
/// <see cref="LostToken"/> fires. The disposal revokes the lease, which deletes its keys. Safe for concurrent use.
/// </summary>
/// <example>
/// <code>
/// await using EtcdSession session = await client.Leases.CreateSessionAsync(TimeSpan.FromSeconds(10));
/// await client.Kv.PutAsync("workers/1", "here", new EtcdPutOptions { Lease = session.LeaseId });
/// await WorkAsync(session.LostToken);   // the key is gone soon after the token has fired
/// </code>
/// </example>
public sealed class EtcdSession : IAsyncDisposable
{
    private readonly EtcdConnection _connection;
    private readonly EtcdLeaseKeeper _keeper;
    private readonly LeaseClient _leases;
    private readonly EtcdKey _prefix;
    private int _ended;

    internal EtcdSession(EtcdConnection connection, LeaseClient leases, EtcdLeaseKeeper keeper, IEtcdClient client, EtcdKey prefix)
    {
        _connection = connection;
        _leases = leases;
        _keeper = keeper;
        _prefix = prefix;
        Client = client;
    }

    /// <summary>The client that the session belongs to, with its namespace. The session does not own it.</summary>
    public IEtcdClient Client { get; }

    /// <summary>The lease: give it to <see cref="EtcdPutOptions.Lease"/>.</summary>
    public EtcdLeaseId LeaseId => _keeper.LeaseId;

    /// <summary>The time to live that the server gave last.</summary>
    public TimeSpan TimeToLive => _keeper.TimeToLive;

    /// <summary>How long the session lasts for certain by this machine's clock, even if no renewal succeeds.</summary>
    public TimeSpan Remaining => _keeper.Remaining;

    /// <summary>Whether the lease may have ended.</summary>
    public bool IsLost => _keeper.IsLost;

    /// <summary>
    /// Fires when the session is over: before the lease can have ended by this machine's clock, at once when a server says that
    /// there is no such lease, and at the disposal. After <see cref="Orphan"/> it fires when the lease's time has passed.
    /// </summary>
    public CancellationToken LostToken => _keeper.LostToken;

    internal TimeProvider Time => _connection.Time;

    internal EtcdRetryOptions Retry => _connection.Options.Retry;

    internal ILogger Log => _connection.Log;

    /// <summary>Ends the renewals and leaves the lease to end by itself, or to another session that resumes it.</summary>
    public void Orphan()
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0)
            _connection.Leases.StopRenewing(_keeper);
    }

    /// <summary>
    /// Revokes the lease. Does not throw: a lease that cannot be revoked ends by itself, as the renewals have ended.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0)
            return;
        TimeSpan left = _keeper.Remaining;
        await _keeper.DisposeAsync().ConfigureAwait(false);
        _keeper.Lose();
        // A lease that has run out needs no revoke, and one that runs out soon not a long one.
        if (left <= TimeSpan.Zero || _connection.IsDisposed)
            return;
        try
        {
            TimeSpan timeout = _connection.Options.Timeout is var most && (most == Timeout.InfiniteTimeSpan || most > left) ? left : most;
            await _leases.RevokeAsync(LeaseId, new EtcdCallOptions { Timeout = timeout }, CancellationToken.None).ConfigureAwait(false);
        }
        catch (EtcdLeaseNotFoundException)
        {
            // Somebody else was faster.
        }
        catch (Exception e) when (e is EtcdException or ObjectDisposedException)
        {
            ClientLog.RevokeFailed(_connection.Log, LeaseId, e);
        }
    }

    /// <summary>Waits until no other caller with this lease uses the key.</summary>
    internal ValueTask<IDisposable> EnterAsync(EtcdKey key, CancellationToken cancellation) =>
        _connection.LocalLocks.EnterAsync(LeaseId, _prefix.Append(key), cancellation);

    /// <summary>Takes the key where no other caller with this lease uses it; else null.</summary>
    internal IDisposable? TryEnter(EtcdKey key) => _connection.LocalLocks.TryEnter(LeaseId, _prefix.Append(key));
}
