using Etcd.Server.Storage;

namespace Etcd.Server.Watch;

/// <summary>
/// Where the apply thread leaves what it committed and the hub's thread picks it up. The apply thread copies event values
/// into a list under a lock that the other side holds only to swap that list. Nothing is kept while nobody watches, nor
/// beyond the bounds; the taker is told that there is a gap, and reads it from history.
/// </summary>
internal sealed class CommitInbox(long revision, int eventsMax, long bytesMax)
{
    private readonly Lock _gate = new();
    private List<StoreEvent> _filling = [];
    private long _revision = revision;
    private long _bytes;
    private int _listeners;
    private bool _gap;

    /// <summary>Whether anybody wants the events; decides about waking the hub's thread.</summary>
    public bool HasListeners => Volatile.Read(ref _listeners) > 0;

    /// <summary>One more (or one fewer) stream is open.</summary>
    public void Listen(int delta)
    {
        lock (_gate)
        {
            _listeners += delta;
            if (_listeners == 0)
            {
                Drop();
            }
        }
    }

    /// <summary>Apply thread: a batch was committed.</summary>
    public void Add(ReadOnlySpan<StoreEvent> events, long revision)
    {
        lock (_gate)
        {
            _revision = revision;
            if (events.IsEmpty || _gap)
            {
                return;
            }

            if (_listeners == 0 || _filling.Count + events.Length > eventsMax || _bytes > bytesMax)
            {
                Drop();
                return;
            }

            foreach (ref readonly StoreEvent e in events)
            {
                _filling.Add(e);
                _bytes += e.Key.Length + e.KeyValue.Length;
            }
        }
    }

    /// <summary>The store holds another state now: what happened between is only in its history.</summary>
    public void Replaced(long revision)
    {
        lock (_gate)
        {
            _revision = revision;
            Drop();
        }
    }

    /// <summary>
    /// Hub's thread: takes all events since the last call, in exchange for an empty list.
    /// </summary>
    /// <param name="taken">Receives the events.</param>
    /// <param name="revision">The revision up to which they go.</param>
    /// <returns>False if events are missing; then there are none in the list.</returns>
    public bool Take(ref List<StoreEvent> taken, out long revision)
    {
        lock (_gate)
        {
            bool complete = !_gap;
            (taken, _filling) = (_filling, taken);
            revision = _revision;
            _bytes = 0;
            // Without listeners the next batch will not be kept, so its revision would seem to have no events.
            _gap = _listeners == 0;
            return complete;
        }
    }

    private void Drop()
    {
        _filling.Clear();
        _bytes = 0;
        _gap = true;
    }
}
