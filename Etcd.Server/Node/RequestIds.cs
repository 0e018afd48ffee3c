using Etcd.Server.Primitives;

namespace Etcd.Server.Node;

/// <summary>
/// Ids for requests and leases that no other member, and no earlier run of this one, gives out: two bytes of the member's
/// id, five of the start's milliseconds, one counter that carries into them (etcd's idutil). Thread safe.
/// </summary>
public sealed class RequestIds
{
    private const int SuffixBits = 48;
    private const ulong SuffixMask = (1UL << SuffixBits) - 1;
    private readonly ulong _prefix;
    private ulong _suffix;

    /// <summary>Begins a sequence.</summary>
    /// <param name="member">This member.</param>
    /// <param name="startedAt">The time of this start: it keeps this run's ids apart from the last run's.</param>
    public RequestIds(MemberId member, DateTimeOffset startedAt)
    {
        _prefix = (member.Value & 0xFFFF) << SuffixBits;
        _suffix = ((ulong)startedAt.ToUnixTimeMilliseconds() & 0xFF_FFFF_FFFF) << 8;
    }

    /// <summary>The next id; never zero.</summary>
    public ulong Next() => _prefix | (Interlocked.Increment(ref _suffix) & SuffixMask);

    /// <summary>The next id for a lease: positive, because clients read it as a signed number.</summary>
    public LeaseId NextLease() => new((long)(Next() & long.MaxValue));
}
