namespace Etcd.Client;

/// <summary>
/// The token that calls carry: none, one that never changes, or one that is asked for before the first call and again whenever a
/// member has refused the last one. Many calls that need a new one at the same time wait for the same. Safe for concurrent use.
/// </summary>
/// <param name="fixedHeaders">The headers where the token never changes, else null.</param>
/// <param name="ask">Gets a token; null for none, where the cluster does not ask for one.</param>
internal sealed class TokenSource(CallHeaders? fixedHeaders, Func<CancellationToken, ValueTask<string?>>? ask) : IDisposable
{
    private readonly SemaphoreSlim _asking = new(1);
    private CallHeaders? _current = fixedHeaders;

    /// <summary>Whether a refused token can be replaced by a new one.</summary>
    public bool CanRenew => ask is not null;

    /// <summary>The headers, where they are known.</summary>
    public CallHeaders? Current => Volatile.Read(ref _current);

    /// <summary>The headers, asked for where they are not known.</summary>
    public async ValueTask<CallHeaders> GetAsync(CancellationToken cancellation)
    {
        if (Current is { } known)
            return known;
        await _asking.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (Current is { } meanwhile)
                return meanwhile;
            var fresh = new CallHeaders(await ask!(cancellation).ConfigureAwait(false));
            Volatile.Write(ref _current, fresh);
            return fresh;
        }
        finally
        {
            _asking.Release();
        }
    }

    /// <summary>A member has refused these headers. Without effect where newer ones are known.</summary>
    public void Refused(CallHeaders headers)
    {
        if (CanRenew)
            Interlocked.CompareExchange(ref _current, null, headers);
    }

    public void Dispose() => _asking.Dispose();
}
