using System.Collections.Concurrent;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;

namespace Etcd.Server.Lease;

/// <summary>
/// All leases of the cluster as this member knows them. What is replicated (which leases exist, their TTLs and keys) is
/// changed by the apply thread only, and reads no clock. When a lease ends is known to the primary alone, which is the
/// leader once it has applied its first entry: it counts the time, takes renewals, and says whose revoke must go through
/// the log. A lease never ends but by an applied revoke.
/// </summary>
/// <remarks>
/// A step machine: the clock is injected, and <see cref="RunOnce(List{LeaseId})"/> is called by a thread that is started elsewhere.
/// Nobody holds a lock for longer than a step of the heap, but for <see cref="Promote"/>, which sets every lease's time.
/// </remarks>
public sealed partial class LeaseManager : ILeaseAttachments
{
    private readonly TimeProvider _time;
    private readonly LeaseOptions _options;
    private volatile ConcurrentDictionary<LeaseId, LeaseEntry> _leases = new();
    private readonly Lock _gate = new();

    /// <summary>A manager without leases, not primary.</summary>
    /// <param name="time">The clock; only its monotonic timestamp is read.</param>
    /// <param name="options">Bounds; null for the server's.</param>
    public LeaseManager(TimeProvider time, LeaseOptions? options = null)
    {
        _time = time;
        _options = options ?? new LeaseOptions();
    }

    /// <summary>Figures for metrics.</summary>
    public LeaseFigures Figures { get; } = new();

    /// <summary>How many leases there are. Any thread.</summary>
    public int Count => _leases.Count;

    /// <summary>Grants a lease. Apply thread.</summary>
    /// <param name="id">Its id; the caller has chosen one where the client did not.</param>
    /// <param name="ttlSeconds">What the client asks for.</param>
    /// <returns>What was granted, or why not; checked in etcd's order.</returns>
    public LeaseGrant Grant(LeaseId id, long ttlSeconds)
    {
        if (id.IsNone)
        {
            return new LeaseGrant(LeaseStatus.NotFound, 0);
        }

        if (ttlSeconds > _options.TtlSecondsMax)
        {
            return new LeaseGrant(LeaseStatus.TtlTooLarge, 0);
        }

        var lease = new LeaseEntry(id, Math.Max(ttlSeconds, _options.TtlSecondsMin));
        if (!_leases.TryAdd(id, lease))
        {
            return new LeaseGrant(LeaseStatus.Exists, 0);
        }

        lock (_gate)
        {
            if (_isPrimary)
            {
                StartTime(lease, lease.SecondsToRun);
            }
        }

        Figures.CountGrant(lease.TtlSeconds);
        return new LeaseGrant(LeaseStatus.Ok, lease.TtlSeconds);
    }

    /// <summary>Ends a lease and deletes its keys. Apply thread.</summary>
    /// <param name="id">The lease.</param>
    /// <param name="deleter">Deletes the keys within the command that is being applied.</param>
    /// <returns>Ok or NotFound.</returns>
    public LeaseStatus Revoke(LeaseId id, ILeasedKeyDeleter deleter)
    {
        if (!_leases.TryGetValue(id, out LeaseEntry? lease))
        {
            return LeaseStatus.NotFound;
        }

        ReadOnlyMemory<byte>[] keys = lease.SortedKeys();
        if (keys.Length > 0)
        {
            deleter.DeleteKeys(id, keys);
        }

        List<LeaseEndWaiter>? waiters;
        lock (_gate)
        {
            _leases.TryRemove(id, out _);
            _heap.Remove(lease);
            lease.Expiry = LeaseEntry.Never;
            waiters = TakeWaiters(lease);
        }

        Figures.CountRevoke();
        waiters?.ForEach(w => w.End(LeaseEnd.Revoked));
        return LeaseStatus.Ok;
    }

    /// <summary>
    /// Notes how much time a lease had left, for the next primary to begin with. Apply thread. Of no effect if the lease is
    /// gone, as in etcd.
    /// </summary>
    /// <param name="id">The lease.</param>
    /// <param name="remainingSeconds">What was left; zero after a renewal: the whole TTL counts again.</param>
    public void Checkpoint(LeaseId id, long remainingSeconds)
    {
        if (_leases.TryGetValue(id, out LeaseEntry? lease))
        {
            lock (_gate)
            {
                lease.CheckpointSeconds = remainingSeconds;
                if (_isPrimary)
                {
                    ScheduleCheckpoint(lease);
                }
            }
        }
    }

    /// <inheritdoc/>
    public bool Exists(LeaseId lease) => _leases.ContainsKey(lease);

    /// <inheritdoc/>
    public void Attach(LeaseId lease, ReadOnlyMemory<byte> key)
    {
        bool exists = _leases.TryGetValue(lease, out LeaseEntry? entry);
        Invariant.Check(exists, "a key is attached only to a lease that was found in the same command");
        entry!.Attach(key);
    }

    /// <inheritdoc/>
    public void Detach(LeaseId lease, ReadOnlyMemory<byte> key)
    {
        if (_leases.TryGetValue(lease, out LeaseEntry? entry))
        {
            entry.Detach(key);
        }
    }

    /// <summary>
    /// Replaces everything by what was stored, in one step for readers; this member is not primary afterwards. Apply thread. A
    /// stored TTL below the minimum is raised to it, and keys of leases that are not among the stored are passed over, as in etcd.
    /// </summary>
    /// <param name="records">The stored leases.</param>
    /// <param name="keys">The keys that name them; null if the store attaches them afterwards.</param>
    public void Restore(IEnumerable<LeaseRecord> records, IEnumerable<LeasedKey>? keys = null)
    {
        var leases = new ConcurrentDictionary<LeaseId, LeaseEntry>();
        foreach (LeaseRecord record in records)
        {
            leases[record.Id] = new LeaseEntry(record.Id, Math.Max(record.TtlSeconds, _options.TtlSecondsMin))
            {
                CheckpointSeconds = record.RemainingSeconds,
            };
        }

        foreach (LeasedKey key in keys ?? [])
        {
            if (leases.TryGetValue(key.Lease, out LeaseEntry? lease))
            {
                lease.Attach(key.Key);
            }
        }

        Demote();
        _leases = leases;
    }

    /// <summary>What must be stored of every lease, in no order: it is asked for at every checkpoint. Apply thread.</summary>
    public IReadOnlyList<LeaseRecord> Records()
    {
        var records = new List<LeaseRecord>(_leases.Count);
        foreach ((LeaseId id, LeaseEntry lease) in _leases)
        {
            records.Add(new LeaseRecord(id, lease.TtlSeconds, lease.CheckpointSeconds));
        }

        return records;
    }
}
