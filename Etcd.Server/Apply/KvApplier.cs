using Etcd.Protocol.Errors;
using Etcd.Protocol.Wire;
using Etcd.Server.Apply.Requests;
using Etcd.Server.Apply.Txn;
using Etcd.Server.Lease;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;

namespace Etcd.Server.Apply;

/// <summary>
/// Applies committed key-value commands to the store, as etcd v3.7 does. Each command either changes everything that it asks
/// for, at one revision, or is refused and changes nothing; which of the two depends on the store and the leases alone.
/// Payloads are well-formed: the member that proposed them has read them before, and one that cannot be read ends this member.
/// Threads: the apply thread.
/// </summary>
/// <param name="store">The store.</param>
/// <param name="leases">The leases.</param>
public sealed class KvApplier(MvccStore store, ILeaseAttachments leases) : ILeasedKeyDeleter
{
    private readonly KvWriter _writer = new(leases);
    private readonly RangeResult _found = new();
    private readonly ResponseBuffer _buffer = new();
    private readonly TxnPlan _plan = new();

    /// <summary>What was done.</summary>
    public StoreFigures Figures => _writer.Figures;

    /// <summary>Applies a put.</summary>
    /// <param name="payload">An encoded etcdserverpb.PutRequest.</param>
    /// <returns>The outcome: "requested lease not found" and "key not found" are its refusals.</returns>
    public ApplyOutcome Put(ReadOnlyMemory<byte> payload)
    {
        var request = new PutRequestView(payload.Span);
        if (!request.Lease.IsNone && !leases.Exists(request.Lease))
            return Refused(EtcdErrors.LeaseNotFound);

        WriteTxn txn = store.Begin();
        ReadOnlyMemory<byte> previous = default;
        bool found = request.NeedsPrevious && txn.TryGet(request.Key, out previous);
        if (request.RequiresPrevious && !found)
        {
            txn.End();
            return Refused(EtcdErrors.KeyNotFound);
        }

        _writer.Put(txn, request, previous);
        long revision = txn.End();
        if (!request.PrevKv || !found)
            return new ApplyOutcome(revision);

        _buffer.Clear();
        ResponseFields.Put(_buffer, previous);
        return new ApplyOutcome(revision, _buffer.ToArray());
    }

    /// <summary>Applies a delete.</summary>
    /// <param name="payload">An encoded etcdserverpb.DeleteRangeRequest.</param>
    /// <returns>The outcome.</returns>
    public ApplyOutcome DeleteRange(ReadOnlyMemory<byte> payload)
    {
        var request = new DeleteRangeRequestView(payload.Span);
        WriteTxn txn = store.Begin();
        if (request.PrevKv)
            txn.Range(new RangeQuery { Key = request.Key, RangeEnd = request.RangeEnd }, _found);

        long deleted = _writer.DeleteRange(txn, request.Key, request.RangeEnd);
        long revision = txn.End();
        _buffer.Clear();
        ResponseFields.DeleteRange(_buffer, deleted, _found);
        _found.Clear();
        return new ApplyOutcome(revision, _buffer.ToArray());
    }

    /// <summary>Applies a transaction.</summary>
    /// <param name="payload">An encoded etcdserverpb.TxnRequest.</param>
    /// <returns>The outcome; a refused one has changed nothing.</returns>
    public ApplyOutcome Txn(ReadOnlyMemory<byte> payload)
    {
        TxnRequestTree request = TxnRequestTree.Read(payload);
        WriteTxn txn = store.Begin();
        EtcdError? error = _plan.Make(txn, leases, request);
        if (error is not null)
        {
            txn.End();
            return Refused(error);
        }

        _buffer.Clear();
        new TxnExecution(_plan, _buffer, _writer, Figures).Run(txn, txn, request);
        long revision = txn.End();
        return new ApplyOutcome(revision, _buffer.ToArray());
    }

    /// <summary>Applies a compaction: marks; the work is the store's <see cref="MvccStore.RunOnce"/>.</summary>
    /// <param name="payload">An encoded etcdserverpb.CompactionRequest.</param>
    /// <returns>The outcome.</returns>
    public ApplyOutcome Compact(ReadOnlyMemory<byte> payload)
    {
        EtcdError? error = store.Compact(ReadCompactionRevision(payload.Span)).ToError();
        return error is null ? new ApplyOutcome(store.WorkingRevision) : Refused(error);
    }

    /// <inheritdoc/>
    public void DeleteKeys(LeaseId lease, IReadOnlyList<ReadOnlyMemory<byte>> sortedKeys)
    {
        WriteTxn txn = store.Begin();
        foreach (ReadOnlyMemory<byte> key in sortedKeys)
            _writer.DeleteRange(txn, key.Span, default);

        txn.End();
    }

    private static long ReadCompactionRevision(ReadOnlySpan<byte> message)
    {
        long revision = 0;
        var reader = new ProtoReader(message);
        for (uint tag = reader.ReadTag(); tag != 0; tag = reader.ReadTag())
        {
            if (tag == ProtoWriter.Tag(1, ProtoWireType.Varint))
                revision = reader.ReadInt64();
            else
                reader.Skip(tag);
        }

        return revision;
    }

    private ApplyOutcome Refused(EtcdError error) => new(error, store.WorkingRevision);
}
