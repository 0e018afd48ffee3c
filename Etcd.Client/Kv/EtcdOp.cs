using Etcd.Protocol.Etcdserverpb;

namespace Etcd.Client;

/// <summary>
/// An operation of a transaction. The object is also the handle by which its result is found:
/// <see cref="EtcdTxnResult.ResultOf{TResult}"/>. It may be used in several transactions.
/// </summary>
/// <example>
/// <code>
/// EtcdOp&lt;EtcdRangeResult&gt; before = EtcdOp.Get("config/color");
/// EtcdOp&lt;EtcdPutResult&gt; put = EtcdOp.Put("config/color", "blue");
/// EtcdTxnResult result = await client.Kv.CommitAsync(new EtcdTxn().Then(before, put));
/// Console.WriteLine($"{result.ResultOf(before).Count} before, revision {result.ResultOf(put).Revision} now");
/// </code>
/// </example>
public abstract class EtcdOp
{
    private protected EtcdOp()
    {
    }

    internal abstract bool OnlyReads { get; }

    /// <summary>Reads one key.</summary>
    public static EtcdOp<EtcdRangeResult> Get(EtcdKey key, EtcdRangeOptions? options = null) => Get(EtcdRange.Single(key), options);

    /// <summary>Reads a range.</summary>
    public static EtcdOp<EtcdRangeResult> Get(EtcdRange range, EtcdRangeOptions? options = null) => new GetOp(range, options);

    /// <summary>Writes a key.</summary>
    public static EtcdOp<EtcdPutResult> Put(EtcdKey key, EtcdValue value, EtcdPutOptions? options = null) => new PutOp(key, value, options);

    /// <summary>Deletes one key.</summary>
    public static EtcdOp<EtcdDeleteResult> Delete(EtcdKey key, EtcdDeleteOptions? options = null) => Delete(EtcdRange.Single(key), options);

    /// <summary>Deletes the keys of a range.</summary>
    public static EtcdOp<EtcdDeleteResult> Delete(EtcdRange range, EtcdDeleteOptions? options = null) => new DeleteOp(range, options);

    /// <summary>A transaction inside of the transaction.</summary>
    public static EtcdOp<EtcdTxnResult> Txn(EtcdTxn transaction)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        return new TxnOp(transaction);
    }

    /// <summary>The message; a nested transaction's plan is kept for its result.</summary>
    internal abstract RequestOp ToMessage(EtcdKey prefix, out EtcdTxnPlan? nested);

    private static void CheckKey(EtcdKey key)
    {
        if (key.IsEmpty)
            throw new ArgumentException("A key must not be empty.", nameof(key));
    }

    private sealed class GetOp : EtcdOp<EtcdRangeResult>
    {
        private readonly EtcdRange _range;
        private readonly EtcdRangeOptions? _options;

        public GetOp(EtcdRange range, EtcdRangeOptions? options)
        {
            CheckKey(range.Start);
            _range = range;
            _options = options;
        }

        internal override bool OnlyReads => true;

        internal override RequestOp ToMessage(EtcdKey prefix, out EtcdTxnPlan? nested)
        {
            nested = null;
            return new RequestOp { RequestRange = Requests.Range(_range.Below(prefix), _options) };
        }

        internal override EtcdRangeResult Read(ResponseOp response, EtcdTxnPlan? nested, int prefixLength) =>
            new(response.ResponseRange, prefixLength);
    }

    private sealed class PutOp : EtcdOp<EtcdPutResult>
    {
        private readonly EtcdKey _key;
        private readonly EtcdValue _value;
        private readonly EtcdPutOptions? _options;

        public PutOp(EtcdKey key, EtcdValue value, EtcdPutOptions? options)
        {
            CheckKey(key);
            _key = key;
            _value = value;
            _options = options;
        }

        internal override bool OnlyReads => false;

        internal override RequestOp ToMessage(EtcdKey prefix, out EtcdTxnPlan? nested)
        {
            nested = null;
            return new RequestOp { RequestPut = Requests.Put(prefix.Append(_key), _value, _options) };
        }

        internal override EtcdPutResult Read(ResponseOp response, EtcdTxnPlan? nested, int prefixLength) =>
            new(EtcdHeader.From(response.ResponsePut.Header), EtcdKeyValue.From(response.ResponsePut.PrevKv, prefixLength));
    }

    private sealed class DeleteOp : EtcdOp<EtcdDeleteResult>
    {
        private readonly EtcdRange _range;
        private readonly EtcdDeleteOptions? _options;

        public DeleteOp(EtcdRange range, EtcdDeleteOptions? options)
        {
            CheckKey(range.Start);
            _range = range;
            _options = options;
        }

        internal override bool OnlyReads => false;

        internal override RequestOp ToMessage(EtcdKey prefix, out EtcdTxnPlan? nested)
        {
            nested = null;
            return new RequestOp { RequestDeleteRange = Requests.Delete(_range.Below(prefix), _options) };
        }

        internal override EtcdDeleteResult Read(ResponseOp response, EtcdTxnPlan? nested, int prefixLength)
        {
            DeleteRangeResponse message = response.ResponseDeleteRange;
            return new(EtcdHeader.From(message.Header), message.Deleted, EtcdKeyValue.From(message.PrevKvs, prefixLength));
        }
    }

    private sealed class TxnOp(EtcdTxn transaction) : EtcdOp<EtcdTxnResult>
    {
        internal override bool OnlyReads => transaction.OnlyReads;

        internal override RequestOp ToMessage(EtcdKey prefix, out EtcdTxnPlan? nested)
        {
            nested = transaction.ToPlan(prefix);
            return new RequestOp { RequestTxn = nested.Request };
        }

        internal override EtcdTxnResult Read(ResponseOp response, EtcdTxnPlan? nested, int prefixLength) =>
            new(nested!, response.ResponseTxn, prefixLength);
    }
}

/// <summary>An operation and the type of its result.</summary>
public abstract class EtcdOp<TResult> : EtcdOp
{
    private protected EtcdOp()
    {
    }

    internal abstract TResult Read(ResponseOp response, EtcdTxnPlan? nested, int prefixLength);
}
