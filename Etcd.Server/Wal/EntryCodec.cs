using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Wal;

/// <summary>
/// raftpb.Entry: 1 type, 2 term, 3 index, 4 data. Writes what Go members write: the numbers always, zeros too, the
/// data only if there is any. Example, term 2, index 5, data "hi": <c>08 00 10 02 18 05 22 02 68 69</c>.
/// </summary>
internal static class EntryCodec
{
    /// <summary>Longest head: three fields and the data's tag and length.</summary>
    public const int HeadBytesMax = 1 + 1 + (3 * (1 + Proto.VarintBytesMax));

    /// <summary>Writes all but the data itself; returns the length.</summary>
    public static int WriteHead(Span<byte> to, in Entry entry)
    {
        int at = Proto.WriteField(to, 0x08, (ulong)entry.Type);
        at += Proto.WriteField(to[at..], 0x10, entry.Term.Value);
        at += Proto.WriteField(to[at..], 0x18, entry.Index.Value);
        return entry.Data.IsEmpty ? at : at + Proto.WriteField(to[at..], 0x22, (ulong)entry.Data.Length);
    }

    /// <summary>Reads an entry whose data is a slice of <paramref name="from"/>.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> from, out Entry entry)
    {
        ReadOnlySpan<byte> bytes = from.Span;
        ulong type = 0, term = 0, index = 0;
        ReadOnlyMemory<byte> data = default;
        entry = default;
        int at = 0;
        while (at < bytes.Length)
        {
            if (!Proto.TryReadTag(bytes, ref at, out int field, out Proto.WireType wire))
            {
                return false;
            }

            bool read = (field, wire) switch
            {
                (1, Proto.WireType.Varint) => Proto.TryReadVarint(bytes, ref at, out type),
                (2, Proto.WireType.Varint) => Proto.TryReadVarint(bytes, ref at, out term),
                (3, Proto.WireType.Varint) => Proto.TryReadVarint(bytes, ref at, out index),
                (4, Proto.WireType.Bytes) => TryReadData(from, ref at, out data),
                _ => Proto.TrySkip(bytes, ref at, wire),
            };
            if (!read)
            {
                return false;
            }
        }

        entry = new Entry(new Term(term), new LogIndex(index), (EntryType)Math.Min(type, byte.MaxValue), data);
        return true;
    }

    private static bool TryReadData(ReadOnlyMemory<byte> from, ref int at, out ReadOnlyMemory<byte> data)
    {
        bool read = Proto.TryReadLength(from.Span, ref at, out int length);
        data = from.Slice(at, length);
        at += length;
        return read;
    }
}
