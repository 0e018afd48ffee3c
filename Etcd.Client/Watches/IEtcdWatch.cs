namespace Etcd.Client;

/// <summary>
/// Watches. All watches of a client share one stream; a watch survives lost connections, dead members and changes of the leader, and
/// tells each revision once and in order. Safe for concurrent use.
/// </summary>
public interface IEtcdWatch
{
    /// <summary>
    /// Watches a range. The watch starts with the first MoveNextAsync and ends with the enumeration. It waits as long as no
    /// endpoint can be reached.
    /// </summary>
    /// <exception cref="EtcdCompactedException">The start revision, or the one where the watch goes on, is compacted.</exception>
    /// <exception cref="EtcdClusterChangedException">The cluster is another one than before.</exception>
    /// <exception cref="EtcdException">The member refuses the watch.</exception>
    /// <example>
    /// <code>
    /// await foreach (EtcdWatchBatch batch in client.Watch.WatchAsync(EtcdRange.Prefix("config/"), cancellationToken: stopping))
    ///     foreach (EtcdWatchEvent change in batch.Events)
    ///         Console.WriteLine($"{batch.Revision}: {change.Type} {change.Key}");
    /// </code>
    /// </example>
    IAsyncEnumerable<EtcdWatchBatch> WatchAsync(EtcdRange range, EtcdWatchOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Gives a range as it is, in batches of kind <see cref="EtcdWatchBatchKind.Snapshot"/>, and then all changes after the
    /// snapshot's revision. Nothing is missing between the two. <see cref="EtcdWatchOptions.StartRevision"/> is not used.
    /// </summary>
    /// <example>
    /// <code>
    /// var known = new Dictionary&lt;EtcdKey, EtcdValue&gt;();
    /// await foreach (EtcdWatchBatch batch in client.Watch.GetThenWatchAsync(EtcdRange.Prefix("config/")))
    /// {
    ///     if (batch.StartsSnapshot)
    ///         known.Clear();
    ///     foreach (EtcdWatchEvent change in batch.Events)
    ///     {
    ///         if (change.Type == EtcdEventType.Put)
    ///             known[change.Key] = change.Value;
    ///         else
    ///             known.Remove(change.Key);
    ///     }
    /// }
    /// </code>
    /// </example>
    IAsyncEnumerable<EtcdWatchBatch> GetThenWatchAsync(EtcdRange range, EtcdWatchOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Starts a watch and returns when a member has it, so that what is written after that will be told.</summary>
    ValueTask<EtcdWatcher> StartAsync(EtcdRange range, EtcdWatchOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Asks the server how far the watches are. Those with <see cref="EtcdWatchOptions.ReportProgress"/> get the answer as a batch,
    /// once none of the watches on the stream is behind; a server that has one behind does not answer. It returns when the
    /// question is on its way.
    /// </summary>
    ValueTask RequestProgressAsync(CancellationToken cancellationToken = default);
}
