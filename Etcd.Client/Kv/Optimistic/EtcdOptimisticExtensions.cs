namespace Etcd.Client;

/// <summary>
/// What Kubernetes does with etcd, and others that keep objects in it: changes on the condition that nobody else has changed the object, and
/// lists in parts. Each is the request that Go's kubernetes package sends.
/// </summary>
public static class EtcdOptimisticExtensions
{
    /// <summary>Writes a key if it was not changed since a revision.</summary>
    /// <param name="kv">Where.</param>
    /// <param name="key">The key.</param>
    /// <param name="value">Its new value.</param>
    /// <param name="expectedRevision">The revision of its last change (<see cref="EtcdKeyValue.ModRevision"/>); 0 for a key that does not exist.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellationToken">Gives the call up.</param>
    /// <example>
    /// <code>
    /// var get = new EtcdOptimisticOptions { GetOnFailure = true };
    /// EtcdOptimisticResult put = await client.Kv.OptimisticPutAsync("pods/web", spec, seen.ModRevision, get);
    /// if (!put.Succeeded)
    ///     Console.WriteLine($"Somebody has changed it to {put.Current}");
    /// </code>
    /// </example>
    public static ValueTask<EtcdOptimisticResult> OptimisticPutAsync(
        this IEtcdKv kv,
        EtcdKey key,
        EtcdValue value,
        long expectedRevision,
        EtcdOptimisticOptions? options = null,
        CancellationToken cancellationToken = default) =>
        CommitAsync(kv, key, expectedRevision, EtcdOp.Put(key, value, new EtcdPutOptions { Lease = options?.Lease ?? default }), options, cancellationToken);

    /// <summary>Deletes a key if it was not changed since a revision.</summary>
    /// <param name="kv">Where.</param>
    /// <param name="key">The key.</param>
    /// <param name="expectedRevision">The revision of its last change (<see cref="EtcdKeyValue.ModRevision"/>).</param>
    /// <param name="options">How.</param>
    /// <param name="cancellationToken">Gives the call up.</param>
    public static ValueTask<EtcdOptimisticResult> OptimisticDeleteAsync(
        this IEtcdKv kv, EtcdKey key, long expectedRevision, EtcdOptimisticOptions? options = null, CancellationToken cancellationToken = default) =>
        CommitAsync(kv, key, expectedRevision, EtcdOp.Delete(key), options, cancellationToken);

    /// <summary>
    /// Lists a part of a prefix with one request, for those who give it on in parts as well; to read all of it there is
    /// <see cref="IEtcdKv.ListPagesAsync"/>.
    /// </summary>
    /// <exception cref="EtcdCompactedException">The revision is compacted: the listing must begin again.</exception>
    /// <example>
    /// <code>
    /// EtcdListPart first = await client.Kv.ListPartAsync("pods/", new EtcdListPartOptions { Limit = 500 });
    /// EtcdListPart second = await client.Kv.ListPartAsync(
    ///     "pods/", new EtcdListPartOptions { Limit = 500, Revision = first.Revision, Continue = first.Continue });
    /// </code>
    /// </example>
    public static async ValueTask<EtcdListPart> ListPartAsync(
        this IEtcdKv kv, EtcdKey prefix, EtcdListPartOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(kv);
        options ??= new EtcdListPartOptions();
        ArgumentOutOfRangeException.ThrowIfNegative(options.Limit, nameof(options));
        var range = EtcdRange.Prefix(prefix);
        if (options.Continue is { } from)
            range = from.StartsWith(prefix) ? EtcdRange.FromWire(from, range.End) : throw OtherPrefix(nameof(options));
        var get = new EtcdRangeOptions
        {
            Timeout = options.Timeout,
            RequireLeader = options.RequireLeader,
            Revision = options.Revision,
            Limit = options.Limit,
        };
        EtcdRangeResult found = await kv.GetRangeAsync(range, get, cancellationToken).ConfigureAwait(false);
        // A listing at the latest revision tells which one that was; one of the past stays there.
        return new EtcdListPart(
            options.Revision != 0 ? options.Revision : found.Header.Revision,
            found.Items,
            found.Count,
            found.More ? found.Items[^1].Key.Successor() : default(EtcdKey?));
    }

    private static ArgumentException OtherPrefix(string name) => new("The key to go on at does not belong to the prefix.", name);

    private static async ValueTask<EtcdOptimisticResult> CommitAsync(
        IEtcdKv kv, EtcdKey key, long expectedRevision, EtcdOp change, EtcdOptimisticOptions? options, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(kv);
        EtcdTxn transaction = new EtcdTxn().If(EtcdCompare.ModRevision(key).EqualTo(expectedRevision)).Then(change);
        EtcdOp<EtcdRangeResult>? get = options is { GetOnFailure: true } ? EtcdOp.Get(key) : null;
        if (get is not null)
            transaction.Else(get);
        EtcdTxnResult result = await kv.CommitAsync(transaction, options, cancellation).ConfigureAwait(false);
        EtcdKeyValue? current = get is null || result.Succeeded ? null : result.ResultOf(get).Items.SingleOrDefault();
        return new EtcdOptimisticResult(result.Header, result.Succeeded, current);
    }
}
