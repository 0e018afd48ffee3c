using System.Buffers.Binary;
using Etcd.Protocol.Wire;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Peer.Codec;

/// <summary>
/// The stream for a leader's entries ("msgappv2"). Its first byte tells an item's form:
/// <list type="bullet">
/// <item>0: a sign of life, nothing follows;</item>
/// <item>1: entries that follow on what was sent before: their number, each entry with its length before it, the commit index,
/// all numbers in 8 bytes, big endian. Term and index of the entry before are known to both ends;</item>
/// <item>2: any message: its length in 8 bytes, big endian, and its bytes. Term and last index are remembered.</item>
/// </list>
/// </summary>
internal static class MsgAppForm
{
    public const byte LinkHeartbeat = 0;
    public const byte Entries = 1;
    public const byte Whole = 2;
}

/// <summary>Writes the stream for entries.</summary>
internal sealed class MsgAppStreamEncoder : IStreamEncoder
{
    private Term _term;
    private LogIndex _index;

    /// <inheritdoc/>
    public void Encode(in Message message, SendBuffer to)
    {
        if (_index == message.Index && _term == message.LogTerm && message.LogTerm == message.Term)
        {
            EncodeEntries(message, to);
        }
        else
        {
            EncodeWhole(message, to);
        }
    }

    /// <inheritdoc/>
    public void EncodeHeartbeat(SendBuffer to) => Put(to, MsgAppForm.LinkHeartbeat);

    private static void Put(SendBuffer to, byte form)
    {
        to.Reserve(1)[0] = form;
        to.Advance(1);
    }

    private static void PutNumber(SendBuffer to, ulong number)
    {
        BinaryPrimitives.WriteUInt64BigEndian(to.Reserve(sizeof(ulong)), number);
        to.Advance(sizeof(ulong));
    }

    private void EncodeEntries(in Message message, SendBuffer to)
    {
        ReadOnlySpan<Entry> entries = message.Entries.Span;
        Put(to, MsgAppForm.Entries);
        PutNumber(to, (ulong)entries.Length);
        foreach (ref readonly Entry entry in entries)
        {
            int size = EntryCodec.Size(entry);
            Span<byte> room = to.Reserve(sizeof(ulong) + size);
            BinaryPrimitives.WriteUInt64BigEndian(room, (ulong)size);
            EntryCodec.Write(room[sizeof(ulong)..], entry);
            to.Advance(sizeof(ulong) + size);
        }

        _index += (ulong)entries.Length;
        PutNumber(to, message.Commit.Value);
    }

    private void EncodeWhole(in Message message, SendBuffer to)
    {
        Put(to, MsgAppForm.Whole);
        MessageStreamEncoder.Frame(message, to);
        ReadOnlySpan<Entry> entries = message.Entries.Span;
        _term = message.Term;
        _index = entries.IsEmpty ? message.Index : entries[^1].Index;
    }
}

/// <summary>Reads the stream for entries.</summary>
/// <param name="local">This member: the form for entries does not name it.</param>
/// <param name="remote">Who sends.</param>
internal sealed class MsgAppStreamDecoder(MemberId local, MemberId remote) : IStreamDecoder
{
    private const int HeadBytes = 1 + sizeof(ulong);

    private readonly MessageStreamDecoder _whole = new();
    private Term _term;
    private LogIndex _index;

    // How far the entries of an incomplete item were looked at, so that each is looked at once however slowly they arrive.
    private int _scanned;
    private int _scannedEntries;

    /// <inheritdoc/>
    public StreamItem Decode(ReadOnlySpan<byte> received, out int taken, out Message message)
    {
        taken = 0;
        message = default;
        if (received.IsEmpty)
        {
            return StreamItem.Incomplete;
        }

        switch (received[0])
        {
            case MsgAppForm.LinkHeartbeat:
                taken = 1;
                return StreamItem.LinkHeartbeat;
            case MsgAppForm.Entries:
                return DecodeEntries(received, out taken, out message);
            case MsgAppForm.Whole:
                return DecodeWhole(received, out taken, out message);
            default:
                throw new PeerFormatException($"failed to parse type {received[0]} in msgappv2 stream");
        }
    }

    private StreamItem DecodeWhole(ReadOnlySpan<byte> received, out int taken, out Message message)
    {
        StreamItem item = _whole.Decode(received[1..], out taken, out message);
        if (item == StreamItem.Incomplete)
        {
            return item;
        }

        taken++;
        _term = message.Term;
        _index = message.Entries.IsEmpty ? message.Index : message.Entries.Span[^1].Index;
        return item;
    }

    private StreamItem DecodeEntries(ReadOnlySpan<byte> received, out int taken, out Message message)
    {
        taken = 0;
        message = default;
        if (received.Length < HeadBytes)
        {
            return StreamItem.Incomplete;
        }

        ulong count = BinaryPrimitives.ReadUInt64BigEndian(received[1..]);
        if (count > Limits.PeerMessageEntriesMax)
        {
            throw new PeerFormatException(PeerFormatException.TooLarge);
        }

        if (!Scan(received, (int)count))
        {
            return StreamItem.Incomplete;
        }

        taken = _scanned + sizeof(ulong);
        message = new Message
        {
            Type = MessageType.App,
            From = remote,
            To = local,
            Term = _term,
            LogTerm = _term,
            Index = _index,
            Entries = ReadEntries(received[HeadBytes.._scanned], (int)count),
            Commit = new LogIndex(BinaryPrimitives.ReadUInt64BigEndian(received[_scanned..])),
        };
        _index += count;
        _scanned = _scannedEntries = 0;
        return StreamItem.Message;
    }

    /// <summary>Goes on over the entries' lengths; true if all entries and the commit index are there.</summary>
    private bool Scan(ReadOnlySpan<byte> received, int count)
    {
        _scanned = Math.Max(_scanned, HeadBytes);
        for (; _scannedEntries < count; _scannedEntries++)
        {
            if (received.Length - _scanned < sizeof(ulong))
            {
                return false;
            }

            ulong size = BinaryPrimitives.ReadUInt64BigEndian(received[_scanned..]);
            if (size > Limits.PeerMessageBytesMax || _scanned > Limits.PeerMessageBytesMax)
            {
                throw new PeerFormatException(PeerFormatException.TooLarge);
            }

            if ((ulong)(received.Length - _scanned - sizeof(ulong)) < size)
            {
                return false;
            }

            _scanned += sizeof(ulong) + (int)size;
        }

        return received.Length - _scanned >= sizeof(ulong);
    }

    private static Entry[] ReadEntries(ReadOnlySpan<byte> from, int count)
    {
        if (count == 0)
        {
            return [];
        }

        ReadOnlyMemory<byte> owned = from.ToArray();
        var entries = new Entry[count];
        int at = 0;
        try
        {
            for (int i = 0; i < count; i++)
            {
                int size = (int)BinaryPrimitives.ReadUInt64BigEndian(owned.Span[at..]);
                at += sizeof(ulong);
                entries[i] = EntryCodec.Read(owned.Slice(at, size));
                at += size;
            }
        }
        catch (ProtoFormatException e)
        {
            throw new PeerFormatException("a malformed entry: " + e.Message, e);
        }

        return entries;
    }
}
