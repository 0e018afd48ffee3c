using Etcd.Protocol.Wire;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Peer.Codec;

/// <summary>
/// raftpb.Message as Go members write it: 1 type, 2 to, 3 from, 4 term, 5 logTerm, 6 index, 7 entries, 8 commit, 9 snapshot,
/// 10 reject, 11 rejectHint, 12 context. Numbers are written always, zeros too (proto2); snapshot and context only where there
/// is one. Unknown fields are skipped. The id of a ReadIndex and of its answer stands in the data of one entry, where etcd's
/// raft has it, and in <see cref="Message.Context"/> here.
/// <para>Example, a heartbeat from 1 to 2 in term 3 with commit 4:
/// <c>08 08 10 02 18 01 20 03 28 00 30 00 40 04 50 00 58 00</c>.</para>
/// Nothing is allocated to encode; to decode, one copy of the message's bytes if it carries any, and the array of entries.
/// </summary>
internal static class MessageCodec
{
    private const int EntriesField = 7;
    private const uint TypeTag = 0x08;
    private const uint ToTag = 0x10;
    private const uint FromTag = 0x18;
    private const uint TermTag = 0x20;
    private const uint LogTermTag = 0x28;
    private const uint IndexTag = 0x30;
    private const uint EntriesTag = 0x3a;
    private const uint CommitTag = 0x40;
    private const uint SnapshotTag = 0x4a;
    private const uint RejectTag = 0x50;
    private const uint RejectHintTag = 0x58;
    private const uint ContextTag = 0x62;

    /// <summary>How many bytes <see cref="Write(Span{byte}, in Message)"/> takes.</summary>
    public static int Size(in Message message)
    {
        // Nine one-byte tags, and reject's one byte.
        int size = 10
            + ProtoWriter.VarintSize((ulong)message.Type)
            + ProtoWriter.VarintSize(message.To.Value)
            + ProtoWriter.VarintSize(message.From.Value)
            + ProtoWriter.VarintSize(message.Term.Value)
            + ProtoWriter.VarintSize(message.LogTerm.Value)
            + ProtoWriter.VarintSize(message.Index.Value)
            + ProtoWriter.VarintSize(message.Commit.Value)
            + ProtoWriter.VarintSize(message.RejectHint.Value);
        if (CarriesReadId(message))
        {
            return size + ProtoWriter.BytesFieldSize(EntriesField, EntryCodec.Size(ReadId(message)));
        }

        foreach (ref readonly Entry entry in message.Entries.Span)
        {
            size += ProtoWriter.BytesFieldSize(EntriesField, EntryCodec.Size(entry));
        }

        size += message.Snapshot is null ? 0 : ProtoWriter.BytesFieldSize(9, SnapshotCodec.Size(message.Snapshot));
        return message.Context.IsEmpty ? size : size + ProtoWriter.BytesFieldSize(12, message.Context.Length);
    }

    /// <summary>Encodes; returns the length.</summary>
    /// <param name="to">At least <see cref="Size"/> bytes.</param>
    /// <param name="message">The message.</param>
    public static int Write(Span<byte> to, in Message message)
    {
        int at = ProtoWriter.WriteVarintField(to, 1, (ulong)message.Type);
        at += ProtoWriter.WriteVarintField(to[at..], 2, message.To.Value);
        at += ProtoWriter.WriteVarintField(to[at..], 3, message.From.Value);
        at += ProtoWriter.WriteVarintField(to[at..], 4, message.Term.Value);
        at += ProtoWriter.WriteVarintField(to[at..], 5, message.LogTerm.Value);
        at += ProtoWriter.WriteVarintField(to[at..], 6, message.Index.Value);
        bool carriesReadId = CarriesReadId(message);
        if (carriesReadId)
        {
            at += WriteEntry(to[at..], ReadId(message));
        }
        else
        {
            foreach (ref readonly Entry entry in message.Entries.Span)
            {
                at += WriteEntry(to[at..], entry);
            }
        }

        at += ProtoWriter.WriteVarintField(to[at..], 8, message.Commit.Value);
        if (message.Snapshot is { } snapshot && !carriesReadId)
        {
            at += ProtoWriter.WriteLengthPrefix(to[at..], 9, SnapshotCodec.Size(snapshot));
            at += SnapshotCodec.Write(to[at..], snapshot);
        }

        at += ProtoWriter.WriteBoolField(to[at..], 10, message.Reject);
        at += ProtoWriter.WriteVarintField(to[at..], 11, message.RejectHint.Value);
        return message.Context.IsEmpty || carriesReadId ? at : at + ProtoWriter.WriteBytesField(to[at..], 12, message.Context.Span);
    }

