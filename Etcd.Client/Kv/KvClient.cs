using Etcd.Protocol.Etcdserverpb;

namespace Etcd.Client;

/// <summary>KV below a namespace.</summary>
internal sealed partial class KvClient(EtcdConnection connection, EtcdKey prefix) : IEtcdKv
{
    private readonly Caller _caller = connection.Caller;

    public async ValueTask<EtcdKeyValue?> GetAsync(EtcdKey key, EtcdGetOptions? options, CancellationToken cancellationToken)
    {
        RangeRequest request = Requests.Range(EtcdRange.Single(Below(key)), options);
        RangeResponse response = await _caller.CallAsync(Methods.Range, request, options, cancellationToken).ConfigureAwait(false);
        return response.Kvs.Count == 0 ? null : new EtcdKeyValue(response.Kvs[0], prefix.Length);
    }

    public async ValueTask<EtcdRangeResult> GetRangeAsync(EtcdRange range, EtcdRangeOptions? options, CancellationToken cancellationToken)
    {
        RangeRequest request = Requests.Range(Below(range), options);
        RangeResponse response = await _caller.CallAsync(Methods.Range, request, options, cancellationToken).ConfigureAwait(false);
        return new EtcdRangeResult(response, prefix.Length);
    }

    public async ValueTask<long> CountAsync(EtcdRange range, EtcdGetOptions? options, CancellationToken cancellationToken)
    {
        RangeRequest request = Requests.Range(Below(range), options);
        request.CountOnly = true;
        return (await _caller.CallAsync(Methods.Range, request, options, cancellationToken).ConfigureAwait(false)).Count;
    }

    public async ValueTask<EtcdPutResult> PutAsync(EtcdKey key, EtcdValue value, EtcdPutOptions? options, CancellationToken cancellationToken)
    {
        PutRequest request = Requests.Put(Below(key), value, options);
        PutResponse response = await _caller.CallAsync(Methods.Put, request, options, cancellationToken).ConfigureAwait(false);
        return new EtcdPutResult(EtcdHeader.From(response.Header), EtcdKeyValue.From(response.PrevKv, prefix.Length));
    }

    public async ValueTask<EtcdDeleteResult> DeleteAsync(EtcdRange range, EtcdDeleteOptions? options, CancellationToken cancellationToken)
    {
        DeleteRangeRequest request = Requests.Delete(Below(range), options);
        DeleteRangeResponse response = await _caller.CallAsync(Methods.DeleteRange, request, options, cancellationToken).ConfigureAwait(false);
        return new EtcdDeleteResult(
            EtcdHeader.From(response.Header), response.Deleted, EtcdKeyValue.From(response.PrevKvs, prefix.Length));
    }

    public async ValueTask<EtcdTxnResult> CommitAsync(EtcdTxn transaction, EtcdCallOptions? options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        var rpc = transaction.OnlyReads ? Methods.ReadTxn : Methods.Txn;
        EtcdTxnPlan plan = transaction.ToPlan(prefix);
        TxnResponse response = await _caller.CallAsync(rpc, plan.Request, options, cancellationToken).ConfigureAwait(false);
        return new EtcdTxnResult(plan, response, prefix.Length);
    }

    public async ValueTask<EtcdHeader> CompactAsync(long revision, EtcdCompactOptions? options, CancellationToken cancellationToken)
    {
        var request = new CompactionRequest { Revision = revision, Physical = options is { Physical: true } };
        CompactionResponse response = await _caller.CallAsync(Methods.Compact, request, options, cancellationToken).ConfigureAwait(false);
        return EtcdHeader.From(response.Header);
    }

    // The check that the server would make: below a namespace the empty key is not empty any more.
    private EtcdKey Below(EtcdKey key) => key.IsEmpty ? throw EmptyKey(nameof(key)) : prefix.Append(key);

    private EtcdRange Below(EtcdRange range) => range.Start.IsEmpty ? throw EmptyKey(nameof(range)) : range.Below(prefix);

    private static ArgumentException EmptyKey(string name) => new("A key must not be empty.", name);
}
