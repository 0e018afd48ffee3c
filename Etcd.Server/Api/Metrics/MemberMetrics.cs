using Etcd.Server.Apply;
using Etcd.Server.Api.Maintenance;
using Etcd.Server.Apply.Alarms;
using Etcd.Server.Lease;
using Etcd.Server.Node;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Etcd.Server.Watch;

namespace Etcd.Server.Api.Metrics;

/// <summary>
/// A member's metrics under etcd's names, with its types, labels and helps, so that dashboards and alerts made for etcd hold. They are
/// read when someone asks; nothing is gathered in between. What has no counterpart here is left out rather than shown as zero: Go's
/// runtime, the second version's store.
/// </summary>
/// <param name="api">The node.</param>
internal sealed partial class MemberMetrics(ApiContext api)
{
    private readonly MemberFigures _figures = api.Figures;

    /// <summary>Writes the page.</summary>
    public string Write()
    {
        var text = new MetricText();
        WriteServer(text);
        WriteRequests(text);
        WriteDisk(text);
        WriteStore(text);
        WriteIntegrity(text);
        WriteWatches(text);
        WriteLeases(text);
        WritePeers(text);
        WriteCalls(text);
        WriteHealth(text);
        ProcessMetrics.Write(text);
        return text.ToString();
    }

    private static string Bool(bool value) => value ? "true" : "false";

    private void WriteServer(MetricText text)
    {
        IMemberStatus status = api.Status;
        bool leads = status.Leader == status.MemberId && !status.Leader.IsNone;
        text.Gauge("etcd_server_has_leader", "Whether or not a leader exists. 1 is existence, 0 is not.", status.Leader.IsNone ? 0 : 1);
        text.Gauge("etcd_server_is_leader", "Whether or not this member is a leader. 1 if is, 0 otherwise.", leads ? 1 : 0);
        text.Gauge("etcd_server_is_learner", "Whether or not this member is a learner. 1 if is, 0 otherwise.", status.IsLearner ? 1 : 0);
        text.Counter("etcd_server_leader_changes_seen_total", "The number of leader changes seen.", _figures.Node.LeaderChanges);
        text.Counter(
            "etcd_server_heartbeat_send_failures_total",
            "The total number of leader heartbeat send failures (likely overloaded from slow disk).",
            _figures.Node.HeartbeatsLate);
        text.Gauge("etcd_server_version", "Which version is running. 1 for 'server_version' label with current version.")
            .Sample(1, ("server_version", status.ServerVersion));
        text.Gauge("etcd_server_id", "Server or member ID in hexadecimal format. 1 for 'server_id' label with current ID.")
            .Sample(1, ("server_id", status.MemberId.ToString()));
        if (status.ClusterVersion is { } version)
        {
            text.Gauge("etcd_cluster_version", "Which version is running. 1 for 'cluster_version' label with current cluster version")
                .Sample(1, ("cluster_version", version[..version.LastIndexOf('.')]));
        }

        text.Counter(
            "etcd_server_learner_promote_successes",
            "The total number of successful learner promotions while this member is leader.",
            _figures.Node.Promoted);
        WritePromoteFailures(text);
        WriteAlarms(text);
        text.Gauge("etcd_server_feature_enabled", "Whether or not a feature is enabled. 1 is enabled, 0 is not.");
        foreach (FeatureFigure feature in _figures.Features)
        {
            text.Sample(feature.IsEnabled ? 1 : 0, ("name", feature.Name), ("stage", feature.Stage));
        }
    }

    private void WritePromoteFailures(MetricText text)
    {
        KeyValuePair<string, long>[] failures = [.. _figures.Node.PromoteFailures];
        if (failures.Length > 0)
        {
            text.Counter(
                "etcd_server_learner_promote_failures",
                "The total number of failed learner promotions (likely learner not ready) while this member is leader.");
            foreach ((string reason, long count) in failures)
            {
                text.Sample(count, ("Reason", reason));
            }
        }
    }

    private void WriteAlarms(MetricText text)
    {
        IReadOnlyList<RaisedAlarm> alarms = api.Alarms.Raised;
        if (alarms.Count > 0)
        {
            text.Gauge(
                "etcd_debugging_server_alarms",
                "Alarms for every member in cluster. 1 for 'server_id' label with current ID. 2 for 'alarm_type' label with type of this alarm");
            foreach (RaisedAlarm alarm in alarms)
            {
                text.Sample(1, ("server_id", alarm.Member.ToString()), ("alarm_type", AlarmText.Name(alarm.Kind)));
            }
        }
    }

