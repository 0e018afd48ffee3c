using System.Numerics;
using Etcd.Server.Primitives;
using Etcd.Server.Storage.Disk;

namespace Etcd.Server.Storage.Log;

/// <summary>One record of the revision log as a reader gets it. Its bytes are read only when they are asked for.</summary>
internal readonly struct LogRecord
{
    private readonly LogSegment _segment;
    private readonly int _at;

    /// <summary>Names a record.</summary>
    public LogRecord(LogSegment segment, int at, Revision revision, bool isTombstone, bool isDead, uint key, int length)
    {
        _segment = segment;
        _at = at;
        Revision = revision;
        IsTombstone = isTombstone;
        IsDead = isDead;
        Key = key;
        Length = length;
    }

    /// <summary>Its place in history.</summary>
    public Revision Revision { get; }

    /// <summary>It deletes its key.</summary>
    public bool IsTombstone { get; }

    /// <summary>Compaction has dropped it; its key's handle may no longer be followed.</summary>
    public bool IsDead { get; }

    /// <summary>The key's handle in the index.</summary>
    public uint Key { get; }

    /// <summary>How many bytes it has; none for a revision that was bumped.</summary>
    public int Length { get; }

    /// <summary>
    /// Reads the event's mvccpb.KeyValue. For a put that is what is stored and hashed; for a tombstone it is followed by the
    /// mod_revision that only events carry (<see cref="LogSegment.Stored"/> cuts it off).
    /// </summary>
    public ReadOnlyMemory<byte> ReadBytes() => _segment.BytesOf(_at);

    /// <summary>The same, for whoever goes through all records.</summary>
    public ReadOnlySpan<byte> ReadBytes(SegmentBytes bytes) => bytes.Of(_segment, _at);
}

/// <summary>
/// A run of the revision log: the records' bytes one behind the other, in a block of memory, in a file (<see cref="Extent"/>), or
/// both, and the table from revision to offset. Records never change.
/// Threads: the writer appends and marks records dead; any reader may read at the same time what was published to it, since
/// an entry is complete before the count includes it.
/// </summary>
internal sealed class LogSegment
{
    /// <summary>The size of a block, unless a single record is larger.</summary>
    public const int BlockBytes = 1 << 20;

    private const uint TombstoneBit = 1U << 31;

    private byte[]? _block;
    private Entry[] _table;
    private ulong[]? _dead;
    private int _count;

    /// <summary>Makes an empty segment.</summary>
    /// <param name="first">The revision of its first record.</param>
    /// <param name="blockBytes">Room for records; negative if their bytes are in a file only.</param>
    /// <param name="records">How many records are expected.</param>
    public LogSegment(Revision first, int blockBytes, int records)
    {
        First = first;
        _block = blockBytes < 0 ? null : GC.AllocateUninitializedArray<byte>(blockBytes);
        _table = new Entry[records + 1];
    }

    // A sealed segment's records and table, with no marks.
    private LogSegment(LogSegment of)
    {
        First = of.First;
        _block = of._block;
        _table = of._table;
        _count = of._count;
    }

    /// <summary>The revision of the first record.</summary>
    public Revision First { get; }

    /// <summary>Where its bytes are in a file; null as long as they are in memory only.</summary>
    public Extent? Extent { get; private set; }

    /// <summary>The revision of the last record.</summary>
    public Revision Last => RevisionOf(_table[_count - 1]);

    /// <summary>How many records.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Bytes in records, dead ones too.</summary>
    public int UsedBytes => (int)_table[_count].Offset;

    /// <summary>Bytes in dead records.</summary>
    public int DeadBytes { get; private set; }

    /// <summary>Bytes in records that are not dead.</summary>
    public int LiveBytes => UsedBytes - DeadBytes;

    /// <summary>Bytes of the block in memory.</summary>
    public int BlockLength => Volatile.Read(ref _block)?.Length ?? 0;

    /// <summary>Room for one more record, or empty if there is none.</summary>
    public Span<byte> Reserve(Revision revision, int bytes)
    {
        int used = UsedBytes;
        bool fits = used + bytes <= _block!.Length && revision.Main - First.Main < uint.MaxValue;
        return fits ? _block.AsSpan(used, bytes) : default;
    }

    /// <summary>Adds the record whose bytes were written to <see cref="Reserve"/>'s room.</summary>
    public ReadOnlyMemory<byte> Commit(Revision revision, int bytes, bool tombstone, uint key)
    {
        int offset = UsedBytes;
        Append(revision, bytes, tombstone, key);
        return new ReadOnlyMemory<byte>(_block, offset, bytes);
    }

