namespace Etcd.Client;

/// <summary>
/// Locks of which a session may have several: each has a key of its own below a folder. Safe for concurrent use.
/// </summary>
/// <param name="session">Who locks.</param>
/// <param name="folder">Where the keys are, without a slash at the end.</param>
/// <param name="line">For whom they wait.</param>
internal sealed class SharedLine(EtcdSession session, EtcdKey folder, Line line)
{
    /// <summary>Takes the lock; null where the time was over.</summary>
    public ValueTask<EtcdLock?> TakeAsync(TimeSpan timeout, CancellationToken cancellation) =>
        SessionCalls.RunAsync(session, timeout, token => TakeAsync(wait: timeout != TimeSpan.Zero, token), cancellation);

    private async ValueTask<EtcdLock?> TakeAsync(bool wait, CancellationToken cancellation)
    {
        EtcdKey key = UniqueKeys.Below(folder, session.Time);
        var own = new LineKey(session, key, null);
        try
        {
            LineLook look = await own.CreateAsync(EtcdCompare.NotExists(key), default, line.Look(), cancellation).ConfigureAwait(false);
            if (line.IsFront(look.Others, own.Revision))
                return new EtcdLock(session, own);
            if (wait)
            {
                await line.WaitAsync(own.Revision, cancellation).ConfigureAwait(false);
                await own.RequireAsync(cancellation).ConfigureAwait(false);
                return new EtcdLock(session, own);
            }
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
