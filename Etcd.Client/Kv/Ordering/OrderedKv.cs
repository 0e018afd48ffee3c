using System.Runtime.CompilerServices;

namespace Etcd.Client;

/// <summary>
/// See <see cref="EtcdOrderingExtensions.WithOrdering"/>. A read that is answered too early in history is asked again: calls go to the
/// endpoints in turn. Safe for concurrent use.
/// </summary>
internal sealed class OrderedKv(IEtcdKv kv, EtcdOrderingOptions options) : IEtcdKv
{
    private ulong _cluster;
    private long _seen;

    public async ValueTask<EtcdKeyValue?> GetAsync(EtcdKey key, EtcdGetOptions? get, CancellationToken cancellationToken)
    {
        // A key that does not exist comes without a revision, a range without keys does not.
        EtcdRangeResult result = await GetRangeAsync(EtcdRange.Single(key), RangeOf(get), cancellationToken).ConfigureAwait(false);
        return result.Items.Count == 0 ? null : result.Items[0];
    }

    public ValueTask<EtcdRangeResult> GetRangeAsync(EtcdRange range, EtcdRangeOptions? get, CancellationToken cancellationToken) => ReadAsync(
        serializable => kv.GetRangeAsync(range, serializable ? get : Linearizable(get), cancellationToken),
        static result => result.Header,
        get is { Serializable: true },
        get is { Revision: not 0 });

    public async ValueTask<long> CountAsync(EtcdRange range, EtcdGetOptions? get, CancellationToken cancellationToken) =>
        (await GetRangeAsync(range, RangeOf(get) with { CountOnly = true }, cancellationToken).ConfigureAwait(false)).Count;

    public async IAsyncEnumerable<EtcdPage> ListPagesAsync(
        EtcdRange range, EtcdListOptions? list, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // The first page decides about the revision of the others.
        IAsyncEnumerator<EtcdPage>? pages = null;
        try
        {
            bool any = await ReadAsync(BeginAsync, moved => moved ? HeaderOf(pages!.Current) : default, list is { Serializable: true }, list is { Revision: not 0 }).ConfigureAwait(false);
            while (any)
            {
                yield return pages!.Current;
                any = await pages.MoveNextAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            if (pages is not null)
                await pages.DisposeAsync().ConfigureAwait(false);
        }

        async ValueTask<bool> BeginAsync(bool serializable)
        {
            if (pages is not null)
                await pages.DisposeAsync().ConfigureAwait(false);
            EtcdListOptions? how = serializable || list is null ? list : list with { Serializable = false };
            pages = kv.ListPagesAsync(range, how, cancellationToken).GetAsyncEnumerator(cancellationToken);
            return await pages.MoveNextAsync().ConfigureAwait(false);
        }
    }

    public async ValueTask<EtcdPutResult> PutAsync(EtcdKey key, EtcdValue value, EtcdPutOptions? put, CancellationToken cancellationToken)
    {
        EtcdPutResult result = await kv.PutAsync(key, value, put, cancellationToken).ConfigureAwait(false);
        Note(result.Header);
        return result;
    }

    public async ValueTask<EtcdDeleteResult> DeleteAsync(EtcdRange range, EtcdDeleteOptions? delete, CancellationToken cancellationToken)
    {
        EtcdDeleteResult result = await kv.DeleteAsync(range, delete, cancellationToken).ConfigureAwait(false);
        Note(result.Header);
        return result;
    }

    public async ValueTask<EtcdTxnResult> CommitAsync(EtcdTxn transaction, EtcdCallOptions? call, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        if (transaction.OnlyReads)
        {
            return await ReadAsync(
                serializable => kv.CommitAsync(serializable ? transaction : transaction.Linearizable(), call, cancellationToken),
                static result => result.Header,
                isSerializable: true,
                isPinned: false).ConfigureAwait(false);
        }

        EtcdTxnResult written = await kv.CommitAsync(transaction, call, cancellationToken).ConfigureAwait(false);
        Note(written.Header);
        return written;
    }

    public async ValueTask<EtcdHeader> CompactAsync(long revision, EtcdCompactOptions? compact, CancellationToken cancellationToken)
    {
        EtcdHeader header = await kv.CompactAsync(revision, compact, cancellationToken).ConfigureAwait(false);
        Note(header);
        return header;
    }

    private static EtcdRangeOptions RangeOf(EtcdGetOptions? get) => get switch
    {
        null => new EtcdRangeOptions(),
        EtcdRangeOptions range => range,
        _ => new EtcdRangeOptions
        {
            Timeout = get.Timeout,
            RequireLeader = get.RequireLeader,
            Revision = get.Revision,
            Serializable = get.Serializable,
            KeysOnly = get.KeysOnly,
            MinModRevision = get.MinModRevision,
            MaxModRevision = get.MaxModRevision,
            MinCreateRevision = get.MinCreateRevision,
            MaxCreateRevision = get.MaxCreateRevision,
        },
    };

    private static EtcdRangeOptions? Linearizable(EtcdRangeOptions? get) => get is null ? null : get with { Serializable = false };

    private static EtcdHeader HeaderOf(EtcdPage page) => new(page.ClusterId, 0, page.Revision, 0);

    private async ValueTask<T> ReadAsync<T>(Func<bool, ValueTask<T>> read, Func<T, EtcdHeader> headerOf, bool isSerializable, bool isPinned)
    {
        // What others see while this read is under way may come before it or after it.
        long seen = Volatile.Read(ref _seen);
        for (int attempt = 1; ; attempt++)
        {
            bool last = attempt > options.MaxAttempts;
            T result = await read(isSerializable && !last).ConfigureAwait(false);
            EtcdHeader header = headerOf(result);
            if (isPinned)
                return result;
            Note(header);
            if (header.Revision >= seen)
                return result;
            if (!isSerializable || last)
                throw new EtcdBehindException(seen, header.Revision, isTransient: false);
            if (attempt == options.MaxAttempts && options.OnBehind == EtcdBehindPolicy.Throw)
                throw new EtcdBehindException(seen, header.Revision, isTransient: true);
        }
    }

    private void Note(EtcdHeader header)
    {
        ulong cluster = Interlocked.CompareExchange(ref _cluster, header.ClusterId, 0);
        if (cluster != 0 && header.ClusterId != 0 && cluster != header.ClusterId)
            throw new EtcdClusterChangedException(cluster, header.ClusterId, null);
        long seen = Volatile.Read(ref _seen);
        while (seen < header.Revision)
        {
            long found = Interlocked.CompareExchange(ref _seen, header.Revision, seen);
            if (found == seen)
                return;
            seen = found;
        }
    }
}
