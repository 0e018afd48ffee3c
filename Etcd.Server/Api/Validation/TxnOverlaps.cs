using Etcd.Protocol.Errors;
using Etcd.Protocol.Wire;
using Etcd.Server.Apply.Requests;

namespace Etcd.Server.Api.Validation;

/// <summary>
/// Finds keys that a transaction writes twice, by etcd's rules: puts of one list of operations must differ from each other,
/// from the deletes of the list, and from what transactions nested before them delete; the two branches of a nested
/// transaction exclude each other and may put the same key. A delete behind a nested put is allowed, as in etcd.
/// </summary>
internal static class TxnOverlaps
{
    /// <summary>Checks one list of operations and what is nested in it.</summary>
    /// <param name="ops">The operations, each checked by itself already.</param>
    /// <returns>"duplicate key given in txn request", or null.</returns>
    public static EtcdError? Check(IReadOnlyList<TxnOp> ops) => TryCollect(ops, out _, out _) ? null : EtcdErrors.DuplicateKey;

    private static bool TryCollect(IReadOnlyList<TxnOp> ops, out HashSet<ReadOnlyMemory<byte>> puts, out KeySpans deletes)
    {
        puts = new HashSet<ReadOnlyMemory<byte>>(ByContent.Instance);
        deletes = new KeySpans();
        foreach (TxnOp op in ops)
        {
            if (op.Kind == TxnOpKind.DeleteRange)
                deletes.Add(BytesField(op.Payload, 1), BytesField(op.Payload, 2));
        }

        foreach (TxnOp op in ops)
        {
            if (op.Nested is not null && !TryAddNested(op.Nested, puts, deletes))
                return false;
        }

        foreach (TxnOp op in ops)
        {
            if (op.Kind == TxnOpKind.Put && !TryAddPut(BytesField(op.Payload, 1), puts, deletes))
                return false;
        }

        return true;
    }

    private static bool TryAddNested(TxnRequestTree txn, HashSet<ReadOnlyMemory<byte>> puts, KeySpans deletes)
    {
        if (!TryCollect(txn.Success, out HashSet<ReadOnlyMemory<byte>> putsThen, out KeySpans deletesThen)
            || !TryCollect(txn.Failure, out HashSet<ReadOnlyMemory<byte>> putsElse, out KeySpans deletesElse))
        {
            return false;
        }

        foreach (ReadOnlyMemory<byte> key in putsThen)
        {
            if (!TryAddPut(key, puts, deletes))
                return false;
        }

        foreach (ReadOnlyMemory<byte> key in putsElse)
        {
            if (deletes.Contains(key.Span) || (!puts.Add(key) && !putsThen.Contains(key)))
                return false;
        }

        deletes.AddAll(deletesThen);
        deletes.AddAll(deletesElse);
        return true;
    }

    private static bool TryAddPut(ReadOnlyMemory<byte> key, HashSet<ReadOnlyMemory<byte>> puts, KeySpans deletes) =>
        !deletes.Contains(key.Span) && puts.Add(key);

    private static ReadOnlyMemory<byte> BytesField(ReadOnlyMemory<byte> message, int field)
    {
        ReadOnlyMemory<byte> found = default;
        var reader = new ProtoReader(message.Span);
        for (uint tag = reader.ReadTag(); tag != 0; tag = reader.ReadTag())
        {
            if (tag == ProtoWriter.Tag(field, ProtoWireType.LengthDelimited))
                found = message.Slice(reader, out reader);
            else
                reader.Skip(tag);
        }

        return found;
    }

    private sealed class ByContent : IEqualityComparer<ReadOnlyMemory<byte>>
    {
        public static readonly ByContent Instance = new();

        public bool Equals(ReadOnlyMemory<byte> x, ReadOnlyMemory<byte> y) => x.Span.SequenceEqual(y.Span);

        public int GetHashCode(ReadOnlyMemory<byte> obj)
        {
            var hash = new HashCode();
            hash.AddBytes(obj.Span);
            return hash.ToHashCode();
        }
    }
}
