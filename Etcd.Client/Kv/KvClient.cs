using Etcd.Protocol.Etcdserverpb;

namespace Etcd.Client;

/// <summary>KV below a namespace.</summary>
internal sealed partial class KvClient(EtcdConnection connection, EtcdKey prefix) : IEtcdKv
{
    private readonly Caller _caller = connection.Caller;

    public ValueTask<EtcdKeyValue?> GetAsync(EtcdKey key, EtcdGetOptions? options, CancellationToken cancellationToken) => _caller.CallAsync(
        Methods.Range,
        Requests.Range(EtcdRange.Single(Below(key)), options),
        options,
        prefix.Length,
        static (answer, prefixLength) => answer.TakeItems(prefixLength) is [var item, ..] ? item : null,
        cancellationToken);

    public ValueTask<EtcdRangeResult> GetRangeAsync(EtcdRange range, EtcdRangeOptions? options, CancellationToken cancellationToken) => _caller.CallAsync(
        Methods.Range,
        Requests.Range(Below(range), options),
        options,
        prefix.Length,
        static (answer, prefixLength) => new EtcdRangeResult(answer, prefixLength),
        cancellationToken);

    public ValueTask<long> CountAsync(EtcdRange range, EtcdGetOptions? options, CancellationToken cancellationToken)
    {
        RangeRequest request = Requests.Range(Below(range), options);
        request.CountOnly = true;
        return _caller.CallAsync(Methods.Range, request, options, 0, static (answer, _) => answer.Count, cancellationToken);
    }

    public ValueTask<EtcdPutResult> PutAsync(EtcdKey key, EtcdValue value, EtcdPutOptions? options, CancellationToken cancellationToken) => _caller.CallAsync(
        Methods.Put,
        Requests.Put(Below(key), value, options),
        options,
        prefix.Length,
        static (response, prefixLength) => new EtcdPutResult(EtcdHeader.From(response.Header), EtcdKeyValue.From(response.PrevKv, prefixLength)),
        cancellationToken);

    public ValueTask<EtcdDeleteResult> DeleteAsync(EtcdRange range, EtcdDeleteOptions? options, CancellationToken cancellationToken) => _caller.CallAsync(
        Methods.DeleteRange,
        Requests.Delete(Below(range), options),
        options,
        prefix.Length,
        static (response, prefixLength) => new EtcdDeleteResult(
            EtcdHeader.From(response.Header), response.Deleted, EtcdKeyValue.From(response.PrevKvs, prefixLength)),
        cancellationToken);

    public async ValueTask<EtcdTxnResult> CommitAsync(EtcdTxn transaction, EtcdCallOptions? options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        var rpc = transaction.OnlyReads ? Methods.ReadTxn : Methods.Txn;
        EtcdTxnPlan plan = transaction.ToPlan(prefix);
        TxnResponse response = await _caller.CallAsync(rpc, plan.Request, options, cancellationToken).ConfigureAwait(false);
        return new EtcdTxnResult(plan, response, prefix.Length);
    }

    public ValueTask<EtcdHeader> CompactAsync(long revision, EtcdCompactOptions? options, CancellationToken cancellationToken)
    {
        var request = new CompactionRequest { Revision = revision, Physical = options is { Physical: true } };
        return _caller.CallAsync(Methods.Compact, request, options, 0, static (response, _) => EtcdHeader.From(response.Header), cancellationToken);
    }

    // The check that the server would make: below a namespace the empty key is not empty any more.
    private EtcdKey Below(EtcdKey key) => key.IsEmpty ? throw EmptyKey(nameof(key)) : prefix.Append(key);

    private EtcdRange Below(EtcdRange range) => range.Start.IsEmpty ? throw EmptyKey(nameof(range)) : range.Below(prefix);

    private static ArgumentException EmptyKey(string name) => new("A key must not be empty.", name);
}
