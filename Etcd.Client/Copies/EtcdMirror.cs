namespace Etcd.Client;

/// <summary>
/// Copies keys of one cluster to another, or to another place in the same, and keeps the copies up to date: what one revision of the source
/// has changed comes as one transaction. Leases are not copied. Who else writes to the copies is overwritten with the next
/// change. One mirror runs at a time.
/// </summary>
/// <example>
/// <code>
/// var mirror = new EtcdMirror(source, destination, new EtcdMirrorOptions { Prefix = "config/" });
/// await mirror.RunAsync(stopping);
/// </code>
/// </example>
public sealed class EtcdMirror
{
    // Far below what a request may have (--max-request-bytes, 1.5 MiB), as one value may come on top.
    private const int PartBytes = 512 * 1024;

    private readonly IEtcdClient _source;
    private readonly IEtcdClient _destination;
    private readonly EtcdMirrorOptions _options;
    private readonly EtcdKey _to;
    private long _revision;

    /// <summary>Prepares a mirror.</summary>
    public EtcdMirror(IEtcdClient source, IEtcdClient destination, EtcdMirrorOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(destination);
        _source = source;
        _destination = destination;
        _options = options ?? new EtcdMirrorOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.MaxTxnOps, 1, nameof(options));
        _to = _options.DestinationPrefix ?? _options.Prefix;
    }

    /// <summary>The source's revision up to which all is copied; 0 before the first copy is complete.</summary>
    public long Revision => Volatile.Read(ref _revision);

    /// <summary>
    /// Copies until the token is cancelled. Lost connections on both sides are passed over, for the destination as long as a call may
    /// take.
    /// </summary>
    /// <exception cref="EtcdException">The source cannot be read, or the destination not be written.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task RunAsync(CancellationToken cancellationToken = default)
    {
        var options = new EtcdWatchOptions { OnCompaction = EtcdCompactionPolicy.ListAgain, ReportProgress = true };
        HashSet<EtcdKey> listed = [];
        await foreach (EtcdWatchBatch batch in _source.Watch.GetThenWatchAsync(
            EtcdRange.Prefix(_options.Prefix), options, cancellationToken).ConfigureAwait(false))
        {
            if (batch.StartsSnapshot)
                listed.Clear();
            if (batch.Kind == EtcdWatchBatchKind.Snapshot && !_options.KeepOthers)
                listed.UnionWith(batch.Events.Select(change => CopyOf(change.Key)));
            await WriteAsync(batch.Events, cancellationToken).ConfigureAwait(false);
            if (batch.EndsSnapshot && !_options.KeepOthers)
                await DeleteOthersAsync(listed, cancellationToken).ConfigureAwait(false);
            if (batch.Kind != EtcdWatchBatchKind.Snapshot || batch.EndsSnapshot)
                Volatile.Write(ref _revision, batch.Revision);
        }
    }

    private EtcdKey CopyOf(EtcdKey key) => _to.Append(key.Memory[_options.Prefix.Length..]);

    private EtcdOp ToOp(EtcdWatchEvent change) => change.Type == EtcdEventType.Put
        ? EtcdOp.Put(CopyOf(change.Key), change.Value)
        : EtcdOp.Delete(CopyOf(change.Key));

    private async ValueTask DeleteOthersAsync(HashSet<EtcdKey> listed, CancellationToken cancellation)
    {
        var keysOnly = new EtcdListOptions { KeysOnly = true };
        await foreach (EtcdPage page in _destination.Kv.ListPagesAsync(EtcdRange.Prefix(_to), keysOnly, cancellation).ConfigureAwait(false))
            foreach (EtcdKeyValue[] part in page.Items.Where(item => !listed.Contains(item.Key)).Chunk(_options.MaxTxnOps))
                await CommitAsync([.. part.Select(item => EtcdOp.Delete(item.Key))], cancellation).ConfigureAwait(false);
        listed.Clear();
    }

    private async ValueTask WriteAsync(IReadOnlyList<EtcdWatchEvent> changes, CancellationToken cancellation)
    {
        var part = new List<EtcdOp>();
        int bytes = 0;
        foreach (EtcdWatchEvent change in changes)
        {
            if (part.Count == _options.MaxTxnOps || (part.Count != 0 && bytes + change.Value.Length > PartBytes))
            {
                await CommitAsync(part, cancellation).ConfigureAwait(false);
                part.Clear();
                bytes = 0;
            }

            part.Add(ToOp(change));
            bytes += change.Key.Length + change.Value.Length;
        }

        if (part.Count != 0)
            await CommitAsync(part, cancellation).ConfigureAwait(false);
    }

    private async ValueTask CommitAsync(List<EtcdOp> part, CancellationToken cancellation)
    {
        EtcdTxn transaction = new EtcdTxn().Then([.. part]);
        while (true)
        {
            try
            {
                await _destination.Kv.CommitAsync(transaction, null, cancellation).ConfigureAwait(false);
                return;
            }
            catch (EtcdException e) when (e.OutcomeUnknown)
            {
                // Written twice it is the same.
            }
        }
    }
}
