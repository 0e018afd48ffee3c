using Etcd.Server.Primitives;

namespace Etcd.Server.Lease;

/// <summary>
/// One lease. Granted TTL and identity never change. The times belong to the manager's lock; the keys have a lock of their
/// own, so that reading many keys of one lease holds up nothing but changes of those same keys.
/// </summary>
internal sealed class LeaseEntry(LeaseId id, long ttlSeconds)
{
    /// <summary>An expiry that never comes: only the primary lets leases expire.</summary>
    public const long Never = long.MaxValue;

    private readonly HashSet<ReadOnlyMemory<byte>> _keys = new(KeyContentComparer.Instance);
    private long _expiry = Never;

    public LeaseId Id { get; } = id;

    public long TtlSeconds { get; } = ttlSeconds;

    /// <summary>The last checkpoint, seconds; zero if there is none.</summary>
    public long CheckpointSeconds { get; set; }

    /// <summary>What the time begins with when it is set anew.</summary>
    public long SecondsToRun => CheckpointSeconds > 0 ? CheckpointSeconds : TtlSeconds;

    /// <summary>When it ends, in ticks of the clock. Written under the manager's lock, readable by anyone.</summary>
    public long Expiry
    {
        get => Volatile.Read(ref _expiry);
        set => Volatile.Write(ref _expiry, value);
    }

    /// <summary>When the primary must look at it: its expiry, or when its revoke is asked for again.</summary>
    public long DueAt { get; set; }

    /// <summary>When its remaining time is to be noted in the log; never if that is not planned.</summary>
    public long CheckpointAt { get; set; } = Never;

    /// <summary>Its place in the heap; -1 if it is not in it.</summary>
    public int HeapIndex { get; set; } = -1;

    /// <summary>Who waits for its end; null if nobody.</summary>
    public List<LeaseEndWaiter>? Waiters { get; set; }

    public void Attach(ReadOnlyMemory<byte> key)
    {
        lock (_keys)
        {
            _keys.Add(key);
        }
    }

    public void Detach(ReadOnlyMemory<byte> key)
    {
        lock (_keys)
        {
            _keys.Remove(key);
        }
    }

    public T? FirstOfKeys<T>(Func<ReadOnlyMemory<byte>, T?> look)
        where T : class
    {
        lock (_keys)
        {
            foreach (ReadOnlyMemory<byte> key in _keys)
            {
                if (look(key) is { } found)
                {
                    return found;
                }
            }

            return null;
        }
    }

    public ReadOnlyMemory<byte>[] SortedKeys()
    {
        ReadOnlyMemory<byte>[] keys;
        lock (_keys)
        {
            keys = [.. _keys];
        }

        Array.Sort(keys, static (a, b) => a.Span.SequenceCompareTo(b.Span));
        return keys;
    }
}
