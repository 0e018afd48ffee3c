using Etcd.Server.Apply.Requests;
using Etcd.Server.Lease;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;

namespace Etcd.Server.Apply;

/// <summary>
/// Writes within a transaction and keeps the lease room in step: a key that gets another lease is detached from the old one
/// first and then attached to the new one, as in etcd. Apply thread.
/// </summary>
internal sealed class KvWriter(ILeaseAttachments leases)
{
    /// <summary>What was done.</summary>
    public StoreFigures Figures { get; } = new();

    /// <summary>Puts a key.</summary>
    /// <param name="txn">The transaction.</param>
    /// <param name="request">The request, checked.</param>
    /// <param name="previous">
    /// The key's record if the request needs it; empty if it does not exist. A put that keeps a value or lease which an
    /// earlier delete of the same transaction has taken away finds neither (etcd ends itself there).
    /// </param>
    /// <returns>The revision.</returns>
    public long Put(WriteTxn txn, in PutRequestView request, ReadOnlyMemory<byte> previous)
    {
        ReadOnlySpan<byte> value = request.Value;
        LeaseId lease = request.Lease;
        if (request.RequiresPrevious)
        {
            KeyValueFields kept = KeyValueFields.Parse(previous.Span);
            value = request.IgnoreValue ? kept.Value : value;
            lease = request.IgnoreLease ? kept.Lease : lease;
        }

        Figures.CountPut(request.Key.Length + value.Length);
        PutOutcome outcome = txn.Put(request.Key, value, lease);
        if (outcome.PreviousLease != lease)
            MoveLease(outcome.PreviousLease, lease, request.Key);

        return outcome.Revision;
    }

    /// <summary>Deletes a key or a range.</summary>
    /// <param name="txn">The transaction.</param>
    /// <param name="key">The key, or the first of the range.</param>
    /// <param name="rangeEnd">As in <see cref="RangeQuery.RangeEnd"/>.</param>
    /// <returns>How many keys were deleted.</returns>
    public long DeleteRange(WriteTxn txn, ReadOnlySpan<byte> key, ReadOnlySpan<byte> rangeEnd)
    {
        Figures.CountDelete();
        long deleted = txn.DeleteRange(key, rangeEnd);
        foreach (LeasedKey detached in txn.Detached)
            leases.Detach(detached.Lease, detached.Key);

        return deleted;
    }

    // The lease room keeps the key for as long as the lease lives: it gets a copy, not a slice that holds a whole request.
    private void MoveLease(LeaseId from, LeaseId to, ReadOnlySpan<byte> key)
    {
        byte[] copy = key.ToArray();
        if (!from.IsNone)
            leases.Detach(from, copy);

        if (!to.IsNone)
            leases.Attach(to, copy);
    }
}
