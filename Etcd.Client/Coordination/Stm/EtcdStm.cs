namespace Etcd.Client;

/// <summary>
/// One attempt of a transaction that is written as a function: its reads are remembered, its writes are made together at the end, and
/// where others were in the way the function runs again. See <see cref="EtcdStmExtensions.RunStmAsync{T}"/>. For one caller at
/// a time, inside of the function.
/// </summary>
/// <example>
/// <code>
/// int left = await client.Kv.RunStmAsync(async stm =>
/// {
///     int tickets = int.Parse((await stm.GetAsync("tickets")).ToString()!);
///     if (tickets &gt; 0)
///         stm.Put("tickets", $"{--tickets}");
///     return tickets;
/// });
/// </code>
/// </example>
public sealed class EtcdStm
{
    private readonly IEtcdKv _kv;
    private readonly EtcdStmOptions _options;
    private readonly CancellationToken _cancellation;
    private readonly IReadOnlyDictionary<EtcdKey, EtcdKeyValue?> _known;
    private readonly Dictionary<EtcdKey, EtcdKeyValue?> _reads = [];
    private readonly Dictionary<EtcdKey, Write> _writes = [];

    internal EtcdStm(IEtcdKv kv, EtcdStmOptions options, StmConflict? last, CancellationToken cancellation)
    {
        _kv = kv;
        _options = options;
        _cancellation = cancellation;
        _known = last?.Known ?? new Dictionary<EtcdKey, EtcdKeyValue?>();
        Revision = last?.Revision ?? 0;
    }

    /// <summary>The revision of the reads; 0 before the first, and where the isolation knows none.</summary>
    public long Revision { get; private set; }

    /// <summary>Whether the revision of the reads is compacted, so that the attempt cannot succeed.</summary>
    internal bool IsOutdated { get; private set; }

    private bool HasRevision => _options.Isolation <= EtcdIsolation.Serializable;

    /// <summary>Reads a key: what the function has written, or what the store has; null where it does not exist.</summary>
    public async ValueTask<EtcdValue?> GetAsync(EtcdKey key) =>
        _writes.TryGetValue(key, out Write write) ? write.Value : (await ReadAsync(key).ConfigureAwait(false))?.Value;

    /// <summary>The revision of the last change of a key in the store; 0 where it does not exist.</summary>
    public async ValueTask<long> GetRevisionAsync(EtcdKey key) => (await ReadAsync(key).ConfigureAwait(false))?.ModRevision ?? 0;

    /// <summary>Reads keys in one request, so that the next reads of them need none.</summary>
    public async ValueTask LoadAsync(IEnumerable<EtcdKey> keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        EtcdKey[] missing = [.. keys.Distinct().Where(key => !_reads.ContainsKey(key) && !TakeKnown(key))];
        if (missing.Length != 0)
            await FetchAsync(missing).ConfigureAwait(false);
    }

    /// <summary>Writes a key at the end of the transaction.</summary>
    public void Put(EtcdKey key, EtcdValue value, EtcdPutOptions? options = null) => _writes[key] = new Write(value, EtcdOp.Put(key, value, options));

    /// <summary>Deletes a key at the end of the transaction.</summary>
    public void Delete(EtcdKey key) => _writes[key] = new Write(null, EtcdOp.Delete(key));

    /// <summary>Makes the writes if nothing is in the way.</summary>
    /// <returns>Null where it succeeded.</returns>
    internal async ValueTask<StmConflict?> CommitAsync()
    {
        if (_reads.Count == 0 && _writes.Count == 0)
            return null;
        EtcdTxn transaction = new EtcdTxn().If([.. Conditions()]).Then([.. _writes.Values.Select(write => write.Op)]);
        // What was read is read again where it has changed, which saves the next attempt a request.
        Dictionary<EtcdKey, EtcdOp<EtcdRangeResult>> again = HasRevision ? Gets(_reads.Keys, new EtcdRangeOptions()) : [];
        EtcdTxnResult result = await _kv.CommitAsync(transaction.Else([.. again.Values]), _options, _cancellation).ConfigureAwait(false);
        return result.Succeeded
            ? null
            : new StmConflict(HasRevision ? result.Revision : 0, again.ToDictionary(get => get.Key, get => ItemOf(result, get.Value)));
    }

