namespace Etcd.Client;

/// <summary>Keys and values. Safe for concurrent use.</summary>
/// <remarks>
/// Reads are tried again after any lost connection. Writes are tried again only where it is certain that they were not carried out;
/// otherwise the exception's <see cref="EtcdException.OutcomeUnknown"/> says that they may have been.
/// </remarks>
public interface IEtcdKv
{
    /// <summary>Reads one key.</summary>
    /// <param name="key">The key.</param>
    /// <param name="options">How; null for the latest, linearizably.</param>
    /// <param name="cancellationToken">Gives the call up.</param>
    /// <returns>Null where the key does not exist.</returns>
    /// <example>
    /// <code>
    /// EtcdKeyValue? color = await client.Kv.GetAsync("config/color");
    /// Console.WriteLine(color?.Value.ToString() ?? "no color");
    /// </code>
    /// </example>
    ValueTask<EtcdKeyValue?> GetAsync(EtcdKey key, EtcdGetOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Reads a range with one request, whose answer is held in memory as a whole.</summary>
    ValueTask<EtcdRangeResult> GetRangeAsync(EtcdRange range, EtcdRangeOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Reads a range of any size, ordered by key, in pages that are all read at one revision: that of the first page unless the options
    /// name one. Members of v3.7 and later stream what comes after the first page. A lost connection is passed over: no key comes twice.
    /// </summary>
    /// <exception cref="EtcdCompactedException">The revision was compacted before the range was read to its end.</exception>
    /// <exception cref="EtcdClusterChangedException">Another cluster has answered before the range was read to its end.</exception>
    /// <example>
    /// <code>
    /// await foreach (EtcdPage page in client.Kv.ListPagesAsync(EtcdRange.Prefix("config/")))
    ///     Console.WriteLine($"{page.Items.Count} keys at revision {page.Revision}");
    /// </code>
    /// </example>
    IAsyncEnumerable<EtcdPage> ListPagesAsync(EtcdRange range, EtcdListOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Counts the keys of a range.</summary>
    ValueTask<long> CountAsync(EtcdRange range, EtcdGetOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Writes a key.</summary>
    /// <example>
    /// <code>
    /// await client.Kv.PutAsync("config/color", "blue", new EtcdPutOptions { Lease = session.LeaseId });
    /// </code>
    /// </example>
    ValueTask<EtcdPutResult> PutAsync(EtcdKey key, EtcdValue value, EtcdPutOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Deletes the keys of a range.</summary>
    ValueTask<EtcdDeleteResult> DeleteAsync(EtcdRange range, EtcdDeleteOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Carries out a transaction.</summary>
    ValueTask<EtcdTxnResult> CommitAsync(EtcdTxn transaction, EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Drops the history before a revision; what was the latest then is kept.</summary>
    ValueTask<EtcdHeader> CompactAsync(long revision, EtcdCompactOptions? options = null, CancellationToken cancellationToken = default);
}
