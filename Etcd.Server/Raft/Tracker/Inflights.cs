using Etcd.Server.Primitives;

namespace Etcd.Server.Raft.Tracker;

/// <summary>
/// The appends that were sent to a follower and not yet answered, bounded in number and in bytes: a ring of the last index of
/// each. The bound on bytes is soft: one message may go over it. It grows to its bound when it is used, and then allocates
/// nothing.
/// </summary>
/// <param name="messagesMax">Messages that may be under way.</param>
/// <param name="bytesMax">Bytes of entries that may be under way; 0 for no bound.</param>
internal sealed class Inflights(int messagesMax, long bytesMax)
{
    private const int InitialSlots = 8;

    private (LogIndex Last, long Bytes)[] _ring = [];
    private int _first;

    /// <summary>Messages under way.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of entries under way.</summary>
    public long Bytes { get; private set; }

    /// <summary>Whether no more may be sent.</summary>
    public bool IsFull => Count == messagesMax || (bytesMax > 0 && Bytes >= bytesMax);

    /// <summary>A message was sent.</summary>
    /// <param name="last">Its last entry, behind those of all messages before.</param>
    /// <param name="bytes">The bytes of its entries.</param>
    public void Add(LogIndex last, long bytes)
    {
        Invariant.Check(!IsFull, "nothing is sent beyond the window");
        if (Count == _ring.Length)
        {
            Grow();
        }

        _ring[(_first + Count) % _ring.Length] = (last, bytes);
        Count++;
        Bytes += bytes;
    }

    /// <summary>The messages that end at or before this index have arrived.</summary>
    public void FreeThrough(LogIndex index)
    {
        while (Count > 0 && _ring[_first].Last <= index)
        {
            Bytes -= _ring[_first].Bytes;
            _first = (_first + 1) % _ring.Length;
            Count--;
        }
    }

    /// <summary>Nothing is under way any more.</summary>
    public void Clear()
    {
        _first = 0;
        Count = 0;
        Bytes = 0;
    }

    private void Grow()
    {
        var larger = new (LogIndex, long)[Math.Min(messagesMax, Math.Max(InitialSlots, _ring.Length * 2))];
        for (int i = 0; i < Count; i++)
        {
            larger[i] = _ring[(_first + i) % _ring.Length];
        }

        _ring = larger;
        _first = 0;
    }
}
