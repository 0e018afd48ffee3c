using Etcd.Server.Primitives;

namespace Etcd.Server.Storage;

/// <summary>What happened to a key (mvccpb.Event.EventType's numbers).</summary>
public enum StoreEventType : byte
{
    /// <summary>The key was created or changed.</summary>
    Put = 0,

    /// <summary>The key was deleted, by a client or by its lease's end.</summary>
    Delete = 1,
}

/// <summary>
/// One change as watchers see it. Immutable; the memory stays valid for as long as someone holds it.
/// </summary>
/// <param name="Type">Put or delete.</param>
/// <param name="Revision">Where it stands in history.</param>
/// <param name="Key">The key.</param>
/// <param name="KeyValue">
/// The bytes of the mvccpb.KeyValue for the event: what was stored for a put; for a delete the key and its
/// mod_revision, which the stored tombstone does not carry.
/// </param>
/// <param name="IsCreate">A put of a key that did not exist before.</param>
public readonly record struct StoreEvent(
    StoreEventType Type,
    Revision Revision,
    ReadOnlyMemory<byte> Key,
    ReadOnlyMemory<byte> KeyValue,
    bool IsCreate);

/// <summary>How a read of history ended.</summary>
public enum EventReadStatus
{
    /// <summary>Events were delivered, or there were none.</summary>
    Ok,

    /// <summary>The first wanted revision is compacted: the history is incomplete.</summary>
    Compacted,
}

/// <summary>
/// History as the watch room needs it. Callable from any thread at any time; never blocks a writer and is never blocked
/// by one.
/// </summary>
public interface IEventHistory
{
    /// <summary>The newest revision that is visible to readers.</summary>
    long CurrentRevision { get; }

    /// <summary>Everything below is compacted. A watch may begin at this revision, not below it.</summary>
    long CompactRevision { get; }

    /// <summary>
    /// Appends the events of the revisions from <paramref name="fromRevision"/> on to <paramref name="into"/>, in order,
    /// revision by revision: a revision is delivered whole or not at all.
    /// </summary>
    /// <param name="fromRevision">The first revision wanted.</param>
    /// <param name="eventsMax">Stop before a revision that would exceed this, unless it is the first one.</param>
    /// <param name="into">Receives the events.</param>
    /// <param name="nextRevision">Where to go on: all events below it were delivered.</param>
    /// <returns>Ok, or Compacted with nothing delivered.</returns>
    EventReadStatus ReadEvents(long fromRevision, int eventsMax, List<StoreEvent> into, out long nextRevision);

    /// <summary>
    /// The mvccpb.KeyValue bytes that <paramref name="key"/> had just before <paramref name="revision"/>; empty if it did
    /// not exist, or if that state is compacted.
    /// </summary>
    /// <param name="key">The key.</param>
    /// <param name="revision">The main revision of the change.</param>
    /// <returns>The bytes, or empty.</returns>
    ReadOnlyMemory<byte> PreviousKeyValue(ReadOnlySpan<byte> key, long revision);
}

/// <summary>Receives what each applied batch changed. Called by the apply thread, in order, after readers can see it.</summary>
public interface IEventSink
{
    /// <summary>Takes a batch; it must not block and must not keep the span.</summary>
    /// <param name="events">The batch's events in order; whole revisions.</param>
    /// <param name="revision">The store's revision after the batch, which is higher than the last event's if the batch changed nothing.</param>
    void OnCommitted(ReadOnlySpan<StoreEvent> events, long revision);

    /// <summary>
    /// The store holds another state now, whose revision is not below what was delivered: what happened in between is in its
    /// history only.
    /// </summary>
    void OnStoreReplaced();
}
