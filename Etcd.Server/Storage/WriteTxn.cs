using System.Runtime.InteropServices;
using Etcd.Server.Primitives;
using Etcd.Server.Storage.Index;
using Etcd.Server.Storage.Log;

namespace Etcd.Server.Storage;

/// <summary>What a put did.</summary>
/// <param name="Revision">The main revision that it took part in.</param>
/// <param name="PreviousLease">The lease that the key's version before named, or none.</param>
public readonly record struct PutOutcome(long Revision, LeaseId PreviousLease);

/// <summary>A deleted key that belonged to a lease.</summary>
/// <param name="Lease">The lease.</param>
/// <param name="Key">The key; valid for as long as it is held.</param>
public readonly record struct LeasedKey(LeaseId Lease, ReadOnlyMemory<byte> Key);

/// <summary>
/// One transaction on the store: all its changes take one main revision, one above the store's, and are numbered in the order
/// in which they are made. Its reads see its own changes. A transaction that changes nothing takes no revision. It cannot be
/// undone: whoever begins it has checked before what could be refused.
/// Threads: the writer's.
/// </summary>
public sealed class WriteTxn : IStoreReads
{
    private readonly MvccStore _store;
    private readonly List<uint> _found = [];
    private readonly List<LeasedKey> _detached = [];
    private long _changes;

    internal WriteTxn(MvccStore store) => _store = store;

    /// <summary>Whether it was begun and not ended.</summary>
    public bool IsOpen { get; private set; }

    /// <inheritdoc/>
    public long BaseRevision { get; private set; }

    /// <summary>The revision that reads inside the transaction see: the base, or one more once something has changed.</summary>
    public long Revision => _changes > 0 ? BaseRevision + 1 : BaseRevision;

    /// <inheritdoc/>
    public long CompactRevision => _store.WorkingState().CompactRevision;

    /// <summary>The keys of the last delete that belonged to leases, in key order.</summary>
    public ReadOnlySpan<LeasedKey> Detached => CollectionsMarshal.AsSpan(_detached);

    /// <inheritdoc/>
    public ReadStatus Range(in RangeQuery query, RangeResult result) =>
        RangeExecutor.Execute(_store.Index, _store.WorkingState() with { Revision = Revision }, query, result);

    /// <summary>Reads one key, with the transaction's own changes.</summary>
    /// <param name="key">The key.</param>
    /// <param name="record">Its encoded mvccpb.KeyValue.</param>
    /// <returns>Whether the key exists.</returns>
    public bool TryGet(ReadOnlySpan<byte> key, out ReadOnlyMemory<byte> record)
    {
        StoreState state = _store.WorkingState();
        if (RangeExecutor.TryFind(_store.Index, new IndexReader(_store.Index, state.Root), key, Revision, out _, out KeyVersion version))
        {
            record = RevisionLog.Read(state.Segments, version.Modified);
            return true;
        }

        record = default;
        return false;
    }

