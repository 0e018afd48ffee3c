using System.Buffers;
using Etcd.Protocol.Wire;

namespace Etcd.Server.Apply.Requests;

/// <summary>What an operation of a transaction is: the field numbers of etcdserverpb.RequestOp's union.</summary>
public enum TxnOpKind
{
    /// <summary>Nothing is set.</summary>
    None = 0,

    /// <summary>A range.</summary>
    Range = 1,

    /// <summary>A put.</summary>
    Put = 2,

    /// <summary>A delete.</summary>
    DeleteRange = 3,

    /// <summary>A transaction in the transaction.</summary>
    Txn = 4,
}

/// <summary>An operation of a transaction.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Payload">The operation's own encoded bytes.</param>
/// <param name="Nested">The transaction, if it is one.</param>
public readonly record struct TxnOp(TxnOpKind Kind, ReadOnlyMemory<byte> Payload, TxnRequestTree? Nested);

/// <summary>
/// An etcdserverpb.TxnRequest: conditions and operations as slices of its bytes, nested transactions read through.
/// Immutable; any thread.
/// </summary>
public sealed class TxnRequestTree
{
    /// <summary>
    /// How deep transactions may nest. The limit of operations ends it long before (each level takes at least one of 128);
    /// this keeps a hostile request from exhausting the stack before that limit is checked.
    /// </summary>
    private const int DepthMax = 500;

    private TxnRequestTree(
        IReadOnlyList<CompareCondition> compares, IReadOnlyList<TxnOp> success, IReadOnlyList<TxnOp> failure)
    {
        Compares = compares;
        Success = success;
        Failure = failure;
    }

    /// <summary>The conditions.</summary>
    public IReadOnlyList<CompareCondition> Compares { get; }

    /// <summary>What to do if all hold.</summary>
    public IReadOnlyList<TxnOp> Success { get; }

    /// <summary>What to do otherwise.</summary>
    public IReadOnlyList<TxnOp> Failure { get; }

    /// <summary>
    /// Whether it only reads: every operation is a range. A nested transaction counts as a write, whatever is in it, as in etcd.
    /// Such a transaction needs no place in the log.
    /// </summary>
    public bool IsReadOnly => All(Success, static op => op.Kind == TxnOpKind.Range) && All(Failure, static op => op.Kind == TxnOpKind.Range);

    /// <summary>Whether it is content with the state of this member: every operation is a serializable range.</summary>
    public bool IsSerializable => All(Success, IsSerializableRange) && All(Failure, IsSerializableRange);

    /// <summary>Reads a request.</summary>
    /// <param name="message">Its encoded bytes, which it keeps slices of.</param>
    /// <returns>The request.</returns>
    /// <exception cref="ProtoFormatException">They are no such message.</exception>
    public static TxnRequestTree Read(ReadOnlyMemory<byte> message) => Read(message, 0);

    private static TxnRequestTree Read(ReadOnlyMemory<byte> message, int depth)
    {
        if (depth > DepthMax)
            throw new ProtoFormatException(ProtoFault.TooDeep, 0);

        List<CompareCondition> compares = [];
        List<TxnOp> success = [];
        List<TxnOp> failure = [];
        var reader = new ProtoReader(message.Span);
        for (uint tag = reader.ReadTag(); tag != 0; tag = reader.ReadTag())
        {
            switch (tag)
            {
                case (1 << 3) | 2:
                    compares.Add(new CompareCondition(message.Slice(reader, out reader)));
                    break;
                case (2 << 3) | 2:
                    success.Add(ReadOp(message.Slice(reader, out reader), depth));
                    break;
                case (3 << 3) | 2:
                    failure.Add(ReadOp(message.Slice(reader, out reader), depth));
                    break;
                default:
                    reader.Skip(tag);
                    break;
            }
        }

        return new TxnRequestTree(compares, success, failure);
    }

    private static TxnOp ReadOp(ReadOnlyMemory<byte> message, int depth)
    {
        var kind = TxnOpKind.None;
        ReadOnlyMemory<byte> payload = default;
        ArrayBufferWriter<byte>? merged = null;
        var reader = new ProtoReader(message.Span);
        for (uint tag = reader.ReadTag(); tag != 0; tag = reader.ReadTag())
        {
            uint field = tag >> 3;
            if (field is < 1 or > 4 || (ProtoWireType)(tag & 7) != ProtoWireType.LengthDelimited)
            {
                reader.Skip(tag);
                continue;
            }

            // Of a union the last one on the wire counts; the same one twice is merged, which for encoded messages is to
            // put one behind the other.
            ReadOnlyMemory<byte> next = message.Slice(reader, out reader);
            if ((int)kind != (int)field)
            {
                (kind, payload, merged) = ((TxnOpKind)field, next, null);
                continue;
            }

            if (merged is null)
            {
                merged = new ArrayBufferWriter<byte>(payload.Length + next.Length);
                merged.Write(payload.Span);
            }

            merged.Write(next.Span);
            payload = merged.WrittenMemory;
        }

        return new TxnOp(kind, payload, kind == TxnOpKind.Txn ? Read(payload, depth + 1) : null);
    }

    private static bool IsSerializableRange(TxnOp op) =>
        op.Kind == TxnOpKind.Range && RangeRequestReader.Read(op.Payload.Span).Serializable;

    private static bool All(IReadOnlyList<TxnOp> ops, Func<TxnOp, bool> test)
    {
        foreach (TxnOp op in ops)
        {
            if (!test(op))
                return false;
        }

        return true;
    }
}
