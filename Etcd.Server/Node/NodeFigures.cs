using System.Collections.Concurrent;
using Etcd.Server.Primitives;

namespace Etcd.Server.Node;

/// <summary>
/// The figures of a member's etcd_server_* metrics that are not to be had from its state. Each property's text names the metric. Any
/// thread.
/// </summary>
public sealed class NodeFigures
{
    private readonly ConcurrentDictionary<string, long> _promoteFailures = new(StringComparer.Ordinal);
    private long _leaderChanges;
    private long _proposalsFailed;
    private long _heartbeatsLate;
    private long _slowReadIndexes;
    private long _readIndexesFailed;
    private long _slowApplies;
    private long _leasesExpired;
    private long _promoted;
    private int _snapshotsBeingApplied;

    /// <summary>etcd_server_leader_changes_seen_total.</summary>
    public long LeaderChanges => Volatile.Read(ref _leaderChanges);

    /// <summary>etcd_server_proposals_failed_total: those that timed out, or could not be proposed.</summary>
    public long ProposalsFailed => Volatile.Read(ref _proposalsFailed);

    /// <summary>etcd_server_heartbeat_send_failures_total.</summary>
    public long HeartbeatsLate => Volatile.Read(ref _heartbeatsLate);

    /// <summary>etcd_server_slow_read_indexes_total.</summary>
    public long SlowReadIndexes => Volatile.Read(ref _slowReadIndexes);

    /// <summary>etcd_server_read_indexes_failed_total.</summary>
    public long ReadIndexesFailed => Volatile.Read(ref _readIndexesFailed);

    /// <summary>etcd_server_slow_apply_total.</summary>
    public long SlowApplies => Volatile.Read(ref _slowApplies);

    /// <summary>etcd_debugging_server_lease_expired_total.</summary>
    public long LeasesExpired => Volatile.Read(ref _leasesExpired);

    /// <summary>etcd_server_learner_promote_successes.</summary>
    public long Promoted => Volatile.Read(ref _promoted);

    /// <summary>etcd_server_learner_promote_failures, by reason.</summary>
    public IEnumerable<KeyValuePair<string, long>> PromoteFailures => _promoteFailures;

    /// <summary>etcd_server_snapshot_apply_in_progress_total.</summary>
    public int SnapshotsBeingApplied => Volatile.Read(ref _snapshotsBeingApplied);

    /// <summary>etcd_server_apply_duration_seconds, by operation.</summary>
    public OperationDurations Applies { get; } = new(0.0001, 20);

    /// <summary>etcd_server_request_duration_seconds, by type.</summary>
    public OperationDurations Requests { get; } = new(0.001, 14);

    /// <summary>etcd_disk_backend_commit_duration_seconds: how long it takes to make a batch that was applied part of the store.</summary>
    public DurationHistogram Commits { get; } = new(0.001, 14);

    internal void CountLeaderChange() => Interlocked.Increment(ref _leaderChanges);

    internal void CountFailedProposals(int count) => Interlocked.Add(ref _proposalsFailed, count);

    internal void CountSlowReadIndex() => Interlocked.Increment(ref _slowReadIndexes);

    internal void CountFailedReadIndex() => Interlocked.Increment(ref _readIndexesFailed);

    internal void CountExpiredLease() => Interlocked.Increment(ref _leasesExpired);

    internal void BeginSnapshot() => Interlocked.Increment(ref _snapshotsBeingApplied);

    internal void EndSnapshot() => Interlocked.Decrement(ref _snapshotsBeingApplied);

    /// <summary>The leader's heartbeats left too late.</summary>
    /// <param name="peers">To how many members.</param>
    public void CountLateHeartbeats(int peers) => Interlocked.Add(ref _heartbeatsLate, peers);

    /// <summary>A request took longer to carry out than it should (etcd: --warning-apply-duration).</summary>
    public void CountSlowApply() => Interlocked.Increment(ref _slowApplies);

    /// <summary>A learner was made a voter here, or was not.</summary>
    /// <param name="refusal">Why not; null if it was.</param>
    public void CountPromotion(string? refusal)
    {
        if (refusal is null)
        {
            Interlocked.Increment(ref _promoted);
        }
        else
        {
            _promoteFailures.AddOrUpdate(refusal, 1, static (_, count) => count + 1);
        }
    }
}