    private void WriteRequests(MetricText text)
    {
        NodeFigures node = _figures.Node;
        text.Gauge(
            "etcd_server_proposals_committed_total", "The total number of consensus proposals committed.", api.Status.Committed.Value);
        text.Gauge("etcd_server_proposals_applied_total", "The total number of consensus proposals applied.", api.Status.Applied.Value);
        text.Gauge("etcd_server_proposals_pending", "The current number of pending proposals to commit.", _figures.PendingProposals());
        text.Counter("etcd_server_proposals_failed_total", "The total number of failed proposals seen.", node.ProposalsFailed);
        text.Counter(
            "etcd_server_slow_apply_total", "The total number of slow apply requests (likely overloaded from slow disk).", node.SlowApplies);
        text.Counter(
            "etcd_server_slow_read_indexes_total",
            "The total number of pending read indexes not in sync with leader's or timed out read index requests.",
            node.SlowReadIndexes);
        text.Counter("etcd_server_read_indexes_failed_total", "The total number of failed read indexes seen.", node.ReadIndexesFailed);
        text.Gauge(
            "etcd_server_snapshot_apply_in_progress_total",
            "1 if the server is applying the incoming snapshot. 0 if none.",
            node.SnapshotsBeingApplied);
        text.Histogram("etcd_server_apply_duration_seconds", "The latency distributions of v2 apply called by backend.");
        foreach ((string operation, bool succeeded, DurationHistogram durations) in node.Applies.All)
        {
            text.Sample(durations, ("version", "v3"), ("op", operation), ("success", Bool(succeeded)));
        }

        text.Histogram("etcd_server_request_duration_seconds", "Response latency distribution in seconds for each type.");
        foreach ((string operation, bool succeeded, DurationHistogram durations) in node.Requests.All)
        {
            text.Sample(durations, ("type", operation), ("success", Bool(succeeded)));
        }

        text.Histogram("etcd_server_range_duration_seconds", "The latency distributions of txn.Range");
        WriteIfAny(text, _figures.RefusedRanges, "false");
        WriteIfAny(text, _figures.Ranges, "true");
    }

    private static void WriteIfAny(MetricText text, DurationHistogram durations, string success)
    {
        if (durations.Count > 0)
        {
            text.Sample(durations, ("success", success));
        }
    }

    private void WriteDisk(MetricText text)
    {
        text.Histogram(
            "etcd_disk_wal_fsync_duration_seconds", "The latency distributions of fsync called by WAL.", _figures.Wal.Syncs);
        text.Histogram(
            "etcd_disk_wal_write_duration_seconds", "The latency distributions of write called by WAL.", _figures.Wal.Writes);
        text.Gauge("etcd_disk_wal_write_bytes_total", "Total number of bytes written in WAL.", _figures.Wal.WrittenBytes);
        text.Histogram(
            "etcd_disk_backend_commit_duration_seconds", "The latency distributions of commit called by backend.", _figures.Node.Commits);
        text.Histogram(
            "etcd_disk_backend_snapshot_duration_seconds", "The latency distribution of backend snapshots.", _figures.Snapshots);
        text.Histogram(
            "etcd_disk_backend_defrag_duration_seconds",
            "The latency distribution of backend defragmentation.",
            _figures.Defragmentations);
        text.Gauge(
            "etcd_disk_defrag_inflight",
            "Whether or not defrag is active on the member. 1 means active, 0 means not.",
            _figures.DefragmentationsUnderWay > 0 ? 1 : 0);
    }

    // etcd has none of these: it reads its database without checking it.
    private void WriteIntegrity(MetricText text)
    {
        IntegrityFigures integrity = _figures.Integrity;
        MvccStore store = api.Reads.Store;
        text.Counter("etcd_store_damages_total", "The total number of places of the store that were found damaged.", integrity.Damages);
        text.Counter("etcd_store_repairs_total", "The total number of repairs of the store, by where the data came from.");
        text.Sample(integrity.RepairsFromMemory, ("source", "memory"));
        text.Sample(integrity.RepairsFromMembers, ("source", "member"));
        text.Counter("etcd_store_repair_failures_total", "The total number of tries to repair the store that came to nothing.", integrity.RepairFailures);
        text.Counter("etcd_store_scrubbed_bytes_total", "The total number of bytes of the store that were read to check them.", store.ScrubbedBytes);
        text.Counter("etcd_store_scrubs_total", "How often everything in the store was checked.", store.Scrubs);
    }

