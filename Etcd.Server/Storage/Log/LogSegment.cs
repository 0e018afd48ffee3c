using System.Numerics;
using Etcd.Server.Primitives;

namespace Etcd.Server.Storage.Log;

/// <summary>One record of the revision log as a reader gets it.</summary>
/// <param name="Revision">Its place in history.</param>
/// <param name="IsTombstone">It deletes its key.</param>
/// <param name="IsDead">Compaction has dropped it; its key's handle may no longer be followed.</param>
/// <param name="Key">The key's handle in the index.</param>
/// <param name="Bytes">
/// The event's mvccpb.KeyValue. For a put that is what is stored and hashed; for a tombstone it is followed by the
/// mod_revision that only events carry (<see cref="LogSegment.Stored"/> cuts it off).
/// </param>
internal readonly record struct LogRecord(Revision Revision, bool IsTombstone, bool IsDead, uint Key, ReadOnlyMemory<byte> Bytes);

/// <summary>
/// A run of the revision log: a block with the records' bytes one behind the other, and the table from revision to offset.
/// Records never change. A segment of the future revision log on disk is the same with the block in a file.
/// Threads: the writer appends and marks records dead; any reader may read at the same time what was published to it, since
/// an entry is complete before the count includes it.
/// </summary>
internal sealed class LogSegment
{
    /// <summary>The size of a block, unless a single record is larger.</summary>
    public const int BlockBytes = 1 << 20;

    private const uint TombstoneBit = 1U << 31;

    private readonly byte[] _block;
    private Entry[] _table;
    private ulong[]? _dead;
    private int _count;

    /// <summary>Makes an empty segment.</summary>
    /// <param name="first">The revision of its first record.</param>
    /// <param name="blockBytes">Room for records.</param>
    /// <param name="records">How many records are expected.</param>
    public LogSegment(Revision first, int blockBytes, int records)
    {
        First = first;
        _block = GC.AllocateUninitializedArray<byte>(blockBytes);
        _table = new Entry[records + 1];
    }

    /// <summary>The revision of the first record.</summary>
    public Revision First { get; }

    /// <summary>The main revision of the last record.</summary>
    public long LastMain => First.Main + _table[_count - 1].MainDelta;

    /// <summary>How many records.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Bytes in records, dead ones too.</summary>
    public int UsedBytes => (int)_table[_count].Offset;

    /// <summary>Bytes in dead records.</summary>
    public int DeadBytes { get; private set; }

    /// <summary>Bytes that the segment takes in memory.</summary>
    public long ReservedBytes => _block.Length + (_table.Length * 16L) + ((_dead?.Length ?? 0) * 8L);

    /// <summary>Room for one more record, or empty if there is none.</summary>
    public Span<byte> Reserve(Revision revision, int bytes)
    {
        int used = UsedBytes;
        bool fits = used + bytes <= _block.Length && revision.Main - First.Main < uint.MaxValue;
        return fits ? _block.AsSpan(used, bytes) : default;
    }

    /// <summary>Adds the record whose bytes were written to <see cref="Reserve"/>'s room.</summary>
    public ReadOnlyMemory<byte> Commit(Revision revision, int bytes, bool tombstone, uint key)
    {
        int at = _count;
        if (at + 1 == _table.Length)
            GrowTable();

        uint offset = _table[at].Offset;
        _table[at] = new Entry((uint)(revision.Main - First.Main), (uint)revision.Sub | (tombstone ? TombstoneBit : 0), offset, key);
        _table[at + 1].Offset = offset + (uint)bytes;
        Volatile.Write(ref _count, at + 1);
        return new ReadOnlyMemory<byte>(_block, (int)offset, bytes);
    }

    /// <summary>Gives back table room that a segment without further appends does not need.</summary>
    public void Seal()
    {
        if (_table.Length > _count + 1)
            Volatile.Write(ref _table, _table[..(_count + 1)]);
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
            RevisionOf(entry), (entry.SubAndFlags & TombstoneBit) != 0, IsDead(at), entry.Key, BytesOf(table, at));
    }

    /// <summary>The bytes of exactly this revision.</summary>
    public bool TryRead(Revision revision, out ReadOnlyMemory<byte> bytes)
    {
        int at = Seek(revision);
        Entry[] table = Volatile.Read(ref _table);
        if (at < Count && table[at].Order == OrderOf(revision))
        {
            bytes = BytesOf(table, at);
            return true;
        }

        bytes = default;
        return false;
    }

    /// <summary>Marks a record as dropped by compaction.</summary>
    public void MarkDead(Revision revision)
    {
        int at = Seek(revision);
        Invariant.Check(at < _count && _table[at].Order == OrderOf(revision) && !IsDead(at), "a dropped version has a live record");
        if (_dead is null || _dead.Length <= at >> 6)
            GrowDead(at);

        _dead![at >> 6] |= 1UL << (at & 63);
        DeadBytes += (int)(_table[at + 1].Offset - _table[at].Offset);
    }

    /// <summary>How many records are live.</summary>
    public int LiveCount()
    {
        int dead = 0;
        foreach (ulong bits in _dead ?? [])
            dead += BitOperations.PopCount(bits);

        return _count - dead;
    }

    /// <summary>Adds this segment's live records to another one that has room for them.</summary>
    public void CopyLiveTo(LogSegment to)
    {
        for (int at = 0; at < _count; at++)
        {
            if (IsDead(at))
                continue;

            LogRecord record = Read(at);
            record.Bytes.Span.CopyTo(to.Reserve(record.Revision, record.Bytes.Length));
            to.Commit(record.Revision, record.Bytes.Length, record.IsTombstone, record.Key);
        }
    }

    /// <summary>The revision of the first live record.</summary>
    public Revision FirstLive()
    {
        int at = 0;
        while (IsDead(at))
            at++;

        return RevisionOf(_table[at]);
    }

    /// <summary>The marks of dead records as they are now, in a copy; null if there is none.</summary>
    public ulong[]? CopyDead() => (ulong[]?)_dead?.Clone();

    /// <summary>What the store keeps and hashes of a record: a tombstone is its key alone.</summary>
    public static ReadOnlySpan<byte> Stored(in LogRecord record)
    {
        ReadOnlySpan<byte> bytes = record.Bytes.Span;
        if (!record.IsTombstone)
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

    private ReadOnlyMemory<byte> BytesOf(Entry[] table, int at) =>
        new(_block, (int)table[at].Offset, (int)(table[at + 1].Offset - table[at].Offset));

    private bool IsDead(int at)
    {
        ulong[]? dead = Volatile.Read(ref _dead);
        return dead is not null && at >> 6 < dead.Length && (dead[at >> 6] & (1UL << (at & 63))) != 0;
    }

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
