using Etcd.Server.Storage;

namespace Etcd.Server.Watch;

/// <summary>
/// One event as it is shared by every watcher that gets it: one object, whose bytes were serialized by the store once.
/// What a response adds per event is a few bytes of framing. Only who has the hub's turn looks up the previous value; what was
/// handed out never changes.
/// </summary>
internal sealed class WatchEvent
{
    private readonly StoreEvent _event;
    private ReadOnlyMemory<byte> _previous;
    private bool _previousKnown;

    public WatchEvent(in StoreEvent source) => _event = source;

    /// <summary>The change that it tells of.</summary>
    public StoreEvent Source => _event;

    public long Revision => _event.Revision.Main;

    public ReadOnlyMemory<byte> Key => _event.Key;

    /// <summary>Memory that is held on to for as long as this event is kept, but for a previous value.</summary>
    public int RetainedBytes => _event.Key.Length + _event.KeyValue.Length;

    /// <summary>Whether a previous value was found.</summary>
    public bool HasPrevious => _previous.Length > 0;

    public bool IsLeftOutBy(WatchFilters filters) =>
        (filters & (_event.Type == StoreEventType.Put ? WatchFilters.NoPut : WatchFilters.NoDelete)) != 0;

    /// <summary>Looks the previous value up once for all watchers; none is found if it is compacted, as in etcd.</summary>
    public void LoadPrevious(IEventHistory history)
    {
        if (_previousKnown)
        {
            return;
        }

        _previousKnown = true;
        if (!_event.IsCreate)
        {
            _previous = history.PreviousKeyValue(_event.Key.Span, _event.Revision.Main);
        }
    }

    /// <summary>The same event for one who may not have the previous value any more.</summary>
    public WatchEvent WithoutPrevious() => new(_event) { _previousKnown = true };

    /// <summary>The size of the mvccpb.Event, without the tag and length that a response puts before it.</summary>
    public int EncodedSize(bool withPrevious) =>
        (_event.Type == StoreEventType.Delete ? 2 : 0)
        + WatchWire.FieldSize(_event.KeyValue.Length)
        + (withPrevious && _previous.Length > 0 ? WatchWire.FieldSize(_previous.Length) : 0);

    /// <summary>Writes the event as field 11 of a WatchResponse.</summary>
    public void WriteTo(ref WatchWire wire, bool withPrevious)
    {
        wire.Length(WatchWire.EventsTag, EncodedSize(withPrevious));
        if (_event.Type == StoreEventType.Delete)
        {
            wire.Varint(WatchWire.EventTypeTag, (ulong)StoreEventType.Delete);
        }

        wire.Bytes(WatchWire.EventKeyValueTag, _event.KeyValue.Span);
        if (withPrevious && _previous.Length > 0)
        {
            wire.Bytes(WatchWire.EventPreviousTag, _previous.Span);
        }
    }
}
