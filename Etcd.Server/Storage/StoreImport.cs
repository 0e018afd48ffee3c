using Etcd.Server.Primitives;
using Etcd.Server.Storage.Disk;
using Etcd.Server.Storage.Index;
using Etcd.Server.Storage.Log;

namespace Etcd.Server.Storage;

/// <summary>
/// A state that is being built from a stored history, to take the place of a store's (<see cref="MvccStore.Replace"/>). The
/// records come in the order of history. Nothing of it is visible before, so it may be built by any one thread.
/// </summary>
public sealed class StoreImport
{
    // What is in memory at a time while a state is built.
    private const long UnwrittenBytesMax = 8L << 20;

    private Revision _last;

    /// <summary>Begins with nothing, in memory.</summary>
    public StoreImport()
        : this(null)
    {
    }

    internal StoreImport(SegmentWriter? writer)
    {
        Writer = writer;
        Log = new RevisionLog();
    }

    internal StoreImport(RevisionLog log, IReadOnlyList<StoreFile> files, long revision)
    {
        Log = log;
        Files = files;
        _last = new Revision(revision, 0);
    }

    internal KeyIndex Index { get; } = new();

    internal RevisionLog Log { get; }

    /// <summary>Who writes it into files; null if it stays in memory.</summary>
    internal SegmentWriter? Writer { get; }

    /// <summary>The files that it was loaded from.</summary>
    internal IReadOnlyList<StoreFile> Files { get; } = [];

    /// <summary>The keys with leases, where they are known already.</summary>
    internal IReadOnlyList<LeasedKey>? Leased { get; set; }

    /// <summary>The last revision that was added; 1, the empty store's, if none was.</summary>
    public long Revision => Math.Max(1, _last.Main);

    /// <summary>Adds a record.</summary>
    /// <param name="revision">Its place in history, above all before.</param>
    /// <param name="isTombstone">Whether it deletes its key.</param>
    /// <param name="stored">
    /// What was kept of it: the exact bytes of a mvccpb.KeyValue, of a tombstone with the key only. Empty for a revision that was
    /// bumped, which stands in history as a version of the key without a name.
    /// </param>
    /// <exception cref="InvalidDataException">It is no such record, or does not follow on the ones before.</exception>
    public void Add(Revision revision, bool isTombstone, ReadOnlySpan<byte> stored)
    {
        if (revision <= _last || revision.Main < 1 || revision.Sub is < 0 or > int.MaxValue)
            throw new InvalidDataException($"revision {revision} does not follow {_last}");

        if (!KeyValueCodec.TryRead(stored, out KeyValueFields fields))
            throw new InvalidDataException($"the record of revision {revision} is not an encoded KeyValue");

        if (isTombstone)
            AddTombstone(revision, fields.Key);
        else
            AddPut(revision, fields, stored);

        _last = revision;
        if (Writer is not null && Log.UnwrittenBytes >= UnwrittenBytesMax)
            WriteOut(Writer);
    }

    /// <summary>It will not be used: what was written of it goes.</summary>
    public void GiveUp() => Writer?.Undo();

    private void WriteOut(SegmentWriter writer)
    {
        Log.SealLast();
        int first = Log.FirstUnwritten();
        SegmentSource[] sources = Array.ConvertAll(Log.Segments[first..], static s => new SegmentSource(s, null));
        Log.Replace(first, sources, writer.Copy(sources, keepBlocks: false));
    }

    private void AddPut(Revision revision, in KeyValueFields fields, ReadOnlySpan<byte> stored)
    {
        if (fields.Key.IsEmpty != stored.IsEmpty || fields.Version is < 0 or > KeyVersions.VersionMax)
            throw new InvalidDataException($"the record of revision {revision} has no key, or version {fields.Version}");

        var version = new KeyVersion(revision, fields.CreateRevision, fields.Version, IsTombstone: false, !fields.Lease.IsNone);
        Index.Restore(fields.Key, version, out uint handle);
        stored.CopyTo(Log.Reserve(revision, stored.Length));
        Log.Commit(revision, stored.Length, tombstone: false, handle);
    }

    // In the log a tombstone carries the revision, for the watchers.
    private void AddTombstone(Revision revision, ReadOnlySpan<byte> key)
    {
        var version = new KeyVersion(revision, Created: 0, Version: 0, IsTombstone: true, HasLease: false);
        if (key.IsEmpty || !Index.Restore(key, version, out uint handle))
            throw new InvalidDataException($"the record of revision {revision} deletes a key that does not exist");

        var fields = new KeyValueFields { Key = key, ModRevision = revision.Main };
        int size = KeyValueCodec.Size(fields);
        KeyValueCodec.Write(Log.Reserve(revision, size), fields);
        Log.Commit(revision, size, tombstone: true, handle);
    }

    /// <summary>The keys that exist at the end and name a lease, in key order.</summary>
    public IEnumerable<LeasedKey> LeasedKeys()
    {
        if (Leased is not null)
            return Leased;

        var found = new List<LeasedKey>();
        for (IndexWalker walker = new IndexReader(Index, Index.Root).From(default); walker.IsValid; walker.Next())
        {
            if (!walker.IsLive)
                continue;

            KeyVersion version = Index.Versions.Newest(walker.Key);
            if (!version.HasLease)
                continue;

            // A copy: the lease room keeps it for as long as the lease lives.
            KeyValueFields fields = KeyValueCodec.Read(RevisionLog.Read(Log.Segments, version.Modified).Span);
            found.Add(new LeasedKey(fields.Lease, fields.Key.ToArray()));
        }

        return found;
    }
}
