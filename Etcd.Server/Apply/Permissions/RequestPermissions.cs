using Etcd.Protocol.Errors;
using Etcd.Server.Apply.Requests;
using Etcd.Server.Auth;
using Etcd.Server.Lease;
using Etcd.Server.Primitives;

namespace Etcd.Server.Apply.Permissions;

/// <summary>
/// What a user must be allowed for a request: every key that it reads, compares, writes or is told of, through nested transactions, and
/// the keys of a lease that it uses, because whoever may attach to a lease can let them end. Pure but for the leases; any thread.
/// </summary>
public static class RequestPermissions
{
    /// <summary>Checks a put.</summary>
    /// <param name="auth">Users and rights.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="leases">The keys of leases.</param>
    /// <param name="put">The request.</param>
    /// <returns>Why it is refused; null if it is not.</returns>
    public static EtcdError? Put(AuthSnapshot auth, AuthInfo who, LeaseManager leases, in PutRequestView put) =>
        auth.CheckKeys(who, KeyAccess.Write, put.Key, default)
        ?? Lease(auth, who, leases, put.Lease)
        ?? (put.PrevKv ? auth.CheckKeys(who, KeyAccess.Read, put.Key, default) : null);

    /// <summary>Checks a delete.</summary>
    /// <param name="auth">Users and rights.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="delete">The request.</param>
    /// <returns>Why it is refused; null if it is not.</returns>
    public static EtcdError? DeleteRange(AuthSnapshot auth, AuthInfo who, in DeleteRangeRequestView delete) =>
        auth.CheckKeys(who, KeyAccess.Write, delete.Key, delete.RangeEnd)
        ?? (delete.PrevKv ? auth.CheckKeys(who, KeyAccess.Read, delete.Key, delete.RangeEnd) : null);

    /// <summary>Checks a transaction, both of its branches, whatever its conditions will lead to.</summary>
    /// <param name="auth">Users and rights.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="leases">The keys of leases.</param>
    /// <param name="txn">The request.</param>
    /// <returns>Why it is refused; null if it is not.</returns>
    public static EtcdError? Txn(AuthSnapshot auth, AuthInfo who, LeaseManager leases, TxnRequestTree txn)
    {
        foreach (CompareCondition compare in txn.Compares)
        {
            if (auth.CheckKeys(who, KeyAccess.Read, compare.Key.Span, compare.RangeEnd.Span) is { } refusal)
                return refusal;
        }

        return Ops(auth, who, leases, txn.Success) ?? Ops(auth, who, leases, txn.Failure);
    }

    /// <summary>Checks the use of a lease: its keys must be the user's to write. One that does not exist has none.</summary>
    /// <param name="auth">Users and rights.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="leases">The keys of leases.</param>
    /// <param name="lease">The lease, or none.</param>
    /// <returns>Why it is refused; null if it is not.</returns>
    public static EtcdError? Lease(AuthSnapshot auth, AuthInfo who, LeaseManager leases, LeaseId lease) =>
        LeaseKeys(auth, who, leases, lease, KeyAccess.Write);

    /// <summary>Checks the keys of a lease. Root is not held up by them, however many there are.</summary>
    /// <param name="auth">Users and rights.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="leases">The keys of leases.</param>
    /// <param name="lease">The lease, or none.</param>
    /// <param name="access">What is done with the keys.</param>
    /// <returns>Why it is refused; null if it is not.</returns>
    public static EtcdError? LeaseKeys(AuthSnapshot auth, AuthInfo who, LeaseManager leases, LeaseId lease, KeyAccess access) =>
        lease.IsNone || auth.CheckAdmin(who) is null
            ? null
            : leases.FirstOfKeys(lease, key => auth.CheckKeys(who, access, key.Span, default));

    private static EtcdError? Ops(AuthSnapshot auth, AuthInfo who, LeaseManager leases, IReadOnlyList<TxnOp> ops)
    {
        foreach (TxnOp op in ops)
        {
            if (Op(auth, who, leases, op) is { } refusal)
                return refusal;
        }

        return null;
    }

    private static EtcdError? Op(AuthSnapshot auth, AuthInfo who, LeaseManager leases, in TxnOp op)
    {
        switch (op.Kind)
        {
            case TxnOpKind.Range:
                Storage.RangeQuery range = RangeRequestReader.Read(op.Payload.Span);
                return auth.CheckKeys(who, KeyAccess.Read, range.Key, range.RangeEnd);
            case TxnOpKind.Put:
                return Put(auth, who, leases, new PutRequestView(op.Payload.Span));
            case TxnOpKind.DeleteRange:
                return DeleteRange(auth, who, new DeleteRangeRequestView(op.Payload.Span));
            case TxnOpKind.Txn:
                return Txn(auth, who, leases, op.Nested!);
            default:
                return null;
        }
    }
}
