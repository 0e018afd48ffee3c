using Etcd.Protocol.Errors;
using Etcd.Server.Apply.Requests;
using Etcd.Server.Lease;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;

namespace Etcd.Server.Apply.Txn;

/// <summary>
/// The first half of a transaction: all conditions, those of nested transactions too, are decided on the state before any of
/// its writes, and everything that can be refused on the way that they lead is checked there as well. So a transaction that is
/// refused changes nothing, on every member alike (etcd's issue 18667).
/// The decisions stand in the order in which a walk down the chosen branches meets the transactions.
/// </summary>
internal sealed class TxnPlan
{
    private readonly List<bool> _decisions = [];
    private readonly RangeResult _found = new();
    private int _next;

    /// <summary>Decides and checks.</summary>
    /// <typeparam name="TReads">What is read.</typeparam>
    /// <param name="reads">The state before the transaction.</param>
    /// <param name="leases">The leases; null if the transaction only reads.</param>
    /// <param name="txn">The transaction.</param>
    /// <returns>Why it is refused; null if it is not.</returns>
    public EtcdError? Make<TReads>(scoped in TReads reads, ILeaseAttachments? leases, TxnRequestTree txn)
        where TReads : IStoreReads, allows ref struct
    {
        _decisions.Clear();
        Decide(reads, txn);
        Rewind();
        EtcdError? error = Check(reads, leases, txn);
        Rewind();
        _found.Clear();
        return error;
    }

    /// <summary>The decision of the next transaction on the way.</summary>
    public bool NextDecision() => _decisions[_next++];

    private void Rewind() => _next = 0;

    private void Decide<TReads>(scoped in TReads reads, TxnRequestTree txn)
        where TReads : IStoreReads, allows ref struct
    {
        bool holds = Holds(reads, txn.Compares);
        _decisions.Add(holds);
        foreach (TxnOp op in holds ? txn.Success : txn.Failure)
        {
            if (op.Nested is not null)
                Decide(reads, op.Nested);
        }
    }

    private bool Holds<TReads>(scoped in TReads reads, IReadOnlyList<CompareCondition> compares)
        where TReads : IStoreReads, allows ref struct
    {
        foreach (CompareCondition compare in compares)
        {
            ReadStatus status = reads.Range(new RangeQuery { Key = compare.Key.Span, RangeEnd = compare.RangeEnd.Span }, _found);
            Invariant.Check(status == ReadStatus.Ok, "the current revision can always be read");
            if (!compare.Holds(_found))
                return false;
        }

        return true;
    }

    private EtcdError? Check<TReads>(scoped in TReads reads, ILeaseAttachments? leases, TxnRequestTree txn)
        where TReads : IStoreReads, allows ref struct
    {
        foreach (TxnOp op in NextDecision() ? txn.Success : txn.Failure)
        {
            EtcdError? error = op.Kind switch
            {
                TxnOpKind.Range => CheckRange(reads, RangeRequestReader.Read(op.Payload.Span).Revision),
                TxnOpKind.Put => CheckPut(reads, leases, new PutRequestView(op.Payload.Span)),
                TxnOpKind.Txn => Check(reads, leases, op.Nested!),
                _ => null,
            };
            if (error is not null)
                return error;
        }

        return null;
    }

    // Zero means the current revision; here, unlike in a range by itself, a negative one is compared as it is.
    private static EtcdError? CheckRange<TReads>(scoped in TReads reads, long revision)
        where TReads : IStoreReads, allows ref struct
    {
        if (revision == 0)
            return null;

        if (revision > reads.BaseRevision)
            return EtcdErrors.FutureRevision;

        return revision < reads.CompactRevision ? EtcdErrors.Compacted : null;
    }

    private EtcdError? CheckPut<TReads>(scoped in TReads reads, ILeaseAttachments? leases, in PutRequestView put)
        where TReads : IStoreReads, allows ref struct
    {
        if (!put.Lease.IsNone && !leases!.Exists(put.Lease))
            return EtcdErrors.LeaseNotFound;

        if (!put.RequiresPrevious)
            return null;

        reads.Range(new RangeQuery { Key = put.Key }, _found);
        return _found.Kvs.IsEmpty ? EtcdErrors.KeyNotFound : null;
    }
}
