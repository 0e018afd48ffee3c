namespace Etcd.Client;

/// <summary>Work that a session's end, a timeout and the caller's token end.</summary>
internal static class SessionCalls
{
    /// <summary>Does the work.</summary>
    /// <returns>What the work gave; null where the time was over.</returns>
    /// <exception cref="EtcdSessionLostException">The session is lost.</exception>
    /// <exception cref="OperationCanceledException">The caller's token was cancelled.</exception>
    public static async ValueTask<T?> RunAsync<T>(
        EtcdSession session, TimeSpan timeout, Func<CancellationToken, ValueTask<T?>> work, CancellationToken cancellation)
        where T : class
    {
        if (timeout < TimeSpan.Zero && timeout != Timeout.InfiniteTimeSpan)
            throw new ArgumentOutOfRangeException(nameof(timeout), timeout, "The timeout must not be negative, unless it is infinite.");
        cancellation.ThrowIfCancellationRequested();
        ThrowIfLost(session);
        using var limit = new CancellationTokenSource(timeout == TimeSpan.Zero ? Timeout.InfiniteTimeSpan : timeout, session.Time);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation, session.LostToken, limit.Token);
        try
        {
            return await work(ending.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (ending.IsCancellationRequested)
        {
            if (cancellation.IsCancellationRequested)
                throw new OperationCanceledException(e.Message, e, cancellation);
            ThrowIfLost(session);
            return null;
        }
        catch (EtcdLeaseNotFoundException)
        {
            // The server knows earlier than the renewals.
            throw new EtcdSessionLostException(session.LeaseId);
        }
    }

    private static void ThrowIfLost(EtcdSession session)
    {
        if (session.LostToken.IsCancellationRequested || session.IsLost)
            throw new EtcdSessionLostException(session.LeaseId);
    }
}
