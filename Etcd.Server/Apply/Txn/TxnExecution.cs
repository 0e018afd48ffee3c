using Etcd.Server.Apply.Requests;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;

namespace Etcd.Server.Apply.Txn;

/// <summary>
/// The second half of a transaction: does the operations in order and writes their answers, etcdserverpb.TxnResponse without
/// its header: succeeded = 2, responses = 3. Reads see the writes before them.
/// </summary>
internal sealed class TxnExecution(TxnPlan plan, ResponseBuffer buffer, KvWriter? writer, StoreFigures figures)
{
    private const int Succeeded = 2;
    private const int Responses = 3;

    private readonly RangeResult _found = new();
    private int _operations;

    /// <summary>Does it.</summary>
    /// <typeparam name="TReads">What is read.</typeparam>
    /// <param name="reads">The state; the transaction itself if it writes.</param>
    /// <param name="write">Where to write; null if every operation is a range.</param>
    /// <param name="txn">The transaction.</param>
    public void Run<TReads>(scoped in TReads reads, WriteTxn? write, TxnRequestTree txn)
        where TReads : IStoreReads, allows ref struct
    {
        RunBranch(reads, write, txn);
        figures.CountTxn(_operations);
        _found.Clear();
    }

    private void RunBranch<TReads>(scoped in TReads reads, WriteTxn? write, TxnRequestTree txn)
        where TReads : IStoreReads, allows ref struct
    {
        bool succeeded = plan.NextDecision();
        buffer.Bool(Succeeded, succeeded);
        foreach (TxnOp op in succeeded ? txn.Success : txn.Failure)
        {
            int response = buffer.Begin(Responses);
            if (op.Kind != TxnOpKind.None)
            {
                int body = buffer.Begin((int)op.Kind);
                RunOp(reads, write, op);
                buffer.End(body);
            }

            buffer.End(response);
        }
    }

    private void RunOp<TReads>(scoped in TReads reads, WriteTxn? write, in TxnOp op)
        where TReads : IStoreReads, allows ref struct
    {
        _operations += op.Kind == TxnOpKind.Txn ? 0 : 1;
        switch (op.Kind)
        {
            case TxnOpKind.Range:
                figures.Ranges.Add();
                Range(reads, op);
                break;
            case TxnOpKind.Put:
                Put(write!, new PutRequestView(op.Payload.Span));
                break;
            case TxnOpKind.DeleteRange:
                DeleteRange(write!, new DeleteRangeRequestView(op.Payload.Span));
                break;
            default:
                ResponseFields.EmptyHeader(buffer);
                RunBranch(reads, write, op.Nested!);
                break;
        }
    }

    private void Range<TReads>(scoped in TReads reads, in TxnOp op)
        where TReads : IStoreReads, allows ref struct
    {
        ReadStatus status = reads.Range(RangeRequestReader.Read(op.Payload.Span), _found);
        Invariant.Check(status == ReadStatus.Ok, "a range in a transaction was checked before the first write");
        ResponseFields.InnerHeader(buffer, _found.Revision);
        ResponseFields.Range(buffer, _found);
    }

    private void Put(WriteTxn write, in PutRequestView put)
    {
        ReadOnlyMemory<byte> previous = default;
        if (put.NeedsPrevious)
            write.TryGet(put.Key, out previous);

        ResponseFields.InnerHeader(buffer, writer!.Put(write, put, previous));
        ResponseFields.Put(buffer, put.PrevKv ? previous : default);
    }

    private void DeleteRange(WriteTxn write, in DeleteRangeRequestView delete)
    {
        _found.Clear();
        if (delete.PrevKv)
            write.Range(new RangeQuery { Key = delete.Key, RangeEnd = delete.RangeEnd }, _found);

        long deleted = writer!.DeleteRange(write, delete.Key, delete.RangeEnd);
        ResponseFields.InnerHeader(buffer, write.Revision);
        ResponseFields.DeleteRange(buffer, deleted, _found);
    }
}
