using Etcd.Protocol.Etcdserverpb;

namespace Etcd.Behaviour.Fuzz;

/// <summary>A transaction with one part less.</summary>
internal static class SmallerTransactions
{
    public static IEnumerable<TxnRequest> Of(TxnRequest txn)
    {
        for (int i = 0; i < txn.Compare.Count; i++)
        {
            TxnRequest smaller = txn.Clone();
            smaller.Compare.RemoveAt(i);
            yield return smaller;
        }

        foreach (Func<TxnRequest, IList<RequestOp>> branch in new Func<TxnRequest, IList<RequestOp>>[] { t => t.Success, t => t.Failure })
        {
            for (int i = 0; i < branch(txn).Count; i++)
            {
                TxnRequest smaller = txn.Clone();
                branch(smaller).RemoveAt(i);
                yield return smaller;
                foreach (TxnRequest nested in branch(txn)[i].RequestTxn is { } inner ? Of(inner) : [])
                {
                    TxnRequest with = txn.Clone();
                    branch(with)[i] = new RequestOp { RequestTxn = nested };
                    yield return with;
                }
            }
        }
    }
}
