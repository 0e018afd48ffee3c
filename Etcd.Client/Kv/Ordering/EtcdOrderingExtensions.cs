namespace Etcd.Client;

/// <summary>Reads that never go back in time.</summary>
public static class EtcdOrderingExtensions
{
    /// <summary>
    /// These keys and values with answers in order: no read tells of an older revision than any read or write has told of that was answered
    /// before it began, by the same wrapper. That matters for serializable reads (<see cref="EtcdGetOptions.Serializable"/>) where there are
    /// several endpoints, as a member may be behind the one that was asked before. Linearizable reads are so by themselves, and reads
    /// at a revision of the caller's choice are the same everywhere.
    /// </summary>
    /// <param name="kv">What answers.</param>
    /// <param name="options">What to do about members that are behind; null for the defaults.</param>
    /// <returns>
    /// A wrapper, safe for concurrent use. Its reads throw <see cref="EtcdBehindException"/> where nobody can answer in order, and
    /// <see cref="EtcdClusterChangedException"/> where another cluster answers.
    /// </returns>
    /// <example>
    /// <code>
    /// IEtcdKv ordered = client.Kv.WithOrdering();
    /// var fast = new EtcdGetOptions { Serializable = true };
    /// EtcdKeyValue? first = await ordered.GetAsync("config/color", fast);
    /// EtcdKeyValue? second = await ordered.GetAsync("config/color", fast);   // never older than the first
    /// </code>
    /// </example>
    public static IEtcdKv WithOrdering(this IEtcdKv kv, EtcdOrderingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(kv);
        options ??= new EtcdOrderingOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxAttempts, 1, nameof(options));
        return new OrderedKv(kv, options);
    }
}