    private static Dictionary<EtcdKey, EtcdOp<EtcdRangeResult>> Gets(IEnumerable<EtcdKey> keys, EtcdRangeOptions options) =>
        keys.ToDictionary(key => key, key => EtcdOp.Get(key, options));

    private static EtcdKeyValue? ItemOf(EtcdTxnResult result, EtcdOp<EtcdRangeResult> get) => result.ResultOf(get).Items.SingleOrDefault();

    private IEnumerable<EtcdCompare> Conditions()
    {
        if (_options.Isolation == EtcdIsolation.ReadCommitted)
            yield break;
        foreach ((EtcdKey key, EtcdKeyValue? read) in _reads)
            yield return EtcdCompare.ModRevision(key).EqualTo(read?.ModRevision ?? 0);
        if (_options.Isolation != EtcdIsolation.SerializableSnapshot || Revision == 0)
            yield break;
        foreach (EtcdKey key in _writes.Keys.Where(key => !_reads.ContainsKey(key)))
            yield return EtcdCompare.ModRevision(key).LessThan(Revision + 1);
    }

    private async ValueTask<EtcdKeyValue?> ReadAsync(EtcdKey key)
    {
        if (!_reads.ContainsKey(key) && !TakeKnown(key))
            await FetchAsync([key]).ConfigureAwait(false);
        return _reads[key];
    }

    private bool TakeKnown(EtcdKey key)
    {
        if (!_known.TryGetValue(key, out EtcdKeyValue? item))
            return false;
        _reads.Add(key, item);
        return true;
    }

    private async ValueTask FetchAsync(EtcdKey[] keys)
    {
        try
        {
            await FetchFromAnyAsync(keys).ConfigureAwait(false);
        }
        catch (EtcdCompactedException)
        {
            IsOutdated = true;
            throw;
        }
    }

    private async ValueTask FetchFromAnyAsync(EtcdKey[] keys)
    {
        // The first read tells the revision of the others. What comes after it, or need not be the latest, any member may answer.
        bool any = !HasRevision || Revision != 0;
        try
        {
            await FetchAsync(keys, serializable: any).ConfigureAwait(false);
        }
        catch (EtcdException e) when (any && e.ErrorId == Protocol.Errors.EtcdErrorId.FutureRevision)
        {
            // This member is behind the one that answered the first read.
            await FetchAsync(keys, serializable: false).ConfigureAwait(false);
        }
    }

    private async ValueTask FetchAsync(EtcdKey[] keys, bool serializable)
    {
        var options = new EtcdRangeOptions { Revision = HasRevision ? Revision : 0, Serializable = serializable };
        Dictionary<EtcdKey, EtcdOp<EtcdRangeResult>> gets = Gets(keys, options);
        EtcdTxnResult result = await _kv.CommitAsync(new EtcdTxn().Then([.. gets.Values]), _options, _cancellation).ConfigureAwait(false);
        foreach ((EtcdKey key, EtcdOp<EtcdRangeResult> get) in gets)
            _reads.Add(key, ItemOf(result, get));
        if (HasRevision && Revision == 0)
            Revision = result.Revision;
    }

    private readonly record struct Write(EtcdValue? Value, EtcdOp Op);
}

/// <summary>What an attempt that others were in the way of leaves to the next: the keys that it read, as they are now.</summary>
/// <param name="Revision">The revision at which they are so.</param>
/// <param name="Known">The keys; null for one that does not exist.</param>
internal sealed record StmConflict(long Revision, IReadOnlyDictionary<EtcdKey, EtcdKeyValue?> Known);
