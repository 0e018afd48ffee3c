using Etcd.Protocol.Etcdserverpb;

namespace Etcd.Client;

/// <summary>
/// A transaction: if all conditions hold, the operations of Then are carried out, else those of Else; all of them at one revision,
/// or none. Not safe for concurrent use while it is being built; once built it may be committed any number of times, by any client.
/// </summary>
/// <example>
/// <code>
/// EtcdOp&lt;EtcdPutResult&gt; create = EtcdOp.Put("jobs/7", "mine");
/// EtcdOp&lt;EtcdRangeResult&gt; owner = EtcdOp.Get("jobs/7");
/// EtcdTxnResult result = await client.Kv.CommitAsync(
///     new EtcdTxn().If(EtcdCompare.NotExists("jobs/7")).Then(create).Else(owner));
/// Console.WriteLine(result.Succeeded
///     ? $"ours since {result.ResultOf(create).Revision}"
///     : $"taken by {result.ResultOf(owner).Items[0].Value}");
/// </code>
/// </example>
public sealed class EtcdTxn
{
    private readonly List<EtcdCompare> _conditions = [];
    private readonly List<EtcdOp> _then = [];
    private readonly List<EtcdOp> _else = [];
    private bool _isLinearizable;

    internal bool OnlyReads => _then.TrueForAll(op => op.OnlyReads) && _else.TrueForAll(op => op.OnlyReads);

    /// <summary>Adds conditions. Without any, Then is carried out.</summary>
    public EtcdTxn If(params ReadOnlySpan<EtcdCompare> conditions) => Add(_conditions, conditions);

    /// <summary>Adds operations for the case that all conditions hold.</summary>
    public EtcdTxn Then(params ReadOnlySpan<EtcdOp> operations) => Add(_then, operations);

    /// <summary>Adds operations for the case that a condition does not hold.</summary>
    public EtcdTxn Else(params ReadOnlySpan<EtcdOp> operations) => Add(_else, operations);

    /// <summary>The same without serializable reads. The operations are the same objects, so that their results are found.</summary>
    internal EtcdTxn Linearizable()
    {
        EtcdTxn copy = new EtcdTxn().If([.. _conditions]).Then([.. _then]).Else([.. _else]);
        copy._isLinearizable = true;
        return copy;
    }

    internal EtcdTxnPlan ToPlan(EtcdKey prefix)
    {
        var plan = new EtcdTxnPlan(_then.ToArray(), _else.ToArray());
        foreach (EtcdCompare condition in _conditions)
            plan.Request.Compare.Add(condition.ToMessage(prefix));
        plan.Fill(prefix);
        if (_isLinearizable)
            EtcdTxnPlan.MakeLinearizable(plan.Request);
        return plan;
    }

    private EtcdTxn Add<T>(List<T> list, ReadOnlySpan<T> items)
        where T : class
    {
        foreach (T item in items)
            ArgumentNullException.ThrowIfNull(item);
        list.AddRange(items);
        return this;
    }
}

/// <summary>A transaction as it was sent: which operation is where.</summary>
internal sealed class EtcdTxnPlan(EtcdOp[] then, EtcdOp[] otherwise)
{
    private readonly EtcdTxnPlan?[] _thenNested = new EtcdTxnPlan?[then.Length];
    private readonly EtcdTxnPlan?[] _otherwiseNested = new EtcdTxnPlan?[otherwise.Length];

    public TxnRequest Request { get; } = new();

    public void Fill(EtcdKey prefix)
    {
        for (int i = 0; i < then.Length; i++)
            Request.Success.Add(then[i].ToMessage(prefix, out _thenNested[i]));
        for (int i = 0; i < otherwise.Length; i++)
            Request.Failure.Add(otherwise[i].ToMessage(prefix, out _otherwiseNested[i]));
    }

    public static void MakeLinearizable(TxnRequest request)
    {
        foreach (RequestOp operation in request.Success.Concat(request.Failure))
        {
            if (operation.RequestRange is { } range)
                range.Serializable = false;
            if (operation.RequestTxn is { } nested)
                MakeLinearizable(nested);
        }
    }

    public int IndexOf(EtcdOp operation, bool succeeded, out EtcdTxnPlan? nested)
    {
        int at = Array.IndexOf(succeeded ? then : otherwise, operation);
        nested = at < 0 ? null : (succeeded ? _thenNested : _otherwiseNested)[at];
        return at;
    }
}

/// <summary>What a transaction did.</summary>
public sealed class EtcdTxnResult
{
    private readonly EtcdTxnPlan _plan;
    private readonly TxnResponse _message;
    private readonly int _prefixLength;

    internal EtcdTxnResult(EtcdTxnPlan plan, TxnResponse message, int prefixLength)
    {
        _plan = plan;
        _message = message;
        _prefixLength = prefixLength;
    }

    /// <summary>Who answered; its revision is the transaction's, if it changed anything.</summary>
    public EtcdHeader Header => EtcdHeader.From(_message.Header);

    /// <summary>The revision of the transaction.</summary>
    public long Revision => Header.Revision;

    /// <summary>Whether all conditions held, so that Then was carried out, and not Else.</summary>
    public bool Succeeded => _message.Succeeded;

    /// <summary>The result of an operation that was carried out.</summary>
    /// <exception cref="ArgumentException">It was not: it belongs to the other branch, or to another transaction.</exception>
    public TResult ResultOf<TResult>(EtcdOp<TResult> operation)
    {
        ArgumentNullException.ThrowIfNull(operation);
        int at = _plan.IndexOf(operation, Succeeded, out EtcdTxnPlan? nested);
        return at >= 0
            ? operation.Read(_message.Responses[at], nested, _prefixLength)
            : throw new ArgumentException(
                $"The operation was not carried out: it is not in {(Succeeded ? "Then" : "Else")}.", nameof(operation));
    }
}
