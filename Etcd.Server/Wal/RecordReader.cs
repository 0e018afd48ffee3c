using System.Buffers.Binary;
using Etcd.Server.Io;

namespace Etcd.Server.Wal;

/// <summary>How a call of <see cref="RecordReader.Next"/> ended.</summary>
internal enum ReadOutcome
{
    /// <summary>A record.</summary>
    Record,

    /// <summary>The last record has been read; what follows is preallocated space or the end of the file.</summary>
    End,

    /// <summary>The last segment ends in a write that did not reach the disk as a whole.</summary>
    Torn,
}

/// <summary>
/// Reads records over a sequence of segments and follows the CRC chain through them.
/// <para>Damage is one of two things. A torn write is what a crash leaves of the last, never acknowledged, write: it
/// can only be at the end of the last segment, and there either the file ends too early or at least one whole sector
/// is still zero. Everything else is corruption and thrown as <see cref="WalException"/> with file and position.</para>
/// <para>Stricter than etcd, which would cut the log at some corrupt places and so drop acknowledged entries: a frame
/// whose length contradicts the intact head of its record, a frame that is zero in a sector that goes on with other
/// bytes, and frames that no writer makes are corruption here, not the end of the log.</para>
/// </summary>
internal sealed class RecordReader
{
    private const int ChunkBytes = 1024 * 1024;
    private readonly IReadOnlyList<Segment> _segments;
    private int _current = -1;
    private long _fileLength;
    private byte[] _chunk = [];
    private long _chunkStart;
    private int _chunkFilled;

    public RecordReader(IReadOnlyList<Segment> segments)
    {
        _segments = segments;
        OpenNext();
    }

    /// <summary>The chain's value after the last record.</summary>
    public uint Crc { get; private set; }

    /// <summary>The end of the last valid record in <see cref="Segment"/>.</summary>
    public long Offset { get; private set; }

    public Segment Segment => _segments[_current];

    private bool IsLastSegment => _current == _segments.Count - 1;

    public ReadOutcome Next(out WalRecord record)
    {
        record = default;
        while (true)
        {
            long remaining = _fileLength - Offset;
            if (remaining < WalFormat.FrameBytes && remaining > 0)
            {
                return IsLastSegment ? ReadOutcome.Torn : throw Corrupt(WalError.Malformed, "wal: the file ends inside a frame");
            }

            ulong frame = remaining == 0 ? 0 : BinaryPrimitives.ReadUInt64LittleEndian(Fill(WalFormat.FrameBytes).Span);
            if (frame != 0)
            {
                return ReadRecord(frame, remaining - WalFormat.FrameBytes, out record);
            }

            CheckEnd(remaining);
            if (IsLastSegment)
            {
                return ReadOutcome.End;
            }

            OpenNext();
        }
    }

    private ReadOutcome ReadRecord(ulong frame, long remaining, out WalRecord record)
    {
        record = default;
        long length = (long)(frame & WalFormat.LengthMask);
        int padding = WalFormat.PaddingOf(length);
        if (length == 0 || frame != WalFormat.Frame(length))
        {
            throw Corrupt(WalError.Malformed, $"wal: frame {frame:x16} is not one that a writer makes");
        }

        bool whole = length + padding <= remaining;
        int available = whole ? (int)length : (int)Math.Min(remaining, length);
        ReadOnlyMemory<byte> bytes = Fill(WalFormat.FrameBytes + available)[WalFormat.FrameBytes..];
        if (!whole)
        {
            return TornOr(WalError.Malformed, "wal: max entry size limit exceeded", bytes.Span, length, fileEnds: true);
        }

        if (!RecordHead.TryRead(bytes.Span, out RecordHead head))
        {
            return TornOr(WalError.Malformed, "wal: the record cannot be parsed", bytes.Span, length);
        }

        ReadOnlyMemory<byte> data = bytes.Slice(head.DataStart, head.DataLength);
        uint crc = Crc32C.Append(Crc, data.Span);
        if (head.Type == (ulong)RecordType.Crc)
        {
            // The chain of the first segment that is read begins where that segment says.
            if (_current > 0 && head.Crc != crc)
            {
                throw Corrupt(WalError.CrcMismatch, CrcMessage(head.Crc, crc));
            }

            crc = head.Crc;
        }
        else if (head.Crc != crc)
        {
            return TornOr(WalError.CrcMismatch, CrcMessage(head.Crc, crc), bytes.Span, length);
        }

        record = new WalRecord((RecordType)Math.Min(head.Type, int.MaxValue), data, Segment, Offset);
        Crc = crc;
        Offset += WalFormat.FrameBytes + length + padding;
        return ReadOutcome.Record;
    }

    private static string CrcMessage(uint expected, uint computed) =>
        $"walpb: crc mismatch: expected: {expected:x} computed: {computed:x}";

    private ReadOutcome TornOr(WalError error, string message, ReadOnlySpan<byte> available, long length, bool fileEnds = false) =>
        IsLastSegment && TornWrite.Explains(available, length, Offset + WalFormat.FrameBytes, fileEnds)
            ? ReadOutcome.Torn
            : throw Corrupt(error, message);

    /// <summary>
    /// A zero frame ends a segment's records. In the sector that holds it nothing may follow: a sector is written as a
    /// whole, so a frame that is not there while its neighbours are was lost, not never written.
    /// </summary>
    private void CheckEnd(long remaining)
    {
        int toSectorEnd = (int)Math.Min(remaining, WalFormat.SectorBytes - (Offset % WalFormat.SectorBytes));
        if (Fill(toSectorEnd).Span.ContainsAnyExcept((byte)0))
        {
            throw Corrupt(WalError.Malformed, "wal: a frame is zero but bytes follow it in its sector");
        }
    }

    private WalException Corrupt(WalError error, string message) => new(error, message, Segment.Path, Offset);

    private void OpenNext()
    {
        _current++;
        _fileLength = _segments[_current].File.Length;
        _chunk = [];
        _chunkStart = 0;
        _chunkFilled = 0;
        Offset = 0;
    }

    /// <summary>The bytes from <see cref="Offset"/> on, which must be in the file. Slices given out stay as they are.</summary>
    private ReadOnlyMemory<byte> Fill(int count)
    {
        int at = (int)(Offset - _chunkStart);
        if (at + count > _chunkFilled)
        {
            byte[] next = GC.AllocateUninitializedArray<byte>((int)Math.Min(Math.Max(ChunkBytes, count), _fileLength - Offset));
            // A record larger than a chunk makes the chunk end with it, in front of its padding: then nothing is kept.
            int kept = Math.Max(_chunkFilled - at, 0);
            _chunk.AsSpan(_chunkFilled - kept, kept).CopyTo(next);
            _chunkFilled = kept + Segment.File.ReadAt(next.AsSpan(kept), Offset + kept);
            _chunk = next;
            _chunkStart = Offset;
            at = 0;
            if (_chunkFilled < count)
            {
                throw Corrupt(WalError.Malformed, "wal: the file became shorter while it was read");
            }
        }

        return _chunk.AsMemory(at, count);
    }
}
