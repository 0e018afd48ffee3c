using Etcd.Protocol.Errors;
using Etcd.Server.Apply.Requests;
using Etcd.Server.Storage;

namespace Etcd.Server.Api.Validation;

/// <summary>
/// What a member checks of a key-value request before it does anything with it, in etcd's order. Each returns the error of
/// the first check that fails, or null. Pure; any thread.
/// </summary>
public static class RequestChecks
{
    /// <summary>Checks a range.</summary>
    public static EtcdError? Range(in RangeQuery query)
    {
        if (query.Key.IsEmpty)
            return EtcdErrors.EmptyKey;

        bool sortable = query.SortOrder is >= RangeSortOrder.None and <= RangeSortOrder.Descend
            && query.SortTarget is >= RangeSortTarget.Key and <= RangeSortTarget.Value;
        return sortable ? null : EtcdErrors.InvalidSortOption;
    }

    /// <summary>Checks a range that is answered in pieces.</summary>
    public static EtcdError? RangeStream(in RangeQuery query)
    {
        EtcdError? error = Range(query);
        if (error is not null)
            return error;

        if (!query.IsDefaultOrdering)
            return EtcdErrors.RangeStreamSortOrder;

        return query.HasRevisionFilters ? EtcdErrors.RangeStreamRevisionFilters : null;
    }

    /// <summary>Checks a put.</summary>
    public static EtcdError? Put(in PutRequestView put)
    {
        if (put.Key.IsEmpty)
            return EtcdErrors.EmptyKey;

        if (put.IgnoreValue && !put.Value.IsEmpty)
            return EtcdErrors.ValueProvided;

        return put.IgnoreLease && !put.Lease.IsNone ? EtcdErrors.LeaseProvided : null;
    }

    /// <summary>Checks a delete.</summary>
    public static EtcdError? DeleteRange(in DeleteRangeRequestView delete) => delete.Key.IsEmpty ? EtcdErrors.EmptyKey : null;

    /// <summary>Checks a transaction: its size, every operation in it, and that no key is written twice.</summary>
    /// <param name="txn">The transaction.</param>
    /// <param name="opsMax">The most operations (--max-txn-ops).</param>
    public static EtcdError? Txn(TxnRequestTree txn, int opsMax) =>
        TxnOps(txn, opsMax) ?? TxnOverlaps.Check(txn.Success) ?? TxnOverlaps.Check(txn.Failure);

    // A transaction counts as its longest list; what is nested in it may have what is left.
    private static EtcdError? TxnOps(TxnRequestTree txn, int opsMax)
    {
        int ops = Math.Max(txn.Compares.Count, Math.Max(txn.Success.Count, txn.Failure.Count));
        if (ops > opsMax)
            return EtcdErrors.TooManyOps;

        foreach (CompareCondition compare in txn.Compares)
        {
            if (compare.Key.IsEmpty)
                return EtcdErrors.EmptyKey;
        }

        return Ops(txn.Success, opsMax - ops) ?? Ops(txn.Failure, opsMax - ops);
    }

    private static EtcdError? Ops(IReadOnlyList<TxnOp> ops, int nestedMax)
    {
        foreach (TxnOp op in ops)
        {
            EtcdError? error = Op(op, nestedMax);
            if (error is not null)
                return error;
        }

        return null;
    }

    private static EtcdError? Op(in TxnOp op, int nestedMax) => op.Kind switch
    {
        TxnOpKind.Range => Range(RangeRequestReader.Read(op.Payload.Span)),
        TxnOpKind.Put => Put(new PutRequestView(op.Payload.Span)),
        TxnOpKind.DeleteRange => DeleteRange(new DeleteRangeRequestView(op.Payload.Span)),
        TxnOpKind.Txn => TxnOps(op.Nested!, nestedMax),
        _ => EtcdErrors.KeyNotFound,
    };
}
