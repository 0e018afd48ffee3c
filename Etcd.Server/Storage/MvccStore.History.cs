using Etcd.Server.Primitives;
using Etcd.Server.Storage.Index;
using Etcd.Server.Storage.Log;

namespace Etcd.Server.Storage;

/// <content>History for watchers.</content>
public sealed partial class MvccStore
{
    /// <inheritdoc/>
    public EventReadStatus ReadEvents(long fromRevision, int eventsMax, List<StoreEvent> into, out long nextRevision)
    {
        using EpochGate.Pin pin = Enter(out StoreState state);
        nextRevision = fromRevision;
        if (fromRevision < state.CompactRevision)
            return EventReadStatus.Compacted;

        int before = into.Count;
        int wholeRevisions = before;
        long reading = 0;
        var walker = new LogWalker(state.Segments, new Revision(fromRevision, 0));
        while (walker.TryNext(state.Revision, out LogRecord record))
        {
            if (record.Revision.Main != reading)
            {
                wholeRevisions = into.Count;
                reading = record.Revision.Main;
                nextRevision = reading;
            }

            // The pin keeps compaction from dropping what this read was promised, so a dead record here is one that a later
            // change of the same revision shadows. The mark of a bumped revision is no event of any key.
            if (record.IsDead || record.Length == 0)
                continue;

            bool isFirst = wholeRevisions == before;
            if (!isFirst && into.Count - before >= eventsMax)
            {
                into.RemoveRange(wholeRevisions, into.Count - wholeRevisions);
                return EventReadStatus.Ok;
            }

            into.Add(ToEvent(record));
        }

        nextRevision = Math.Max(fromRevision, state.Revision + 1);
        return EventReadStatus.Ok;
    }

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> PreviousKeyValue(ReadOnlySpan<byte> key, long revision)
    {
        using EpochGate.Pin pin = Enter(out StoreState state);
        long before = Math.Min(revision - 1, state.Revision);
        if (before < state.CompactRevision)
            return default;

        var reader = new IndexReader(state.Index, state.Root);
        return RangeExecutor.TryFind(state.Index, reader, key, before, out _, out KeyVersion version)
            ? RevisionLog.Read(state.Segments, version.Modified)
            : default;
    }

    private static StoreEvent ToEvent(in LogRecord record)
    {
        ReadOnlyMemory<byte> bytes = record.ReadBytes();
        KeyValueFields fields = KeyValueCodec.Read(bytes.Span);
        (int start, int length) = KeyValueCodec.KeyPlace(bytes.Span);
        ReadOnlyMemory<byte> key = bytes.Slice(start, length);
        return record.IsTombstone
            ? new StoreEvent(StoreEventType.Delete, record.Revision, key, bytes, IsCreate: false)
            : new StoreEvent(StoreEventType.Put, record.Revision, key, bytes, fields.CreateRevision == fields.ModRevision);
    }
}
