using Etcd.Protocol.Errors;
using Etcd.Server.Apply.Requests;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;

namespace Etcd.Server.Apply.Txn;

/// <summary>
/// Answers a transaction that only reads (<see cref="TxnRequestTree.IsReadOnly"/>) from the published state, as etcd does:
/// without the log. All its reads see one state. Any thread.
/// </summary>
public static class ReadOnlyTxn
{
    /// <summary>Answers it.</summary>
    /// <param name="store">The store.</param>
    /// <param name="txn">The transaction.</param>
    /// <param name="figures">Where its reads are counted.</param>
    /// <returns>The answer, or why it is refused.</returns>
    public static ApplyOutcome Run(MvccStore store, TxnRequestTree txn, StoreFigures figures)
    {
        Invariant.Check(txn.IsReadOnly, "a transaction that writes goes through the log");
        return store.Read((txn, figures), static (snapshot, what) => Run(snapshot, what.txn, what.figures));
    }

    private static ApplyOutcome Run(StoreSnapshot snapshot, TxnRequestTree txn, StoreFigures figures)
    {
        var plan = new TxnPlan();
        EtcdError? error = plan.Make(snapshot, leases: null, txn);
        if (error is not null)
            return new ApplyOutcome(error, snapshot.BaseRevision);

        var buffer = new ResponseBuffer();
        new TxnExecution(plan, buffer, writer: null, figures).Run(snapshot, write: null, txn);
        return new ApplyOutcome(snapshot.BaseRevision, buffer.ToArray());
    }
}
