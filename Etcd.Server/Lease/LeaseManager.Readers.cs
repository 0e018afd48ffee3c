using Etcd.Server.Primitives;

namespace Etcd.Server.Lease;

/// <content>What clients ask. Any thread.</content>
public sealed partial class LeaseManager
{
    private static readonly LeaseTimeToLive UnknownLease = new(LeaseStatus.NotFound, -1, 0, []);

    /// <summary>How long a lease lives on, and what hangs on it.</summary>
    /// <param name="id">The lease.</param>
    /// <param name="withKeys">Whether its keys are wanted.</param>
    /// <returns>NotPrimary if the time is not kept here (etcd then answers "leader changed").</returns>
    public LeaseTimeToLive TimeToLive(LeaseId id, bool withKeys)
    {
        if (!_leases.TryGetValue(id, out LeaseEntry? lease))
        {
            return UnknownLease;
        }

        ReadOnlyMemory<byte>[] keys = withKeys ? lease.SortedKeys() : [];
        long expiry = lease.Expiry;
        if (expiry == LeaseEntry.Never)
        {
            // Revoked meanwhile, or never timed here.
            return _leases.ContainsKey(id) ? new LeaseTimeToLive(LeaseStatus.NotPrimary, 0, lease.TtlSeconds, keys) : UnknownLease;
        }

        long remaining = (expiry - _time.GetTimestamp()) / _time.TimestampFrequency;
        return new LeaseTimeToLive(LeaseStatus.Ok, remaining, lease.TtlSeconds, keys);
    }

    /// <summary>
    /// The ids of all leases, those that end first at the beginning, as etcd lists them; without time (not primary), by id.
    /// </summary>
    public IReadOnlyList<LeaseId> List()
    {
        (long Expiry, LeaseId Id)[] leases = [.. _leases.Values.Select(l => (l.Expiry, l.Id))];
        Array.Sort(leases, static (a, b) => a.Expiry != b.Expiry ? a.Expiry.CompareTo(b.Expiry) : a.Id.Value.CompareTo(b.Id.Value));
        return Array.ConvertAll(leases, static l => l.Id);
    }

    /// <summary>
    /// Goes through the keys of a lease, in no order and without a copy, until something is found of one; nothing if there is no such
    /// lease. What looks must be quick: changes of these keys wait for it.
    /// </summary>
    /// <param name="id">The lease.</param>
    /// <param name="look">Looks at a key.</param>
    public T? FirstOfKeys<T>(LeaseId id, Func<ReadOnlyMemory<byte>, T?> look)
        where T : class =>
        _leases.TryGetValue(id, out LeaseEntry? lease) ? lease.FirstOfKeys(look) : null;

    /// <summary>The keys of a lease in ascending byte order; empty if there is no such lease.</summary>
    /// <param name="id">The lease.</param>
    public IReadOnlyList<ReadOnlyMemory<byte>> Keys(LeaseId id) =>
        _leases.TryGetValue(id, out LeaseEntry? lease) ? lease.SortedKeys() : [];
}
