using Etcd.Server.Io;
using Etcd.Server.Primitives;
using Etcd.Server.Storage.Log;

namespace Etcd.Server.Storage.Disk;

/// <summary>
/// Makes the state of a checkpoint from the indexes of its runs: reads no record. The runs' indexes, each in the order of its keys,
/// are merged, so that the key index gets its keys in ascending order.
/// </summary>
internal sealed class StoreLoader
{
    private readonly StoreImport _import;
    private readonly LogSegment[] _segments;
    private readonly ExtentIndex.KeyCursor[] _heap;
    private int _size;

    private StoreLoader(StoreImport import, LogSegment[] segments, List<ExtentIndex.KeyCursor> cursors)
    {
        _import = import;
        _segments = segments;
        _heap = [.. cursors];
        _size = _heap.Length;
    }

    /// <summary>Loads the folder's newest checkpoint.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="cache">For reads of the records.</param>
    /// <exception cref="StoreException">A file is missing or damaged.</exception>
    public static StoreImport Load(StoreFolder folder, PageCache cache)
    {
        var files = new Dictionary<ulong, StoreFile>();
        try
        {
            return Load(folder, cache, files);
        }
        catch (StoreException)
        {
            // Another state may come in this one's place, and the files go then.
            foreach (StoreFile file in files.Values)
                folder.Unopen(file);

            throw;
        }
    }

    private static StoreImport Load(StoreFolder folder, PageCache cache, Dictionary<ulong, StoreFile> files)
    {
        Manifest manifest = folder.Current!;
        var segments = new LogSegment[manifest.Extents.Count];
        var cursors = new List<ExtentIndex.KeyCursor>(segments.Length);
        var last = default(Revision);
        for (int i = 0; i < segments.Length; i++)
        {
            ManifestExtent extent = manifest.Extents[i];
            if (!files.TryGetValue(extent.File, out StoreFile? file))
                files.Add(extent.File, file = folder.OpenFile(extent.File));

            try
            {
                segments[i] = Open(file, extent, cache, i, cursors);
                if (segments[i].First <= last)
                    throw new InvalidDataException($"the run of {segments[i].First} does not follow {last}");

                last = segments[i].Last;
            }
            catch (InvalidDataException e)
            {
                throw new StoreException(StoreError.Corrupt, "store: " + e.Message, file.Path, extent.Place.Offset + extent.Place.DataBytes);
            }
        }

        var import = new StoreImport(new RevisionLog(segments), [.. files.Values], manifest.Revision);
        try
        {
            new StoreLoader(import, segments, cursors).Merge();
        }
        catch (InvalidDataException e)
        {
            throw new StoreException(StoreError.Corrupt, "store: " + e.Message, folder.FolderPath);
        }

        return import;
    }

    private static LogSegment Open(StoreFile file, in ManifestExtent extent, PageCache cache, int number, List<ExtentIndex.KeyCursor> cursors)
    {
        ExtentPlace place = extent.Place;
        byte[] index = GC.AllocateUninitializedArray<byte>(place.IndexBytes);
        file.ReadExactly(index, place.Offset + place.DataBytes);
        if (Crc32C.Append(0, index) != place.IndexCrc)
            throw new StoreException(StoreError.Corrupt, "store: checksum mismatch of an index", file.Path, place.Offset + place.DataBytes);

        LogSegment segment = ExtentIndex.ReadTable(index, extent.First, out uint[] crcs, out int keys);
        if (segment.UsedBytes != place.DataBytes || crcs.Length != (place.DataBytes + StoreFormat.PageBytes - 1) / StoreFormat.PageBytes)
            throw new InvalidDataException("the index is of other records");

        segment.Place(new Extent(cache, file, place, crcs));
        if (extent.Dead is { } dead)
            segment.SetDead(dead);

        var cursor = new ExtentIndex.KeyCursor(index, keys, number, segment);
        if (cursor.MoveNext())
            cursors.Add(cursor);

        return segment;
    }

    private void Merge()
    {
        for (int at = (_size / 2) - 1; at >= 0; at--)
            Sift(at);

        var leased = new List<LeasedKey>();
        byte[] key = [];
        LeaseId lease = LeaseId.None;
        while (_size > 0)
        {
            ExtentIndex.KeyCursor top = _heap[0];
            if (!lease.IsNone && !top.Key.SequenceEqual(key))
            {
                leased.Add(new LeasedKey(lease, key));
                lease = LeaseId.None;
            }

            Add(top);
            lease = top.Record.IsTombstone ? LeaseId.None : top.Lease;
            if (!lease.IsNone)
                key = top.Key.ToArray();

            if (!top.MoveNext())
                _heap[0] = _heap[--_size];

            Sift(0);
        }

        if (!lease.IsNone)
            leased.Add(new LeasedKey(lease, key));

        _import.Leased = leased;
    }

    private void Add(ExtentIndex.KeyCursor top)
    {
        LogRecord record = top.Record;
        var version = new Index.KeyVersion(record.Revision, top.Created, top.Version, record.IsTombstone, !top.Lease.IsNone);
        if (!_import.Index.Restore(top.Key, version, out uint handle))
            throw new InvalidDataException($"the record of revision {record.Revision} deletes a key that does not exist");

        _segments[top.Number].SetKey(top.At, handle);
    }

    private void Sift(int at)
    {
        if (_size == 0)
            return;

        ExtentIndex.KeyCursor moved = _heap[at];
        while (true)
        {
            int child = (2 * at) + 1;
            if (child >= _size)
                break;

            if (child + 1 < _size && IsBefore(_heap[child + 1], _heap[child]))
                child++;

            if (!IsBefore(_heap[child], moved))
                break;

            _heap[at] = _heap[child];
            at = child;
        }

        _heap[at] = moved;
    }

    // Of one key, the earlier run has the earlier revisions.
    private static bool IsBefore(ExtentIndex.KeyCursor a, ExtentIndex.KeyCursor b)
    {
        int order = a.Key.SequenceCompareTo(b.Key);
        return order != 0 ? order < 0 : a.Number < b.Number;
    }
}
