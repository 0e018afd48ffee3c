namespace Etcd.Client;

/// <summary>
/// Leadership that was won, until the disposal or until its session is lost. Safe for concurrent use.
/// </summary>
/// <example>
/// <code>
/// await using EtcdLeadership leadership = await election.CampaignAsync("host-1", stopping);
/// await leadership.ProclaimAsync("host-1, ready", stopping);
/// while (!leadership.LostToken.IsCancellationRequested)
/// {
///     // What only the leader may write is guarded by the store: it may have lost without having heard of it.
///     EtcdTxn write = new EtcdTxn().If(leadership.StillHeld).Then(EtcdOp.Put("total", await CountAsync(leadership.LostToken)));
///     if (!(await client.Kv.CommitAsync(write, cancellationToken: leadership.LostToken)).Succeeded)
///         break;
/// }
/// </code>
/// </example>
public sealed class EtcdLeadership : IAsyncDisposable
{
    private readonly EtcdSession _session;
    private readonly LineKey _key;
    private readonly SemaphoreSlim _proclaiming = new(1);
    private long _modRevision;

    internal EtcdLeadership(EtcdSession session, LineKey key, long modRevision)
    {
        _session = session;
        _key = key;
        _modRevision = modRevision;
    }

    /// <summary>The leader's key.</summary>
    public EtcdKey Key => _key.Key;

    /// <summary>A number that each later leader has a higher one of: the revision that made the key.</summary>
    public long FencingRevision => _key.Revision;

    /// <summary>The condition that the leadership has not ended, for transactions.</summary>
    public EtcdCompare StillHeld => _key.Exists;

    /// <summary>Fires when the leadership is lost: with its session, before anybody else can lead; see <see cref="EtcdSession.LostToken"/>.</summary>
    public CancellationToken LostToken => _session.LostToken;

    /// <summary>Whether the leadership may be lost.</summary>
    public bool IsLost => _session.IsLost;

    /// <summary>How long the leadership lasts for certain, even if no renewal succeeds; see <see cref="EtcdSession.Remaining"/>.</summary>
    public TimeSpan Remaining => _session.Remaining;

    /// <summary>Says something new to those who observe, without another election.</summary>
    /// <exception cref="EtcdSessionLostException">The leadership has ended.</exception>
    public async ValueTask ProclaimAsync(EtcdValue value, CancellationToken cancellationToken = default)
    {
        await _proclaiming.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // An earlier word that was cancelled may have come through, and others may have written: their change is the one to follow then.
            while (!await TryProclaimAsync(value, cancellationToken).ConfigureAwait(false))
            {
            }
        }
        catch (EtcdLeaseNotFoundException)
        {
            throw new EtcdSessionLostException(_session.LeaseId);
        }
        finally
        {
            _proclaiming.Release();
        }
    }

    /// <returns>False where the key has changed since, and is still the leadership's.</returns>
    private async ValueTask<bool> TryProclaimAsync(EtcdValue value, CancellationToken cancellation)
    {
        // By the last change, so that an older word which comes late does not replace a newer one.
        EtcdOp<EtcdPutResult> put = EtcdOp.Put(Key, value, new EtcdPutOptions { Lease = _session.LeaseId });
        EtcdOp<EtcdRangeResult> own = EtcdOp.Get(Key);
        EtcdTxn transaction = new EtcdTxn().If(EtcdCompare.ModRevision(Key).EqualTo(_modRevision)).Then(put).Else(own);
        EtcdTxnResult result = await _key.CommitAsync(transaction, cancellation).ConfigureAwait(false);
        EtcdKeyValue? found = result.Succeeded ? null : result.ResultOf(own).Items.SingleOrDefault();
        if (!result.Succeeded && (found is null || found.CreateRevision != FencingRevision))
            throw new EtcdSessionLostException(_session.LeaseId);
        _modRevision = found?.ModRevision ?? result.Revision;
        return found is null || found.Value == value;
    }

    /// <summary>
    /// Resigns: the next candidate leads. Does not throw: where the cluster cannot be reached it is repeated, until it succeeds or the
    /// session has ended.
    /// </summary>
    public ValueTask DisposeAsync() => _key.DisposeAsync();
}
