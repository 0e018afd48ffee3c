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
    /// <returns>The answer, or why it is refused.</returns>
    public static ApplyOutcome Run(MvccStore store, TxnRequestTree txn)
    {
        Invariant.Check(txn.IsReadOnly, "a transaction that writes goes through the log");
        return store.Read(txn, static (snapshot, txn) => Run(snapshot, txn));
    }

    private static ApplyOutcome Run(StoreSnapshot snapshot, TxnRequestTree txn)
    {
        var plan = new TxnPlan();
        EtcdError? error = plan.Make(snapshot, leases: null, txn);
        if (error is not null)
            return new ApplyOutcome(error, snapshot.BaseRevision);

        var buffer = new ResponseBuffer();
        new TxnExecution(plan, buffer, writer: null).Run(snapshot, write: null, txn);
        return new ApplyOutcome(snapshot.BaseRevision, buffer.ToArray());
    }
}
