using Etcd.Server.Primitives;
using Etcd.Server.Storage.Index;
using Etcd.Server.Storage.Log;

namespace Etcd.Server.Storage.Disk;

/// <summary>
/// The index behind a run of records: all that a restart needs of it, so that it reads no values. Three parts
/// (docs/storage-format.md): the records in the order of history with their lengths; the CRCs of the pages of their bytes; and the
/// records in the order of their keys, with what the key index must know.
/// </summary>
internal static class ExtentIndex
{
    private const byte IsNewKey = 1;
    private const byte HasLease = 2;

    /// <summary>Writes the index of a segment.</summary>
    /// <param name="to">Receives it.</param>
    /// <param name="segment">The segment, sealed, none of it dead.</param>
    /// <param name="data">Its records' bytes.</param>
    /// <param name="pageCrcs">The CRCs of the pages of <paramref name="data"/>.</param>
    public static void Write(ByteWriter to, LogSegment segment, ReadOnlyMemory<byte> data, uint[] pageCrcs)
    {
        WriteTable(to, segment);
        to.WriteVarint((ulong)pageCrcs.Length);
        foreach (uint crc in pageCrcs)
            to.WriteFixed32(crc);

        WriteKeys(to, segment, data);
    }

    /// <summary>Reads the first two parts.</summary>
    /// <param name="index">The index, whose CRC was checked.</param>
    /// <param name="first">The first record's revision.</param>
    /// <param name="pageCrcs">The CRCs of the pages.</param>
    /// <param name="keys">Where the third part begins.</param>
    /// <returns>The segment, whose records belong to no keys yet.</returns>
    public static LogSegment ReadTable(ReadOnlySpan<byte> index, Revision first, out uint[] pageCrcs, out int keys)
    {
        var reader = new ByteReader(index);
        int count = reader.ReadInt();
        if (count == 0 || count > index.Length)
            throw new InvalidDataException($"{count} records");

        var segment = new LogSegment(first, blockBytes: -1, count);
        long main = first.Main;
        for (int at = 0; at < count; at++)
        {
            main += (long)reader.ReadVarint();
            ulong subAndKind = reader.ReadVarint();
            segment.Append(new Revision(main, (long)(subAndKind >> 1)), reader.ReadInt(), (subAndKind & 1) != 0, key: 0);
        }

        pageCrcs = new uint[reader.ReadInt()];
        for (int page = 0; page < pageCrcs.Length; page++)
            pageCrcs[page] = reader.ReadFixed32();

        keys = index.Length - reader.Left;
        return segment;
    }

    private static void WriteTable(ByteWriter to, LogSegment segment)
    {
        to.WriteVarint((ulong)segment.Count);
        long main = segment.First.Main;
        for (int at = 0; at < segment.Count; at++)
        {
            LogRecord record = segment.Read(at);
            to.WriteVarint((ulong)(record.Revision.Main - main));
            to.WriteVarint(((ulong)record.Revision.Sub << 1) | (record.IsTombstone ? 1UL : 0));
            to.WriteVarint((ulong)record.Length);
            main = record.Revision.Main;
        }
    }

    private static void WriteKeys(ByteWriter to, LogSegment segment, ReadOnlyMemory<byte> memory)
    {
        ReadOnlySpan<byte> data = memory.Span;
        int count = segment.Count;
        var places = new (int Start, int Length)[count];
        for (int at = 0; at < count; at++)
        {
            LogRecord record = segment.Read(at);
            int offset = segment.OffsetOf(at);
            (int start, int length) = record.Length == 0 ? (0, 0) : KeyValueCodec.KeyPlace(data.Slice(offset, record.Length));
            places[at] = (offset + start, length);
        }

        ReadOnlySpan<byte> before = default;
        foreach (int at in SortedByKey(places, memory))
        {
            ReadOnlySpan<byte> key = data.Slice(places[at].Start, places[at].Length);
            int shared = before.CommonPrefixLength(key);
            to.WriteVarint((ulong)shared);
            to.WriteBytes(key[shared..]);
            to.WriteVarint((ulong)at);
            LogRecord record = segment.Read(at);
            if (!record.IsTombstone)
                WriteVersion(to, record, data.Slice(segment.OffsetOf(at), record.Length));

            before = key;
        }
    }