    /// <summary>Encodes at the end of a buffer; returns the length.</summary>
    public static int Write(SendBuffer to, in Message message)
    {
        int size = Size(message);
        Invariant.Check(Write(to.Reserve(size), message) == size, "a message takes as many bytes as was said");
        to.Advance(size);
        return size;
    }

    /// <summary>Decodes. What the message carries is copied: the bytes given may be used for other things afterwards.</summary>
    /// <exception cref="PeerFormatException">It is no message, or has more entries than a message may have.</exception>
    public static Message Read(ReadOnlySpan<byte> from)
    {
        try
        {
            int entries = Survey(from, out bool carriesBytes);
            return Read(from, carriesBytes ? from.ToArray() : default, entries);
        }
        catch (ProtoFormatException e)
        {
            throw new PeerFormatException("a malformed raft message: " + e.Message, e);
        }
    }

    private static bool CarriesReadId(in Message message) => message.Type is MessageType.ReadIndex or MessageType.ReadIndexResp;

    private static Entry ReadId(in Message message) => new(default, default, EntryType.Normal, message.Context);

    private static int WriteEntry(Span<byte> to, in Entry entry)
    {
        int at = ProtoWriter.WriteLengthPrefix(to, EntriesField, EntryCodec.Size(entry));
        return at + EntryCodec.Write(to[at..], entry);
    }

    /// <summary>Counts the entries before anything is set aside for them.</summary>
    private static int Survey(ReadOnlySpan<byte> from, out bool carriesBytes)
    {
        var reader = new ProtoReader(from);
        int entries = 0;
        carriesBytes = false;
        for (uint tag = reader.ReadTag(); tag != 0; tag = reader.ReadTag())
        {
            entries += tag == EntriesTag ? 1 : 0;
            carriesBytes |= tag is EntriesTag or SnapshotTag or ContextTag;
            reader.Skip(tag);
        }

        return entries <= Limits.PeerMessageEntriesMax ? entries : throw new PeerFormatException(PeerFormatException.TooLarge);
    }

    private static Message Read(ReadOnlySpan<byte> from, ReadOnlyMemory<byte> owned, int entryCount)
    {
        var reader = new ProtoReader(from);
        ulong type = 0, to = 0, sender = 0, term = 0, logTerm = 0, index = 0, commit = 0, rejectHint = 0;
        bool reject = false;
        Snapshot? snapshot = null;
        ReadOnlyMemory<byte> context = default;
        Entry[] entries = entryCount == 0 ? [] : new Entry[entryCount];
        int next = 0;
        for (uint tag = reader.ReadTag(); tag != 0; tag = reader.ReadTag())
        {
            switch (tag)
            {
                case TypeTag:
                    type = reader.ReadVarint();
                    break;
                case ToTag:
                    to = reader.ReadVarint();
                    break;
                case FromTag:
                    sender = reader.ReadVarint();
                    break;
                case TermTag:
                    term = reader.ReadVarint();
                    break;
                case LogTermTag:
                    logTerm = reader.ReadVarint();
                    break;
                case IndexTag:
                    index = reader.ReadVarint();
                    break;
                case EntriesTag:
                    entries[next++] = EntryCodec.Read(Slice(ref reader, owned));
                    break;
                case CommitTag:
                    commit = reader.ReadVarint();
                    break;
                case SnapshotTag:
                    snapshot = SnapshotCodec.Read(Slice(ref reader, owned));
                    break;
                case RejectTag:
                    reject = reader.ReadBool();
                    break;
                case RejectHintTag:
                    rejectHint = reader.ReadVarint();
                    break;
                case ContextTag:
                    context = Slice(ref reader, owned);
                    break;
                default:
                    reader.Skip(tag);
                    break;
            }
        }

        var kind = (MessageType)(int)Math.Min(type, int.MaxValue);
        if (kind is MessageType.ReadIndex or MessageType.ReadIndexResp)
        {
            context = entries.Length > 0 ? entries[0].Data : default;
            entries = [];
        }

        return new Message
        {
            Type = kind,
            To = new MemberId(to),
            From = new MemberId(sender),
            Term = new Term(term),
            LogTerm = new Term(logTerm),
            Index = new LogIndex(index),
            Entries = entries,
            Commit = new LogIndex(commit),
            Reject = reject,
            RejectHint = new LogIndex(rejectHint),
            // 3.5 writes an empty one with every message.
            Snapshot = kind == MessageType.Snap ? snapshot : null,
            Context = context,
        };
    }

    private static ReadOnlyMemory<byte> Slice(ref ProtoReader reader, ReadOnlyMemory<byte> owned)
    {
        int length = reader.ReadBytes(out int offset).Length;
        return owned.Slice(offset, length);
    }
}