    /// <summary>Adds a record whose bytes are behind those of the last one.</summary>
    public void Append(Revision revision, int bytes, bool tombstone, uint key)
    {
        int at = _count;
        if (at + 1 == _table.Length)
            GrowTable();

        uint offset = _table[at].Offset;
        _table[at] = new Entry((uint)(revision.Main - First.Main), (uint)revision.Sub | (tombstone ? TombstoneBit : 0), offset, key);
        _table[at + 1].Offset = offset + (uint)bytes;
        Volatile.Write(ref _count, at + 1);
    }

    /// <summary>Gives back table room that a segment without further appends does not need.</summary>
    public void Seal()
    {
        if (_table.Length > _count + 1)
            Volatile.Write(ref _table, _table[..(_count + 1)]);
    }

    /// <summary>
    /// Another segment of the same records in the same memory, all of them live: a copy for nothing, of a sealed segment that is in memory only.
    /// </summary>
    public LogSegment Share() => new(this);

    /// <summary>Its bytes are in a file now. Before it is published.</summary>
    public void Place(Extent extent)
    {
        Invariant.Check(Extent is null && extent.Place.DataBytes == UsedBytes, "a segment is written to a file once, and as it is");
        Extent = extent;
    }

    /// <summary>Lets go of the bytes in memory; they are read from the file from now on. What readers hold stays.</summary>
    public void DropBlock()
    {
        Invariant.Check(Extent is not null, "what is in memory only stays there");
        Volatile.Write(ref _block, null);
    }

    /// <summary>Says which key of the index a record belongs to. Before it is published.</summary>
    public void SetKey(int at, uint key) => _table[at].Key = key;

    /// <summary>Says which records are dead. Before it is published.</summary>
    public void SetDead(ulong[] dead)
    {
        _dead = dead;
        for (int at = 0; at < _count; at++)
            DeadBytes += IsDead(at) ? LengthOf(_table, at) : 0;
    }

    /// <summary>The position of a record, or of the first one behind where it would be.</summary>
    public int Seek(Revision revision)
    {
        Entry[] table = Volatile.Read(ref _table);
        int count = Math.Min(Count, table.Length - 1);
        long wanted = OrderOf(revision);

        // With one record per revision, which is the rule, the distance from the first revision is the position.
        long guess = revision.Main - First.Main;
        if ((ulong)guess < (ulong)count && table[guess].Order == wanted)
            return (int)guess;

        int low = 0;
        int high = count;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (table[middle].Order < wanted)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }

    /// <summary>A record.</summary>
    /// <param name="at">Its position, below <see cref="Count"/>.</param>
    /// <returns>The record.</returns>
    public LogRecord Read(int at)
    {
        Entry[] table = Volatile.Read(ref _table);
        Entry entry = table[at];
        return new LogRecord(
            this, at, RevisionOf(entry), (entry.SubAndFlags & TombstoneBit) != 0, IsDead(at), entry.Key, LengthOf(table, at));
    }

    /// <summary>The bytes of a record, as <see cref="LogRecord.ReadBytes()"/> says.</summary>
    public ReadOnlyMemory<byte> BytesOf(int at)
    {
        Entry[] table = Volatile.Read(ref _table);
        int offset = (int)table[at].Offset;
        int length = LengthOf(table, at);
        return Volatile.Read(ref _block) is { } block ? new ReadOnlyMemory<byte>(block, offset, length) : Extent!.Read(offset, length);
    }

    /// <summary>Where a record begins in the segment's bytes.</summary>
    public int OffsetOf(int at) => (int)Volatile.Read(ref _table)[at].Offset;

    /// <summary>How many bytes a record has.</summary>
    public int LengthOf(int at) => LengthOf(Volatile.Read(ref _table), at);

    /// <summary>The bytes of a record if they are in memory.</summary>
    public bool TryReadBlock(int at, out ReadOnlyMemory<byte> bytes)
    {
        if (Volatile.Read(ref _block) is not { } block)
        {
            bytes = default;
            return false;
        }

        Entry[] table = Volatile.Read(ref _table);
        bytes = new ReadOnlyMemory<byte>(block, (int)table[at].Offset, LengthOf(table, at));
        return true;
    }

