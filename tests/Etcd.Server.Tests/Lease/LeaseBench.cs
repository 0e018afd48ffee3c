using System.Text;
using Etcd.Server.Lease;
using Etcd.Server.Primitives;
using Etcd.TestKit;

namespace Etcd.Server.Tests.Lease;

/// <summary>Leases on a fake clock, with a store that is only a list of deleted keys.</summary>
internal sealed class LeaseBench : ILeasedKeyDeleter
{
    public LeaseBench(LeaseOptions? options = null)
    {
        Options = options ?? new LeaseOptions();
        Leases = new LeaseManager(Clock, Options);
    }

    public LeaseOptions Options { get; }

    public FakeTimeProvider Clock { get; } = new();

    public LeaseManager Leases { get; }

    /// <summary>Every call's keys, joined.</summary>
    public List<string> Deletions { get; } = [];

    public static LeaseId Id(long value) => new(value);

    public static ReadOnlyMemory<byte> Key(string key) => Encoding.UTF8.GetBytes(key);

    /// <summary>Like the store: deleting a key detaches it from its lease.</summary>
    public void DeleteKeys(LeaseId lease, IReadOnlyList<ReadOnlyMemory<byte>> sortedKeys)
    {
        Deletions.Add(string.Join(' ', sortedKeys.Select(k => Encoding.UTF8.GetString(k.Span))));
        foreach (ReadOnlyMemory<byte> key in sortedKeys)
        {
            Leases.Detach(lease, key);
        }
    }

    public LeaseStatus Revoke(long id) => Leases.Revoke(Id(id), this);

    public void Grant(long id, long ttl) => Assert.Equal(LeaseStatus.Ok, Leases.Grant(Id(id), ttl).Status);

    public void Advance(double seconds) => Clock.Advance(TimeSpan.FromSeconds(seconds));

    /// <summary>The ids that the manager wants revoked now.</summary>
    public List<long> Expired()
    {
        List<LeaseId> expired = [];
        Leases.RunOnce(expired);
        return [.. expired.Select(id => id.Value)];
    }

    public long Remaining(long id) => Leases.TimeToLive(Id(id), withKeys: false).RemainingSeconds;
}
