namespace Etcd.Client;

/// <summary>
/// A lock that is held, until the disposal or until its session is lost. Safe for concurrent use.
/// </summary>
/// <remarks>
/// What must not happen twice is best guarded by the store itself: put <see cref="StillHeld"/> among a transaction's conditions, or give
/// <see cref="FencingRevision"/> to whatever the lock protects, which refuses a lower one than it has seen. A token can only say
/// that the lock is lost, and the process that should hear it may be suspended at that moment.
/// </remarks>
public sealed class EtcdLock : IAsyncDisposable
{
    private readonly EtcdSession _session;
    private readonly LineKey _key;

    internal EtcdLock(EtcdSession session, LineKey key)
    {
        _session = session;
        _key = key;
    }

    /// <summary>The key that stands for the lock.</summary>
    public EtcdKey Key => _key.Key;

    /// <summary>A number that each later holder has a higher one of: the revision that made the key.</summary>
    public long FencingRevision => _key.Revision;

    /// <summary>The condition that the lock is still held, for transactions.</summary>
    /// <example>
    /// <code>
    /// EtcdTxnResult result = await client.Kv.CommitAsync(new EtcdTxn().If(held.StillHeld).Then(EtcdOp.Put("total", "7")));
    /// </code>
    /// </example>
    public EtcdCompare StillHeld => _key.Exists;

    /// <summary>Fires when the lock is lost: with its session, before anybody else can have it; see <see cref="EtcdSession.LostToken"/>.</summary>
    public CancellationToken LostToken => _session.LostToken;

    /// <summary>Whether the lock may be lost.</summary>
    public bool IsLost => _session.IsLost;

    /// <summary>
    /// Releases the lock. Does not throw: where the cluster cannot be reached the release is repeated, until it succeeds or the session
    /// has ended.
    /// </summary>
    public ValueTask DisposeAsync() => _key.DisposeAsync();
}