    /// <summary>The position of exactly this revision; -1 if it is not there.</summary>
    public int Find(Revision revision)
    {
        int at = Seek(revision);
        return at < Count && Volatile.Read(ref _table)[at].Order == OrderOf(revision) ? at : -1;
    }

    /// <summary>All bytes of the segment, and perhaps some behind them, for whoever goes through it.</summary>
    /// <param name="buffer">Used, and replaced by a larger one where needed, if they must be read from the file.</param>
    public ReadOnlyMemory<byte> ReadAll(ref byte[] buffer)
    {
        // Not so far as it is used: another thread may be appending.
        if (Volatile.Read(ref _block) is { } block)
            return block;

        int used = UsedBytes;
        if (buffer.Length < used)
            buffer = GC.AllocateUninitializedArray<byte>(used);

        Extent!.ReadAll(buffer.AsSpan(0, used));
        return buffer.AsMemory(0, used);
    }

    /// <summary>Marks a record as dropped by compaction.</summary>
    public void MarkDead(Revision revision)
    {
        int at = Seek(revision);
        Invariant.Check(at < _count && _table[at].Order == OrderOf(revision) && !IsDead(at), "a dropped version has a live record");
        if (_dead is null || _dead.Length <= at >> 6)
            GrowDead(at);

        _dead![at >> 6] |= 1UL << (at & 63);
        DeadBytes += LengthOf(_table, at);
    }

    /// <summary>The marks of dead records as they are now, in a copy; null if there is none.</summary>
    public ulong[]? CopyDead() => (ulong[]?)_dead?.Clone();

    /// <summary>Whether a record is dead in marks that were copied.</summary>
    public static bool IsDead(ulong[]? marks, int at) => marks is not null && at >> 6 < marks.Length && (marks[at >> 6] & (1UL << (at & 63))) != 0;

    /// <summary>How many records are dead in marks that were copied.</summary>
    public static int CountDead(ulong[]? marks)
    {
        int dead = 0;
        foreach (ulong bits in marks ?? [])
            dead += BitOperations.PopCount(bits);

        return dead;
    }

    /// <summary>The revisions that are dead and were not in marks that were copied.</summary>
    public IEnumerable<Revision> DeadSince(ulong[]? marks)
    {
        for (int word = 0; word < (_dead?.Length ?? 0); word++)
        {
            ulong before = marks is not null && word < marks.Length ? marks[word] : 0;
            for (ulong since = _dead![word] & ~before; since != 0; since &= since - 1)
                yield return RevisionOf(_table[(word << 6) + BitOperations.TrailingZeroCount(since)]);
        }
    }

    /// <summary>What the store keeps and hashes of a record: a tombstone is its key alone.</summary>
    public static ReadOnlySpan<byte> Stored(ReadOnlySpan<byte> bytes, bool isTombstone)
    {
        if (!isTombstone)
            return bytes;

        (int start, int length) = KeyValueCodec.KeyPlace(bytes);
        return bytes[..(start + length)];
    }

    private static long OrderOf(long mainDelta, long sub) => (mainDelta << 31) | sub;

    // A revision that is far away (revisions can be bumped by any number) is before or behind all records.
    private long OrderOf(Revision revision) => (revision.Main - First.Main) switch
    {
        < 0 => -1,
        > uint.MaxValue => long.MaxValue,
        long delta => OrderOf(delta, revision.Sub),
    };

    private Revision RevisionOf(in Entry entry) => new(First.Main + entry.MainDelta, entry.SubAndFlags & ~TombstoneBit);

    private static int LengthOf(Entry[] table, int at) => (int)(table[at + 1].Offset - table[at].Offset);

    private bool IsDead(int at) => IsDead(Volatile.Read(ref _dead), at);

    // Readers go on with the old table: what they were told of is in it.
    private void GrowTable()
    {
        var grown = new Entry[Math.Max(64, _table.Length * 2)];
        _table.CopyTo(grown, 0);
        Volatile.Write(ref _table, grown);
    }

    private void GrowDead(int at)
    {
        var grown = new ulong[Math.Max((at >> 6) + 1, (_table.Length >> 6) + 1)];
        _dead?.CopyTo(grown, 0);
        Volatile.Write(ref _dead, grown);
    }

    private struct Entry(uint mainDelta, uint subAndFlags, uint offset, uint key)
    {
        public uint MainDelta = mainDelta;
        public uint SubAndFlags = subAndFlags;
        public uint Offset = offset;
        public uint Key = key;

        public readonly long Order => OrderOf(MainDelta, SubAndFlags & ~TombstoneBit);
    }
}
