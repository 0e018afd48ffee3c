using System.Runtime.InteropServices;
using Etcd.Server.Storage;

namespace Etcd.Server.Watch;

/// <summary>
/// Where the apply thread leaves what it committed and the hub picks it up. Nobody waits for anybody: what has gathered is one
/// object, which each side takes by one exchange; whoever finds it gone has nothing to do with it now. Nothing is kept while
/// nobody watches, nor beyond the bounds; the taker is told that there is a gap, and reads it from history.
/// </summary>
internal sealed class CommitInbox(int eventsMax, long bytesMax)
{
    /// <summary>From so many events on they are to be taken though nobody waits for them: their place is the ring.</summary>
    private const int Plenty = 1024;

    private CommittedBatch? _gathered;
    private CommittedBatch? _spare;
    private int _listeners;

    /// <summary>Whether anybody wants the events.</summary>
    public bool HasListeners => Volatile.Read(ref _listeners) > 0;

    /// <summary>One more (or one fewer) stream is open.</summary>
    public void Listen(int delta) => Interlocked.Add(ref _listeners, delta);

    /// <summary>Whether there is something to take.</summary>
    public bool HasGathered => Volatile.Read(ref _gathered) is not null;

    /// <summary>Apply thread: a batch was committed.</summary>
    /// <returns>Whether so much has gathered that it is to be taken soon.</returns>
    public bool Add(ReadOnlySpan<StoreEvent> events, long revision)
    {
        CommittedBatch gathered = Gathered();
        gathered.Revision = revision;
        if (!gathered.HasGap && !events.IsEmpty)
        {
            bool fits = HasListeners && gathered.Count + events.Length <= eventsMax && gathered.Bytes <= bytesMax;
            if (fits)
            {
                gathered.Add(events);
            }
            else
            {
                gathered.Drop();
            }
        }

        bool isPlenty = gathered.Count >= Plenty;
        Interlocked.Exchange(ref _gathered, gathered);
        return isPlenty;
    }

    /// <summary>Apply thread: the store holds another state now; what happened between is only in its history.</summary>
    public void Replaced(long revision)
    {
        CommittedBatch gathered = Gathered();
        gathered.Revision = revision;
        gathered.Drop();
        Interlocked.Exchange(ref _gathered, gathered);
    }

    /// <summary>The hub: takes what was committed since the last call; to be given back by <see cref="Return"/>.</summary>
    /// <returns>Null if there is nothing, or if it is being added to at this moment: the hub is woken when that is done.</returns>
    public CommittedBatch? Take() => Interlocked.Exchange(ref _gathered, null);

    /// <summary>The hub is done with a batch.</summary>
    public void Return(CommittedBatch batch)
    {
        batch.Clear();
        Volatile.Write(ref _spare, batch);
    }

    private CommittedBatch Gathered() =>
        Interlocked.Exchange(ref _gathered, null) ?? Interlocked.Exchange(ref _spare, null) ?? new CommittedBatch();
}

/// <summary>
/// What was committed since somebody last looked. In pieces of one size, because to grow a large array would hold the thread that applies.
/// </summary>
internal sealed class CommittedBatch
{
    private const int PieceEvents = 512;
    private const int PiecesKept = 4;

    private readonly List<List<StoreEvent>> _pieces = [];
    private int _used;

    /// <summary>The revision up to which it goes.</summary>
    public long Revision { get; set; }

    /// <summary>Events are missing; then there are none.</summary>
    public bool HasGap { get; private set; }

    public int Count { get; private set; }

    public long Bytes { get; private set; }

    /// <summary>The events in order.</summary>
    public ReadOnlySpan<List<StoreEvent>> Pieces => CollectionsMarshal.AsSpan(_pieces)[.._used];

    public void Add(ReadOnlySpan<StoreEvent> events)
    {
        foreach (ref readonly StoreEvent e in events)
        {
            if (_used == 0 || _pieces[_used - 1].Count == PieceEvents)
            {
                NextPiece();
            }

            _pieces[_used - 1].Add(e);
            Bytes += e.Key.Length + e.KeyValue.Length;
        }

        Count += events.Length;
    }

    /// <summary>Gives the events up.</summary>
    public void Drop()
    {
        // Not cleared: that takes time in proportion to what is there.
        _pieces.Clear();
        _used = 0;
        Count = 0;
        Bytes = 0;
        HasGap = true;
    }

    /// <summary>Makes it as new.</summary>
    public void Clear()
    {
        if (_pieces.Count > PiecesKept)
        {
            _pieces.RemoveRange(PiecesKept, _pieces.Count - PiecesKept);
        }

        _pieces.ForEach(piece => piece.Clear());
        _used = 0;
        Count = 0;
        Bytes = 0;
        HasGap = false;
    }

    private void NextPiece()
    {
        if (_used == _pieces.Count)
        {
            _pieces.Add(new List<StoreEvent>(_used == 0 ? 16 : PieceEvents));
        }

        _used++;
    }
}
