using Etcd.Server.Apply.Requests;

namespace Etcd.Server.Apply.Space;

/// <summary>What a request may add to the store, bytes, as etcd estimates it. Zero: it takes no space. Pure; any thread.</summary>
public static class WriteCost
{
    /// <summary>A lease that is granted.</summary>
    public const long LeaseGrant = 64;

    private const long KeyOverhead = 256;

    /// <summary>A put.</summary>
    /// <param name="put">The request.</param>
    public static long Put(in PutRequestView put) => KeyOverhead + put.Key.Length + put.Value.Length;

    /// <summary>A transaction: its costlier branch. What it deletes is not taken off.</summary>
    /// <param name="txn">The request.</param>
    public static long Txn(TxnRequestTree txn) => Math.Max(Ops(txn.Success), Ops(txn.Failure));

    /// <summary>What no request of so many bytes exceeds, for those that are far from the quota and need not count.</summary>
    /// <param name="requestBytes">The encoded request's length.</param>
    public static long AtMost(int requestBytes) => (KeyOverhead + 1) * (requestBytes + 1L);

    private static long Ops(IReadOnlyList<TxnOp> ops)
    {
        long cost = 0;
        foreach (TxnOp op in ops)
        {
            cost += op.Kind switch
            {
                TxnOpKind.Put => Put(new PutRequestView(op.Payload.Span)),
                TxnOpKind.Txn => Txn(op.Nested!),
                _ => 0,
            };
        }

        return cost;
    }
}