    private void WriteStore(MetricText text)
    {
        StoreFigures done = _figures.Store;
        MvccStore store = api.Reads.Store;
        text.Counter("etcd_mvcc_range_total", "Total number of ranges seen by this member.", done.Ranges.Value);
        text.Counter("etcd_mvcc_put_total", "Total number of puts seen by this member.", done.Puts);
        text.Counter("etcd_mvcc_delete_total", "Total number of deletes seen by this member.", done.Deletes);
        text.Counter("etcd_mvcc_txn_total", "Total number of txns seen by this member.", done.Txns);
        text.Gauge(
            "etcd_debugging_mvcc_total_put_size_in_bytes", "The total size of put kv pairs seen by this member.", done.PutBytes);
        text.Gauge(
            "etcd_mvcc_db_total_size_in_bytes",
            "Total size of the underlying database physically allocated in bytes.",
            api.Status.StoreBytes);
        text.Gauge(
            "etcd_mvcc_db_total_size_in_use_in_bytes",
            "Total size of the underlying database logically in use in bytes.",
            api.Status.StoreBytesInUse);
        text.Gauge("etcd_server_quota_backend_bytes", "Current backend storage quota size in bytes.", api.Alarms.QuotaBytes);
        text.Gauge("etcd_debugging_mvcc_keys_total", "Total number of keys.", Keys(store));
        text.Gauge("etcd_debugging_mvcc_current_revision", "The current revision of store.", store.CurrentRevision);
        text.Gauge("etcd_debugging_mvcc_compact_revision", "The revision of the last compaction in store.", store.CompactRevision);
        text.Gauge("etcd_debugging_auth_revision", "The current revision of auth store.", api.Auth.Current.Revision);
        text.Histogram(
            "etcd_mvcc_hash_duration_seconds", "The latency distribution of storage hash operation.", _figures.Hashes);
        text.Histogram(
            "etcd_mvcc_hash_rev_duration_seconds",
            "The latency distribution of storage hash by revision operation.",
            _figures.HistoryHashes);
    }

    /// <summary>How many keys there are; the index counts them.</summary>
    private static long Keys(MvccStore store)
    {
        var counted = new RangeResult();
        store.Range(new RangeQuery { Key = "\0"u8, RangeEnd = "\0"u8, CountOnly = true }, counted);
        return counted.Count;
    }

    private void WriteWatches(MetricText text)
    {
        WatchStatistics watches = api.Rooms.Watches.Statistics;
        text.Gauge("etcd_debugging_mvcc_watch_stream_total", "Total number of watch streams.", watches.Streams);
        text.Gauge("etcd_debugging_mvcc_watcher_total", "Total number of watchers.", watches.Watchers);
        text.Gauge("etcd_debugging_mvcc_slow_watcher_total", "Total number of unsynced slow watchers.", watches.SlowWatchers);
        text.Counter("etcd_debugging_mvcc_events_total", "Total number of events sent by this member.", watches.EventsSent);
        text.Histogram(
            "etcd_debugging_watch_apply_held_duration_seconds",
            "How long the thread that applies was held by handing events to the watchers, per batch.",
            watches.ApplyHeld);
        text.Counter(
            "etcd_debugging_watch_apply_preempted_total",
            "Hand-overs of events that are not in that, because the system ran another thread in the middle of them.",
            watches.ApplyPreempted.Value);
        text.Histogram(
            "etcd_debugging_server_watch_send_loop_watch_stream_duration_seconds",
            "The total duration in seconds of running through the send loop watch stream response all events.",
            _figures.Grpc.WatchSends);
        text.Histogram(
            "etcd_debugging_server_watch_send_loop_watch_stream_duration_per_event_seconds",
            "The average duration in seconds of running through the send loop watch stream response, per event.",
            _figures.Grpc.WatchSendsPerEvent);
        text.Histogram(
            "etcd_debugging_server_watch_send_loop_control_stream_duration_seconds",
            "The total duration in seconds of running through the send loop control stream response.",
            _figures.Grpc.WatchControlSends);
        text.Histogram(
            "etcd_debugging_server_watch_send_loop_progress_duration_seconds",
            "The total duration in seconds of running through the progress loop control stream response.",
            _figures.Grpc.WatchProgressSends);
    }

    private void WriteLeases(MetricText text)
    {
        LeaseFigures leases = api.Rooms.Leases.Figures;
        text.Counter("etcd_debugging_lease_granted_total", "The total number of granted leases.", leases.Granted);
        text.Counter("etcd_debugging_lease_revoked_total", "The total number of revoked leases.", leases.Revoked);
        text.Counter("etcd_debugging_lease_renewed_total", "The number of renewed leases seen by the leader.", leases.Renewed);
        text.Histogram("etcd_debugging_lease_ttl_total", "Bucketed histogram of lease TTLs.", leases.Ttls);
        text.Counter(
            "etcd_debugging_server_lease_expired_total", "The total number of expired leases.", _figures.Node.LeasesExpired);
    }

    private void WriteHealth(MetricText text)
    {
        HealthFigures health = _figures.Health;
        text.Counter("etcd_server_health_success", "The total number of successful health checks", health.Successes);
        text.Counter("etcd_server_health_failures", "The total number of failed health checks", health.Failures);
        text.Gauge("etcd_server_healthcheck", "The result of each kind of healthcheck.");
        foreach (((string type, string name), bool succeeded) in health.Last.OrderBy(c => c.Key))
        {
            text.Sample(succeeded ? 1 : 0, ("type", type), ("name", name));
        }

        text.Counter("etcd_server_healthchecks_total", "The total number of each kind of healthcheck.");
        foreach (((string type, string name, bool succeeded), long count) in health.Checks.OrderBy(c => c.Key))
        {
            text.Sample(count, ("type", type), ("name", name), ("status", succeeded ? "success" : "error"));
        }
    }
}