    /// <summary>Creates or changes a key.</summary>
    /// <param name="key">The key; copied. Not empty.</param>
    /// <param name="value">The value; copied.</param>
    /// <param name="lease">Its lease, or none.</param>
    /// <returns>What it did.</returns>
    public PutOutcome Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, LeaseId lease)
    {
        Revision revision = NextRevision();
        bool existed = _store.Index.Put(key, revision, !lease.IsNone, out KeyVersion previous, out uint handle);
        LeaseId previousLease = previous.HasLease ? LeaseOf(previous) : LeaseId.None;
        var fields = new KeyValueFields
        {
            Key = key,
            CreateRevision = existed ? previous.Created : revision.Main,
            ModRevision = revision.Main,
            Version = previous.Version + 1,
            Value = value,
            Lease = lease,
        };
        int size = KeyValueCodec.Size(fields);
        KeyValueCodec.Write(_store.Log.Reserve(revision, size), fields);
        ReadOnlyMemory<byte> record = _store.Log.Commit(revision, size, tombstone: false, handle);
        Emit(StoreEventType.Put, revision, record, isCreate: fields.CreateRevision == revision.Main);
        return new PutOutcome(revision.Main, previousLease);
    }

    /// <summary>Deletes one key or a range, in key order. <see cref="Detached"/> then names those that had leases.</summary>
    /// <param name="key">The key, or the first of the range.</param>
    /// <param name="rangeEnd">As in <see cref="RangeQuery.RangeEnd"/>.</param>
    /// <returns>How many keys existed and are deleted.</returns>
    public long DeleteRange(ReadOnlySpan<byte> key, ReadOnlySpan<byte> rangeEnd)
    {
        Invariant.Check(IsOpen, "a transaction is begun before it writes");
        _detached.Clear();
        if (rangeEnd.IsEmpty)
            return Delete(key) ? 1 : 0;

        CollectLive(new KeyRange(key, rangeEnd));
        foreach (uint handle in _found)
            Delete(KeyRecord.Span(_store.Index.Slabs, handle));

        return _found.Count;
    }

    /// <summary>Ends the transaction. What it changed waits for <see cref="MvccStore.Publish"/>.</summary>
    /// <returns>The store's revision after it.</returns>
    public long End()
    {
        Invariant.Check(IsOpen, "a transaction is ended once");
        IsOpen = false;
        _detached.Clear();
        long revision = Revision;
        _store.Ended(revision);
        return revision;
    }

    /// <summary>It is never ended.</summary>
    internal void Abandon()
    {
        IsOpen = false;
        _detached.Clear();
        _found.Clear();
    }

    internal void Start(long baseRevision)
    {
        Invariant.Check(!IsOpen, "one transaction at a time");
        IsOpen = true;
        BaseRevision = baseRevision;
        _changes = 0;
        _detached.Clear();
    }

    private Revision NextRevision()
    {
        Invariant.Check(IsOpen, "a transaction is begun before it writes");
        return new Revision(BaseRevision + 1, _changes++);
    }

    private void CollectLive(KeyRange range)
    {
        _found.Clear();
        var walker = new IndexReader(_store.Index, _store.WorkingState().Root).From(range.Start);
        for (; walker.IsValid && range.EndsAfter(KeyRecord.Span(_store.Index.Slabs, walker.Key)); walker.Next())
        {
            if (walker.IsLive)
                _found.Add(walker.Key);
        }
    }

    private bool Delete(ReadOnlySpan<byte> key)
    {
        var revision = new Revision(BaseRevision + 1, _changes);
        if (!_store.Index.Delete(key, revision, out KeyVersion previous, out uint handle))
            return false;

        _changes++;
        var fields = new KeyValueFields { Key = key, ModRevision = revision.Main };
        int size = KeyValueCodec.Size(fields);
        KeyValueCodec.Write(_store.Log.Reserve(revision, size), fields);
        ReadOnlyMemory<byte> record = _store.Log.Commit(revision, size, tombstone: true, handle);
        if (previous.HasLease)
            _detached.Add(new LeasedKey(LeaseOf(previous), KeyOf(record)));

        Emit(StoreEventType.Delete, revision, record, isCreate: false);
        return true;
    }

    private LeaseId LeaseOf(in KeyVersion version) =>
        KeyValueCodec.Read(RevisionLog.Read(_store.Log.Segments, version.Modified).Span).Lease;

    private void Emit(StoreEventType type, Revision revision, ReadOnlyMemory<byte> record, bool isCreate) =>
        _store.Events.Add(new StoreEvent(type, revision, KeyOf(record), record, isCreate));

    private static ReadOnlyMemory<byte> KeyOf(ReadOnlyMemory<byte> record)
    {
        (int start, int length) = KeyValueCodec.KeyPlace(record.Span);
        return record.Slice(start, length);
    }
}