    private static void WriteVersion(ByteWriter to, in LogRecord record, ReadOnlySpan<byte> bytes)
    {
        KeyValueFields fields = KeyValueCodec.Read(bytes);
        bool isNew = fields.CreateRevision == record.Revision.Main && fields.Version == 1;
        to.Take(1)[0] = (byte)((isNew ? IsNewKey : 0) | (fields.Lease.IsNone ? 0 : HasLease));
        if (!isNew)
        {
            to.WriteVarint((ulong)(record.Revision.Main - fields.CreateRevision));
            to.WriteVarint((ulong)fields.Version);
        }

        if (!fields.Lease.IsNone)
            to.WriteVarint((ulong)fields.Lease.Value);
    }

    // By eight bytes of each key behind what all of them share, as numbers; the keys themselves decide only where those tie.
    private static int[] SortedByKey((int Start, int Length)[] places, ReadOnlyMemory<byte> data)
    {
        ReadOnlySpan<byte> bytes = data.Span;
        ReadOnlySpan<byte> shared = bytes.Slice(places[0].Start, places[0].Length);
        foreach ((int start, int length) in places)
            shared = shared[..shared.CommonPrefixLength(bytes.Slice(start, length))];

        var order = new int[places.Length];
        var chunks = new ulong[places.Length];
        for (int at = 0; at < order.Length; at++)
        {
            order[at] = at;
            chunks[at] = KeyRecord.Chunk(bytes.Slice(places[at].Start, places[at].Length), shared.Length);
        }

        Array.Sort(chunks, order);
        for (int from = 0, to; from < order.Length; from = to)
        {
            to = from + 1;
            while (to < order.Length && chunks[to] == chunks[from])
                to++;

            if (to - from > 1)
                SortTies(order.AsMemory(from, to - from), places, data);
        }

        return order;
    }

    // By itself, because a method that makes a closure allocates it on every path.
    private static void SortTies(Memory<int> order, (int Start, int Length)[] places, ReadOnlyMemory<byte> data) =>
        order.Span.Sort((a, b) => ByKey(a, b, places, data.Span));

    private static int ByKey(int a, int b, (int Start, int Length)[] places, ReadOnlySpan<byte> bytes)
    {
        int byKey = bytes.Slice(places[a].Start, places[a].Length).SequenceCompareTo(bytes.Slice(places[b].Start, places[b].Length));
        return byKey != 0 ? byKey : a.CompareTo(b);
    }

    /// <summary>Goes through the third part of an index.</summary>
    public sealed class KeyCursor(byte[] index, int start, LogSegment segment)
    {
        private byte[] _key = new byte[64];
        private int _keyLength;
        private int _next = start;

        /// <summary>The segment.</summary>
        public LogSegment Segment => segment;

        /// <summary>The key.</summary>
        public ReadOnlySpan<byte> Key => _key.AsSpan(0, _keyLength);

        /// <summary>The record's position in the segment.</summary>
        public int At { get; private set; }

        /// <summary>The record.</summary>
        public LogRecord Record { get; private set; }

        /// <summary>The revision that created the key.</summary>
        public long Created { get; private set; }

        /// <summary>The version.</summary>
        public long Version { get; private set; }

        /// <summary>The lease, or none.</summary>
        public LeaseId Lease { get; private set; }

        /// <summary>Goes to the next record that is not dead.</summary>
        /// <returns>False if there is none.</returns>
        public bool MoveNext()
        {
            while (_next < index.Length)
            {
                Take();
                if (!Record.IsDead)
                    return true;
            }

            return false;
        }

        private void Take()
        {
            var reader = new ByteReader(index.AsSpan(_next));
            int shared = reader.ReadInt();
            ReadOnlySpan<byte> rest = reader.ReadBytes();
            if (shared > _keyLength)
                throw new InvalidDataException("a key shares more than there is");

            if (shared + rest.Length > _key.Length)
                Array.Resize(ref _key, Math.Max(_key.Length * 2, shared + rest.Length));

            rest.CopyTo(_key.AsSpan(shared));
            _keyLength = shared + rest.Length;
            At = reader.ReadInt();
            if (At >= segment.Count)
                throw new InvalidDataException("a key names a record that is not there");

            Record = segment.Read(At);
            Created = Version = 0;
            Lease = LeaseId.None;
            if (!Record.IsTombstone)
                TakeVersion(ref reader);

            _next = index.Length - reader.Left;
        }

        private void TakeVersion(ref ByteReader reader)
        {
            byte flags = reader.Read(1)[0];
            bool isNew = (flags & IsNewKey) != 0;
            Created = isNew ? Record.Revision.Main : Record.Revision.Main - (long)reader.ReadVarint();
            Version = isNew ? 1 : (long)reader.ReadVarint();
            if ((flags & HasLease) != 0)
                Lease = new LeaseId((long)reader.ReadVarint());
        }
    }
}
