using System.Collections.Concurrent;

namespace Etcd.Server.Node;

/// <summary>
/// The requests that wait for their command to be applied, by request id. Ids are handed out in sequence, so a ring with
/// one slot per low bits of the id holds nearly all of them without a lock or an allocation; a request whose slot is still taken
/// by one that is a whole round older goes into a dictionary. Thread safe: any thread adds, the apply thread takes, the sweep
/// takes what timed out; whoever takes a request completes it.
/// </summary>
/// <param name="slots">Slots of the ring, a power of two.</param>
internal sealed class PendingRequests(int slots = 1 << 16)
{
    private readonly Proposal?[] _ring = new Proposal?[slots];
    private readonly ConcurrentDictionary<ulong, Proposal> _overflow = new();

    /// <summary>How many wait, about. Looks at every slot.</summary>
    public int Count
    {
        get
        {
            int count = _overflow.Count;
            for (int i = 0; i < _ring.Length; i++)
            {
                count += Volatile.Read(ref _ring[i]) is null ? 0 : 1;
            }

            return count;
        }
    }

    public void Add(Proposal proposal)
    {
        ulong id = proposal.Id;
        if (Interlocked.CompareExchange(ref _ring[Slot(id)], proposal, null) is not null)
        {
            _overflow[id] = proposal;
        }
    }

    public bool TryTake(ulong id, out Proposal proposal)
    {
        ref Proposal? slot = ref _ring[Slot(id)];
        Proposal? there = Volatile.Read(ref slot);
        if (there is not null && there.Id == id
            && ReferenceEquals(Interlocked.CompareExchange(ref slot, null, there), there))
        {
            proposal = there;
            return true;
        }

        return _overflow.TryRemove(id, out proposal!);
    }

    /// <summary>Takes all whose deadline is before a timestamp.</summary>
    public void TakeExpired(long before, List<Proposal> into)
    {
        for (int i = 0; i < _ring.Length; i++)
        {
            Proposal? there = Volatile.Read(ref _ring[i]);
            if (there is not null && there.Deadline < before
                && ReferenceEquals(Interlocked.CompareExchange(ref _ring[i], null, there), there))
            {
                into.Add(there);
            }
        }

        foreach ((ulong id, Proposal there) in _overflow)
        {
            if (there.Deadline < before && _overflow.TryRemove(id, out _))
            {
                into.Add(there);
            }
        }
    }

    private int Slot(ulong id) => (int)(id & (ulong)(_ring.Length - 1));
}
