using Etcd.Server.Io;
using Etcd.Server.Primitives;
using Etcd.Server.Storage.Index;
using Etcd.Server.Storage.Log;

namespace Etcd.Server.Storage.Disk;

/// <summary>
/// Makes the state of a checkpoint from the indexes of its runs: reads no record. The runs' indexes, each in the order of its keys,
/// are merged, so that the key index gets its keys in ascending order.
/// </summary>
internal sealed class StoreLoader
{
    private readonly StoreImport _import;
    private readonly KeyIndexBuilder _index;
    private readonly KeyMerge _merge;

    private StoreLoader(StoreImport import, List<ExtentIndex.KeyCursor> runs)
    {
        _import = import;
        _index = new KeyIndexBuilder(import.Index);
        _merge = new KeyMerge(runs);
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
                segments[i] = Open(file, extent, cache, cursors);
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
            new StoreLoader(import, cursors).Merge();
        }
        catch (InvalidDataException e)
        {
            throw new StoreException(StoreError.Corrupt, "store: " + e.Message, folder.FolderPath);
        }

        return import;
    }

    private static LogSegment Open(StoreFile file, in ManifestExtent extent, PageCache cache, List<ExtentIndex.KeyCursor> cursors)
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

        var cursor = new ExtentIndex.KeyCursor(index, keys, segment);
        if (cursor.MoveNext())
            cursors.Add(cursor);

        return segment;
    }

    private void Merge()
    {
        var leased = new List<LeasedKey>();
        byte[] key = [];
        LeaseId lease = LeaseId.None;
        for (; _merge.Current is { } top; _merge.MoveNext())
        {
            if (!lease.IsNone && !top.Key.SequenceEqual(key))
            {
                leased.Add(new LeasedKey(lease, key));
                lease = LeaseId.None;
            }

            Add(top);
            lease = top.Record.IsTombstone ? LeaseId.None : top.Lease;
            if (!lease.IsNone)
                key = top.Key.ToArray();
        }

        if (!lease.IsNone)
            leased.Add(new LeasedKey(lease, key));

        _index.Finish();
        _import.Leased = leased;
    }

    private void Add(ExtentIndex.KeyCursor top)
    {
        LogRecord record = top.Record;
        var version = new KeyVersion(record.Revision, top.Created, top.Version, record.IsTombstone, !top.Lease.IsNone);
        if (!_index.TryAdd(top.Key, version, out uint handle))
            throw new InvalidDataException($"the record of revision {record.Revision} deletes a key that does not exist");

        top.Segment.SetKey(top.At, handle);
    }
}
