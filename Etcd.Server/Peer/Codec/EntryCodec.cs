using Etcd.Protocol.Wire;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Peer.Codec;

/// <summary>
/// raftpb.Entry: 1 type, 2 term, 3 index, 4 data. Writes what Go members write: the numbers always, zeros too, the data only
/// if there is any. Example, term 2, index 5, data "hi": <c>08 00 10 02 18 05 22 02 68 69</c>.
/// </summary>
internal static class EntryCodec
{
    private const uint TypeTag = 0x08;
    private const uint TermTag = 0x10;
    private const uint IndexTag = 0x18;
    private const uint DataTag = 0x22;

    /// <summary>How many bytes <see cref="Write"/> takes.</summary>
    public static int Size(in Entry entry)
    {
        int size = 3 + ProtoWriter.VarintSize((ulong)entry.Type) + ProtoWriter.VarintSize(entry.Term.Value) + ProtoWriter.VarintSize(entry.Index.Value);
        return entry.Data.IsEmpty ? size : size + 1 + ProtoWriter.VarintSize((uint)entry.Data.Length) + entry.Data.Length;
    }

    /// <summary>Encodes; returns the length.</summary>
    public static int Write(Span<byte> to, in Entry entry)
    {
        int at = ProtoWriter.WriteVarintField(to, 1, (ulong)entry.Type);
        at += ProtoWriter.WriteVarintField(to[at..], 2, entry.Term.Value);
        at += ProtoWriter.WriteVarintField(to[at..], 3, entry.Index.Value);
        return entry.Data.IsEmpty ? at : at + ProtoWriter.WriteBytesField(to[at..], 4, entry.Data.Span);
    }

    /// <summary>Decodes an entry whose data is a slice of the given bytes.</summary>
    /// <exception cref="ProtoFormatException">It is no message.</exception>
    public static Entry Read(ReadOnlyMemory<byte> from)
    {
        var reader = new ProtoReader(from.Span);
        ulong type = 0, term = 0, index = 0;
        ReadOnlyMemory<byte> data = default;
        for (uint tag = reader.ReadTag(); tag != 0; tag = reader.ReadTag())
        {
            switch (tag)
            {
                case TypeTag:
                    type = reader.ReadVarint();
                    break;
                case TermTag:
                    term = reader.ReadVarint();
                    break;
                case IndexTag:
                    index = reader.ReadVarint();
                    break;
                case DataTag:
                    int length = reader.ReadBytes(out int offset).Length;
                    data = from.Slice(offset, length);
                    break;
                default:
                    reader.Skip(tag);
                    break;
            }
        }

        return new Entry(new Term(term), new LogIndex(index), (EntryType)Math.Min(type, byte.MaxValue), data);
    }
}
