using System.Buffers.Binary;
using Etcd.Server.Io;
using Etcd.Server.Raft;

namespace Etcd.Server.Wal;

/// <summary>
/// Encodes records behind one another into a buffer and continues the CRC chain; <see cref="Flush"/> hands the buffer
/// to the file in one write. Allocates nothing after construction.
/// <para>What does not fit goes out in several writes, each of which ends at a page. So whatever a crash leaves of a
/// record ends at a sector, and is recognised as torn (<see cref="TornWrite"/>); a write that ended in the middle of
/// one would look like damage.</para>
/// <para>walpb.Record: 1 type, 2 crc, 3 data. The CRC runs over the data of all records so far, so a record that is
/// lost, repeated or moved breaks the chain.</para>
/// </summary>
internal sealed class RecordWriter
{
    private const int RecordHeadBytesMax = (1 + 1) + (1 + 5) + (1 + Proto.VarintBytesMax);
    private readonly byte[] _buffer;
    private int _buffered;
    private IDataFile _file;
    private long _flushedTo;

    public RecordWriter(IDataFile file, long offset, uint crc, int bufferBytes)
    {
        _buffer = new byte[Math.Max(bufferBytes, WalFormat.PageBytes)];
        _file = file;
        _flushedTo = offset;
        Crc = crc;
    }

    /// <summary>The chain after the last record.</summary>
    public uint Crc { get; private set; }

    /// <summary>The end of the last record, written or still in the buffer.</summary>
    public long Offset => _flushedTo + _buffered;

    /// <summary>All bytes handed to files so far.</summary>
    public long BytesWritten { get; private set; }

    /// <summary>Goes on in another file at its beginning. The buffer must be empty; the chain continues.</summary>
    public void Continue(IDataFile file)
    {
        Primitives.Invariant.Check(_buffered == 0, "a segment is finished before the next is begun");
        _file = file;
        _flushedTo = 0;
    }

    /// <summary>The first record of a segment: no data, the chain's value so far.</summary>
    public void WriteCrc() => WriteRecord(RecordType.Crc, default, default);

    public void WriteState(in HardState state)
    {
        Span<byte> bytes = stackalloc byte[HardStateCodec.BytesMax];
        WriteRecord(RecordType.State, bytes[..HardStateCodec.Write(bytes, state)], default);
    }

    public void WriteEntry(in Entry entry)
    {
        Span<byte> head = stackalloc byte[EntryCodec.HeadBytesMax];
        WriteRecord(RecordType.Entry, head[..EntryCodec.WriteHead(head, entry)], entry.Data.Span);
    }

    public void WriteBytes(RecordType type, ReadOnlySpan<byte> data) => WriteRecord(type, data, default);

    /// <summary>Writes what is in the buffer.</summary>
    public void Flush() => WriteOut(_buffered);

    private void FlushPages() => WriteOut(_buffered - (int)(Offset % WalFormat.PageBytes));

    private void WriteOut(int count)
    {
        if (count == 0)
        {
            return;
        }

        _file.WriteAt(_buffer.AsSpan(0, count), _flushedTo);
        _flushedTo += count;
        BytesWritten += count;
        _buffered -= count;
        _buffer.AsSpan(count, _buffered).CopyTo(_buffer);
    }

    /// <summary>The data is given in two parts so that an entry's payload is copied once, into the buffer.</summary>
    private void WriteRecord(RecordType type, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        Crc = Crc32C.Append(Crc32C.Append(Crc, first), second);
        int dataBytes = first.Length + second.Length;

        Span<byte> head = stackalloc byte[WalFormat.FrameBytes + RecordHeadBytesMax];
        Span<byte> record = head[WalFormat.FrameBytes..];
        int at = Proto.WriteField(record, 0x08, (ulong)type);
        at += Proto.WriteField(record[at..], 0x10, Crc);
        if (dataBytes > 0)
        {
            at += Proto.WriteField(record[at..], 0x1a, (ulong)dataBytes);
        }

        BinaryPrimitives.WriteUInt64LittleEndian(head, WalFormat.Frame(at + dataBytes));
        Put(head[..(WalFormat.FrameBytes + at)]);
        Put(first);
        Put(second);
        Span<byte> padding = stackalloc byte[WalFormat.FrameBytes];
        padding.Clear();
        Put(padding[..WalFormat.PaddingOf(at + dataBytes)]);
    }

    private void Put(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > _buffer.Length - _buffered)
        {
            int fits = _buffer.Length - _buffered;
            bytes[..fits].CopyTo(_buffer.AsSpan(_buffered));
            _buffered += fits;
            bytes = bytes[fits..];
            FlushPages();
        }

        bytes.CopyTo(_buffer.AsSpan(_buffered));
        _buffered += bytes.Length;
    }
}
