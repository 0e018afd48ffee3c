namespace Etcd.Client;

/// <summary>
/// A key that a session has in a line, where the older one comes first. It is made at most once, however often the request is lost on
/// the way; and it is removed for certain: now, or as soon as the cluster can be reached, or with the session. For one caller
/// at a time.
/// </summary>
/// <param name="session">Whose lease it has.</param>
/// <param name="key">The key.</param>
/// <param name="hold">What keeps others of the session away; let go of when the key is gone.</param>
internal sealed class LineKey(EtcdSession session, EtcdKey key, IDisposable? hold) : IAsyncDisposable
{
    private readonly EtcdPutOptions _put = new() { Lease = session.LeaseId };
    private bool _mayExist;
    private int _removed;

    public EtcdKey Key => key;

    /// <summary>The revision that made it; 0 until that is known.</summary>
    public long Revision { get; private set; }

    /// <summary>That it is still there.</summary>
    public EtcdCompare Exists => EtcdCompare.CreateRevision(key).EqualTo(Revision);

    /// <summary>Makes the key, or finds it where the session has it already.</summary>
    /// <param name="condition">What must hold for the key to be made.</param>
    /// <param name="value">Its value.</param>
    /// <param name="look">What to read in the same transaction.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="EtcdException">The key is there without the session's lease.</exception>
    public async ValueTask<LineLook> CreateAsync(
        EtcdCompare condition, EtcdValue value, EtcdOp<EtcdRangeResult> look, CancellationToken cancellation)
    {
        EtcdOp<EtcdRangeResult> own = EtcdOp.Get(key);
        EtcdTxn transaction = new EtcdTxn().If(condition).Then(EtcdOp.Put(key, value, _put), look).Else(own, look);
        _mayExist = true;
        EtcdTxnResult result = await CommitAsync(transaction, cancellation).ConfigureAwait(false);
        EtcdKeyValue? found = result.Succeeded ? null : result.ResultOf(own).Items.SingleOrDefault();
        if (found is not null && found.Lease != session.LeaseId)
            throw new EtcdException("The key of the session is there already, and has another lease.");
        _mayExist = result.Succeeded || found is not null;
        Revision = result.Succeeded ? result.Revision : found?.CreateRevision ?? 0;
        return new LineLook(result.ResultOf(look), found);
    }

    /// <summary>Sees that the key was not lost while its session waited.</summary>
    /// <exception cref="EtcdSessionLostException">It was.</exception>
    public async ValueTask RequireAsync(CancellationToken cancellation)
    {
        EtcdKeyValue? own = await session.Client.Kv.GetAsync(
            key, new EtcdGetOptions { KeysOnly = true }, cancellation).ConfigureAwait(false);
        if (own is null || own.CreateRevision != Revision)
            throw new EtcdSessionLostException(session.LeaseId);
    }

    /// <summary>
    /// Commits a transaction that may be repeated: it finds out by itself that it was carried out already.
    /// </summary>
    public async ValueTask<EtcdTxnResult> CommitAsync(EtcdTxn transaction, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                return await session.Client.Kv.CommitAsync(transaction, null, cancellation).ConfigureAwait(false);
            }
            catch (EtcdException e) when (e.OutcomeUnknown)
            {
                cancellation.ThrowIfCancellationRequested();
            }
        }
    }

    /// <summary>Removes the key. Does not throw; where the cluster cannot be reached the removal goes on by itself.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _removed, 1) != 0)
            return;
        if (await TryRemoveAsync().ConfigureAwait(false))
            hold?.Dispose();
        else
            _ = RemoveLaterAsync();
    }

    private async Task RemoveLaterAsync()
    {
        ClientLog.ReleaseFailed(session.Log, session.LeaseId);
        var backoff = new Backoff(session.Retry, session.Time);
        do
        {
            await backoff.WaitAsync(session.LostToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        while (!await TryRemoveAsync().ConfigureAwait(false));
        hold?.Dispose();
    }

    /// <returns>Whether the key is gone, or goes with its lease.</returns>
    private async ValueTask<bool> TryRemoveAsync()
    {
        if (!_mayExist)
            return true;
        try
        {
            long revision = Revision != 0 ? Revision : await FindAsync().ConfigureAwait(false);
            // By its revision: a request that comes late must not remove a later key of this name.
            if (revision != 0)
                await CommitAsync(
                    new EtcdTxn().If(EtcdCompare.CreateRevision(key).EqualTo(revision)).Then(EtcdOp.Delete(key)),
                    session.LostToken).ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            return true;
        }
        catch (EtcdException)
        {
            return session.IsLost;
        }
    }

    private async ValueTask<long> FindAsync()
    {
        EtcdKeyValue? own = await session.Client.Kv.GetAsync(key, null, session.LostToken).ConfigureAwait(false);
        return own?.Lease == session.LeaseId ? own.CreateRevision : 0;
    }
}

/// <summary>What was found where a key was made.</summary>
/// <param name="Others">What was read in the same transaction.</param>
/// <param name="Found">The key, where the session had it before.</param>
internal readonly record struct LineLook(EtcdRangeResult Others, EtcdKeyValue? Found);
