using System.Buffers.Binary;
using Etcd.Server.Io;
using Etcd.Server.Storage.Index;
using Etcd.Server.Storage.Log;

namespace Etcd.Server.Storage;

/// <summary>
/// etcd's hash of the key bucket, so that members of both kinds can be compared: CRC-32C over the bucket's name and, in
/// revision order, each record's revision key (8 bytes, '_', 8 bytes, and 't' for a tombstone) and stored bytes.
/// <para>
/// Of the records at or below the compaction revision only those count that a compaction to the hashed revision would keep;
/// if it would keep none at all, etcd filters nothing. Whether it keeps any is known only while walking, so until the first
/// such record is met two sums are kept. A tombstone at the compaction revision itself never counts: older versions of etcd
/// delete it and newer ones do not.
/// </para>
/// </summary>
/// <param name="index">The index.</param>
/// <param name="compactRevision">The compaction before the hashed state.</param>
/// <param name="revision">The last revision that counts.</param>
/// <param name="tombstonesKept">
/// Whether a tombstone at <paramref name="revision"/> is among the kept, which is so for the hash that a compaction makes and
/// not for one that is asked for.
/// </param>
internal struct HistoryHasher(KeyIndex index, long compactRevision, long revision, bool tombstonesKept)
{
    private readonly SegmentBytes _bytes = new();
    private uint _filtered = OfNothing;
    private uint _unfiltered = OfNothing;
    private bool _keepsAny;

    /// <summary>The hash before anything is added.</summary>
    public static uint OfNothing { get; } = Crc32C.Append(0, "key"u8);

    /// <summary>The hash of what was added.</summary>
    public readonly uint Value => _keepsAny ? _filtered : _unfiltered;

    /// <summary>Adds the next record; dead ones are passed over, and those that do not count are not read.</summary>
    public void Add(in LogRecord record)
    {
        if (record.IsDead)
            return;

        bool old = record.Revision.Main <= compactRevision;
        bool kept = (old || !_keepsAny) && IsKept(record);
        bool isFiltered = !old || kept;
        _keepsAny |= kept;
        if ((record.Revision.Main == compactRevision && record.IsTombstone) || (_keepsAny && !isFiltered))
            return;

        Span<byte> revisionKey = stackalloc byte[18];
        revisionKey = revisionKey[..WriteRevisionKey(revisionKey, record)];
        ReadOnlySpan<byte> stored = LogSegment.Stored(record.ReadBytes(_bytes), record.IsTombstone);
        if (isFiltered)
            _filtered = Crc32C.Append(Crc32C.Append(_filtered, revisionKey), stored);

        if (!_keepsAny)
            _unfiltered = Crc32C.Append(Crc32C.Append(_unfiltered, revisionKey), stored);
    }

    private static int WriteRevisionKey(Span<byte> to, in LogRecord record)
    {
        BinaryPrimitives.WriteInt64BigEndian(to, record.Revision.Main);
        to[8] = (byte)'_';
        BinaryPrimitives.WriteInt64BigEndian(to[9..], record.Revision.Sub);
        to[17] = (byte)'t';
        return record.IsTombstone ? 18 : 17;
    }

    private readonly bool IsKept(in LogRecord record)
    {
        if (record.IsTombstone && !(tombstonesKept && record.Revision.Main == revision))
            return false;

        return index.Versions.IsNewestAt(record.Key, record.Revision, revision);
    }
}
