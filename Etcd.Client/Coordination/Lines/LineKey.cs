namespace Etcd.Client;

/// <summary>
/// A key that a session has in a line, where the older one comes first. It is made at most once, however often the request is lost on
/// the way; and it is removed for certain: now, or as soon as the cluster can be reached, or with the session. A request to make it whose
/// answer nobody heard may be carried out after that: for a while such a key is looked out for and removed, too. For one caller at a time.
/// </summary>
/// <param name="session">Whose lease it has.</param>
/// <param name="key">The key.</param>
/// <param name="hold">What keeps others of the session away; let go of when the key is gone.</param>
internal sealed class LineKey(EtcdSession session, EtcdKey key, IDisposable? hold) : IAsyncDisposable
{
    // Whoever lets go must not wait for a cluster that does not answer.
    private static readonly TimeSpan AtOnce = TimeSpan.FromSeconds(1);

    // No server keeps a request for longer.
    private static readonly TimeSpan LatestCreate = TimeSpan.FromMinutes(1);

    private readonly EtcdPutOptions _put = new() { Lease = session.LeaseId };
    private bool _wasUnknown;
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
        EtcdTxnResult result = await CommitCreateAsync(transaction, cancellation).ConfigureAwait(false);
        EtcdKeyValue? found = result.Succeeded ? null : result.ResultOf(own).Items.SingleOrDefault();
        if (found is not null && found.Lease != session.LeaseId)
            throw new EtcdException("The key of the session is there already, and has another lease.");
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

    /// <summary>
    /// Removes the key. Does not throw, and does not wait for long; where the cluster cannot be reached the removal goes on by itself.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _removed, 1) != 0)
            return;
        if (await TryRemoveAsync(AtOnce).ConfigureAwait(false))
            Removed();
        else
            _ = RemoveLaterAsync();
    }

    private async ValueTask<EtcdTxnResult> CommitCreateAsync(EtcdTxn create, CancellationToken cancellation)
    {
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                return await session.Client.Kv.CommitAsync(create, null, cancellation).ConfigureAwait(false);
            }
            catch (EtcdException e) when (e.OutcomeUnknown)
            {
                _wasUnknown = true;
            }
            catch (Exception e) when (e is not EtcdException)
            {
                _wasUnknown = true;
                throw;
            }
        }
    }

    private void Removed()
    {
        hold?.Dispose();
        if (_wasUnknown)
            _ = RemoveLateCreateAsync();
    }

    private async Task RemoveLaterAsync()
    {
        ClientLog.ReleaseFailed(session.Log, session.LeaseId);
        var backoff = new Backoff(session.Retry, session.Time);
        do
        {
            await backoff.WaitAsync(session.LostToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        while (!await TryRemoveAsync(null).ConfigureAwait(false));
        Removed();
    }

    /// <returns>Whether the key is gone, or goes with its lease.</returns>
    private async ValueTask<bool> TryRemoveAsync(TimeSpan? timeout)
    {
        if (Revision == 0 && !_wasUnknown)
            return true;
        try
        {
            if (Revision != 0)
                await RemoveAsync(Revision, timeout, session.LostToken).ConfigureAwait(false);
            else
                await FindAndRemoveAsync(timeout, session.LostToken).ConfigureAwait(false);
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

    private async Task RemoveLateCreateAsync()
    {
        try
        {
            using var limit = new CancellationTokenSource(LatestCreate, session.Time);
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, session.LostToken);
            var backoff = new Backoff(session.Retry, session.Time);
            while (true)
                await RemoveNextAsync(backoff, ending.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // None has come in time, or the session has ended and its keys with it.
        }
    }

    /// <summary>Removes what is there, and waits until the key is made again.</summary>
    private async ValueTask RemoveNextAsync(Backoff backoff, CancellationToken cancellation)
    {
        try
        {
            long seen = await RemoveUnownedAsync(cancellation).ConfigureAwait(false);
            var options = new EtcdWatchOptions { StartRevision = seen + 1, NoDeletes = true };
            await foreach (EtcdWatchBatch batch in session.Client.Watch.WatchAsync(
                EtcdRange.Single(key), options, cancellation).ConfigureAwait(false))
                if (batch.Events.Count != 0)
                    return;
        }
        catch (EtcdException)
        {
            await backoff.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    // While another caller of the session has its turn the key is that caller's, who found it or made it.
    private async ValueTask<long> RemoveUnownedAsync(CancellationToken cancellation)
    {
        using IDisposable turn = await session.EnterAsync(key, cancellation).ConfigureAwait(false);
        return await FindAndRemoveAsync(null, cancellation).ConfigureAwait(false);
    }

    /// <returns>The revision that was looked at.</returns>
    private async ValueTask<long> FindAndRemoveAsync(TimeSpan? timeout, CancellationToken cancellation)
    {
        // With its value: a server may leave out the lease where keys only are asked for.
        var options = new EtcdRangeOptions { Timeout = timeout };
        EtcdRangeResult found = await session.Client.Kv.GetRangeAsync(EtcdRange.Single(key), options, cancellation).ConfigureAwait(false);
        if (found.Items.SingleOrDefault() is { } own && own.Lease == session.LeaseId)
            await RemoveAsync(own.CreateRevision, timeout, cancellation).ConfigureAwait(false);
        return found.Header.Revision;
    }

    // By its revision: a request that comes late must not remove a later key of this name.
    private async ValueTask RemoveAsync(long revision, TimeSpan? timeout, CancellationToken cancellation) => await session.Client.Kv.CommitAsync(
        new EtcdTxn().If(EtcdCompare.CreateRevision(key).EqualTo(revision)).Then(EtcdOp.Delete(key)),
        new EtcdCallOptions { Timeout = timeout },
        cancellation).ConfigureAwait(false);
}

/// <summary>What was found where a key was made.</summary>
/// <param name="Others">What was read in the same transaction.</param>
/// <param name="Found">The key, where the session had it before.</param>
internal readonly record struct LineLook(EtcdRangeResult Others, EtcdKeyValue? Found);
