using System.Globalization;
using System.Text.RegularExpressions;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Api.Metrics;
using Etcd.Server.Hosting.Flags;
using Etcd.Server.Primitives;
using Google.Protobuf;
using Grpc.Core;

namespace Etcd.Server.Tests.Api;

/// <summary>
/// Goal: metrics have Prometheus' format and etcd's names, and tell the truth: each figure that operators look at is moved by what it
/// counts. Method: a whole member whose page is read before and after something happens.
/// </summary>
public sealed partial class MetricsTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0, "0")]
    [InlineData(1, "1")]
    [InlineData(-3, "-3")]
    [InlineData(0.001, "0.001")]
    [InlineData(0.0001, "0.0001")]
    [InlineData(0.00001, "1e-05")]
    [InlineData(8.192, "8.192")]
    [InlineData(0.1 + 0.2, "0.30000000000000004")]
    [InlineData(204.8, "204.8")]
    [InlineData(999999, "999999")]
    [InlineData(1000000, "1e+06")]
    [InlineData(1048576, "1.048576e+06")]
    [InlineData(8388608, "8.388608e+06")]
    [InlineData(1234567890123, "1.234567890123e+12")]
    [InlineData(-2.5e-9, "-2.5e-09")]
    [InlineData(double.PositiveInfinity, "+Inf")]
    [InlineData(double.NaN, "NaN")]
    public void NumbersAreGos(double value, string text) => Assert.Equal(text, GoNumber.Format(value));

    [Fact]
    public void APageHasFamiliesByNameAndNothingWithoutSamples()
    {
        var text = new MetricText();
        text.Gauge("b", "Second.").Sample(1, ("z", "x\"y\\\n"), ("a", "1"));
        text.Counter("nothing", "Is not written.");
        var histogram = new DurationHistogram(0.5, 2);
        histogram.Observe(0.1);
        histogram.Observe(0.7);
        histogram.Observe(9);
        text.Histogram("a_seconds", "First.", histogram);

        Assert.Equal(
            """
            # HELP a_seconds First.
            # TYPE a_seconds histogram
            a_seconds_bucket{le="0.5"} 1
            a_seconds_bucket{le="1"} 2
            a_seconds_bucket{le="+Inf"} 3
            a_seconds_sum 9.8
            a_seconds_count 3
            # HELP b Second.
            # TYPE b gauge
            b{a="1",z="x\"y\\\n"} 1

            """.ReplaceLineEndings("\n"),
            text.ToString());
    }

    [Fact]
    public void ATallyLosesNothing()
    {
        var tally = new Tally();
        Parallel.For(0, 8, new ParallelOptions { CancellationToken = Cancel }, _ =>
        {
            for (int i = 0; i < 10_000; i++)
            {
                tally.Add();
            }
        });
        Assert.Equal(80_000, tally.Value);
    }

    [Fact]
    public async Task EveryLineOfThePageIsWellFormed()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        using HttpResponseMessage answer = await host.Http.GetAsync("/metrics", Cancel);
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", answer.Content.Headers.ContentType?.ToString());
        string[] lines = (await answer.Content.ReadAsStringAsync(Cancel)).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.All(lines, line => Assert.Matches(Line(), line));
        string[] families = [.. lines.Where(l => l.StartsWith("# TYPE", StringComparison.Ordinal)).Select(l => l.Split(' ')[2])];
        Assert.Equal(families.Order(StringComparer.Ordinal), families);
        Assert.Equal(families.Length, families.Distinct().Count());
        Assert.DoesNotContain("grpc_server_handling_seconds", families);
    }

    [Fact]
    public async Task ExtensiveMetricsHaveTheDurationsOfCalls()
    {
        await using ApiHost host = await ApiHost.StartAsync(options => options with { Metrics = MetricsDetail.Extensive });
        await new KV.KVClient(host.Channel).PutAsync(new PutRequest { Key = Utf8("k") }, cancellationToken: Cancel);

        Page page = await Page.ReadAsync(host);

        Assert.Equal(1, page["grpc_server_handling_seconds_count", "Put", "etcdserverpb.KV", "unary"]);
    }

    [Fact]
    public async Task WritesAndReadsMoveTheirFigures()
    {
        await using ApiHost host = await ApiHost.StartAsync(options => options with { UnsafeNoFsync = false });
        var kv = new KV.KVClient(host.Channel);
        Page before = await Page.ReadAsync(host);

        await kv.PutAsync(new PutRequest { Key = Utf8("key"), Value = Utf8("value") }, cancellationToken: Cancel);
        await kv.RangeAsync(new RangeRequest { Key = Utf8("key") }, cancellationToken: Cancel);
        await kv.TxnAsync(
            new TxnRequest
            {
                Success =
                {
                    new RequestOp { RequestPut = new PutRequest { Key = Utf8("a") } },
                    new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = Utf8("key") } },
                    new RequestOp { RequestRange = new RangeRequest { Key = Utf8("key") } },
                },
            },
            cancellationToken: Cancel);
        await Assert.ThrowsAsync<RpcException>(() => kv.PutAsync(new PutRequest(), cancellationToken: Cancel).ResponseAsync);
        Page after = await Page.ReadAsync(host);

        void Moved(double by, string name, params string[] labels) => Assert.Equal((name, by), (name, after[name, labels] - before[name, labels]));
        Moved(2, "etcd_server_proposals_committed_total");
        Moved(2, "etcd_server_proposals_applied_total");
        Moved(2, "etcd_mvcc_put_total");
        Moved(1, "etcd_mvcc_delete_total");
        Moved(2, "etcd_mvcc_range_total");
        Moved(1, "etcd_mvcc_txn_total");
        Moved(9, "etcd_debugging_mvcc_total_put_size_in_bytes");
        Moved(2, "etcd_debugging_mvcc_current_revision");
        Moved(1, "etcd_server_apply_duration_seconds_count", "Put", "true", "v3");
        Moved(1, "etcd_server_apply_duration_seconds_count", "Txn", "true", "v3");
        Moved(1, "etcd_server_request_duration_seconds_count", "true", "Put");
        Moved(1, "etcd_server_request_duration_seconds_count", "true", "Range");
        Moved(1, "etcd_server_range_duration_seconds_count", "true");
        Moved(2, "grpc_server_started_total", "Put", "etcdserverpb.KV", "unary");
        Moved(2, "grpc_server_msg_received_total", "Put", "etcdserverpb.KV", "unary");
        Moved(2, "grpc_server_msg_sent_total", "Put", "etcdserverpb.KV", "unary");
        Moved(1, "grpc_server_handled_total", "OK", "Put", "etcdserverpb.KV", "unary");
        Moved(1, "grpc_server_handled_total", "InvalidArgument", "Put", "etcdserverpb.KV", "unary");
        Moved(1, "grpc_server_handled_total", "OK", "Range", "etcdserverpb.KV", "unary");
        Moved(4, "etcd_server_client_requests_total", "unknown", "unary");
        Assert.True(after["etcd_disk_wal_fsync_duration_seconds_count"] > before["etcd_disk_wal_fsync_duration_seconds_count"]);
        Assert.True(after["etcd_disk_wal_fsync_duration_seconds_sum"] > before["etcd_disk_wal_fsync_duration_seconds_sum"]);
        Assert.True(after["etcd_disk_wal_write_bytes_total"] > before["etcd_disk_wal_write_bytes_total"]);
        Assert.True(after["etcd_disk_backend_commit_duration_seconds_count"] > before["etcd_disk_backend_commit_duration_seconds_count"]);
        Assert.True(after["etcd_network_client_grpc_received_bytes_total"] > before["etcd_network_client_grpc_received_bytes_total"]);
        Assert.True(after["etcd_network_client_grpc_sent_bytes_total"] > before["etcd_network_client_grpc_sent_bytes_total"]);
    }

    [Fact]
    public async Task BytesOfClientsAreThoseOfTheirMessages()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        Page before = await Page.ReadAsync(host);
        var put = new PutRequest { Key = Utf8("k"), Value = ByteString.CopyFrom(new byte[1000]), PrevKv = true };
        var grant = new LeaseGrantRequest { TTL = 100, ID = 7 };

        PutResponse putAnswer = await new KV.KVClient(host.Channel).PutAsync(put, cancellationToken: Cancel);
        LeaseGrantResponse granted = await new Protocol.Etcdserverpb.Lease.LeaseClient(host.Channel).LeaseGrantAsync(grant, cancellationToken: Cancel);
        RangeResponse range = await new KV.KVClient(host.Channel).RangeAsync(new RangeRequest { Key = Utf8("k") }, cancellationToken: Cancel);
        Page after = await Page.ReadAsync(host);

        Assert.Equal(
            put.CalculateSize() + grant.CalculateSize() + new RangeRequest { Key = Utf8("k") }.CalculateSize(),
            after["etcd_network_client_grpc_received_bytes_total"] - before["etcd_network_client_grpc_received_bytes_total"]);
        Assert.Equal(
            putAnswer.CalculateSize() + granted.CalculateSize() + range.CalculateSize(),
            after["etcd_network_client_grpc_sent_bytes_total"] - before["etcd_network_client_grpc_sent_bytes_total"]);
    }

    [Fact]
    public async Task TheStateOfTheMemberIsShown()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        Page page = await Page.ReadAsync(host);

        Assert.Equal(1, page["etcd_server_has_leader"]);
        Assert.Equal(1, page["etcd_server_is_leader"]);
        Assert.Equal(0, page["etcd_server_is_learner"]);
        Assert.Equal(1, page["etcd_server_leader_changes_seen_total"]);
        Assert.Equal(1, page["etcd_server_version", "3.7.1"]);
        Assert.Equal(1, page["etcd_cluster_version", "3.7"]);
        Assert.Equal(1, page["etcd_server_id", host.Member.MemberId.ToString()]);
        Assert.Equal(host.Member.StoreBytes, page["etcd_mvcc_db_total_size_in_bytes"]);
        Assert.Equal(host.Member.StoreBytesInUse, page["etcd_mvcc_db_total_size_in_use_in_bytes"]);
        Assert.Equal(0, page["etcd_server_proposals_pending"]);
        Assert.Equal(0, page["etcd_server_proposals_failed_total"]);
        Assert.True(page["process_resident_memory_bytes"] > 1e6);
        Assert.True(page["process_start_time_seconds"] > 1e9);
    }

    [Fact]
    public async Task WatchesMoveTheirFigures()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        using AsyncDuplexStreamingCall<WatchRequest, WatchResponse> watch = new Protocol.Etcdserverpb.Watch.WatchClient(host.Channel).Watch(cancellationToken: Cancel);
        await watch.RequestStream.WriteAsync(new WatchRequest { CreateRequest = new WatchCreateRequest { Key = Utf8("k") } }, Cancel);
        Assert.True(await watch.ResponseStream.MoveNext(Cancel));
        await new KV.KVClient(host.Channel).PutAsync(new PutRequest { Key = Utf8("k") }, cancellationToken: Cancel);
        Assert.True(await watch.ResponseStream.MoveNext(Cancel));
        await ApiHost.UntilAsync("the send to be counted", () => host.Member.Api.Figures.Grpc.WatchSends.Count == 1);

        Page page = await Page.ReadAsync(host);

        Assert.Equal(1, page["etcd_debugging_mvcc_watch_stream_total"]);
        Assert.Equal(1, page["etcd_debugging_mvcc_watcher_total"]);
        Assert.Equal(0, page["etcd_debugging_mvcc_slow_watcher_total"]);
        Assert.Equal(1, page["etcd_debugging_mvcc_events_total"]);
        Assert.Equal(1, page["etcd_debugging_server_watch_send_loop_watch_stream_duration_seconds_count"]);
        Assert.Equal(1, page["etcd_debugging_server_watch_send_loop_control_stream_duration_seconds_count"]);
        // One of the two: the system may have let another thread run in the middle of it.
        Assert.Equal(
            1, page["etcd_debugging_watch_apply_held_duration_seconds_count"] + page["etcd_debugging_watch_apply_preempted_total"]);
        Assert.Equal(1, page["grpc_server_msg_received_total", "Watch", "etcdserverpb.Watch", "bidi_stream"]);
        Assert.Equal(2, page["grpc_server_msg_sent_total", "Watch", "etcdserverpb.Watch", "bidi_stream"]);
        Assert.Equal(1, page["grpc_server_started_total", "Watch", "etcdserverpb.Watch", "bidi_stream"]);
        Assert.Equal(0, page["grpc_server_handled_total", "OK", "Watch", "etcdserverpb.Watch", "bidi_stream"]);
        Assert.Equal(1, page["etcd_server_client_requests_total", "unknown", "stream"]);
    }

    [Fact]
    public async Task AWatcherThatDoesNotReadCountsAsSlow()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        var kv = new KV.KVClient(host.Channel);
        for (int i = 0; i < 12; i++)
        {
            await kv.PutAsync(new PutRequest { Key = Utf8("k"), Value = ByteString.CopyFrom(new byte[1024 * 1024]) }, cancellationToken: Cancel);
        }

        // It asks for 12 MiB of history and reads nothing: what may wait for it is 4 MiB.
        var create = new WatchRequest { CreateRequest = new WatchCreateRequest { Key = Utf8("k"), StartRevision = 1 } };
        using HttpResponseMessage unread = await host.CallAsync("/etcdserverpb.Watch/Watch", create.ToByteArray());

        await ApiHost.UntilAsync("a slow watcher", () => host.Member.Watches.Statistics.SlowWatchers == 1);
        Assert.Equal(1, (await Page.ReadAsync(host))["etcd_debugging_mvcc_slow_watcher_total"]);
    }

    [Fact]
    public async Task LeasesMoveTheirFigures()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        var leases = new Protocol.Etcdserverpb.Lease.LeaseClient(host.Channel);
        await leases.LeaseGrantAsync(new LeaseGrantRequest { ID = 1, TTL = 100 }, cancellationToken: Cancel);
        await leases.LeaseGrantAsync(new LeaseGrantRequest { ID = 2, TTL = 1 }, cancellationToken: Cancel);
        using AsyncDuplexStreamingCall<LeaseKeepAliveRequest, LeaseKeepAliveResponse> keepAlive = leases.LeaseKeepAlive(cancellationToken: Cancel);
        await keepAlive.RequestStream.WriteAsync(new LeaseKeepAliveRequest { ID = 1 }, Cancel);
        Assert.True(await keepAlive.ResponseStream.MoveNext(Cancel));
        await leases.LeaseRevokeAsync(new LeaseRevokeRequest { ID = 1 }, cancellationToken: Cancel);
        await ApiHost.UntilAsync("the other one's end", () => host.Member.Api.Figures.Node.LeasesExpired == 1);

        Page page = await Page.ReadAsync(host);

        Assert.Equal(2, page["etcd_debugging_lease_granted_total"]);
        Assert.Equal(2, page["etcd_debugging_lease_revoked_total"]);
        Assert.Equal(1, page["etcd_debugging_lease_renewed_total"]);
        Assert.Equal(1, page["etcd_debugging_server_lease_expired_total"]);
        Assert.Equal(2, page["etcd_debugging_lease_ttl_total_count"]);
        // The shortest lease is of two seconds.
        Assert.Equal(102, page["etcd_debugging_lease_ttl_total_sum"]);
        Assert.Equal(1, page["grpc_server_msg_received_total", "LeaseKeepAlive", "etcdserverpb.Lease", "bidi_stream"]);
        Assert.Equal(1, page["grpc_server_msg_sent_total", "LeaseKeepAlive", "etcdserverpb.Lease", "bidi_stream"]);
    }

    [Fact]
    public async Task HashesSnapshotsAndHealthChecksMoveTheirFigures()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        var maintenance = new Maintenance.MaintenanceClient(host.Channel);
        await maintenance.HashAsync(new HashRequest(), cancellationToken: Cancel);
        await maintenance.HashKVAsync(new HashKVRequest(), cancellationToken: Cancel);
        using AsyncServerStreamingCall<SnapshotResponse> snapshot = maintenance.Snapshot(new SnapshotRequest(), cancellationToken: Cancel);
        while (await snapshot.ResponseStream.MoveNext(Cancel))
        {
        }

        await host.Http.GetStringAsync("/health", Cancel);
        await host.Http.GetStringAsync("/readyz", Cancel);
        Page page = await Page.ReadAsync(host);

        Assert.Equal(1, page["etcd_mvcc_hash_duration_seconds_count"]);
        Assert.Equal(1, page["etcd_mvcc_hash_rev_duration_seconds_count"]);
        Assert.Equal(1, page["etcd_disk_backend_snapshot_duration_seconds_count"]);
        Assert.Equal(1, page["etcd_server_health_success"]);
        Assert.Equal(0, page["etcd_server_health_failures"]);
        Assert.Equal(1, page["etcd_server_healthcheck", "linearizable_read", "readyz"]);
        Assert.Equal(1, page["etcd_server_healthchecks_total", "linearizable_read", "success", "readyz"]);
    }

    [Fact]
    public async Task KeysAndDefragmentationsMoveTheirFigures()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        var kv = new KV.KVClient(host.Channel);
        Assert.Equal(0, (await Page.ReadAsync(host))["etcd_debugging_mvcc_keys_total"]);
        foreach (string key in new[] { "a", "b", "b", "c" })
        {
            await kv.PutAsync(new PutRequest { Key = Utf8(key) }, cancellationToken: Cancel);
        }

        Assert.Equal(3, (await Page.ReadAsync(host))["etcd_debugging_mvcc_keys_total"]);
        await kv.DeleteRangeAsync(new DeleteRangeRequest { Key = Utf8("a"), RangeEnd = Utf8("c") }, cancellationToken: Cancel);
        await new Maintenance.MaintenanceClient(host.Channel).DefragmentAsync(new DefragmentRequest(), cancellationToken: Cancel);
        var held = new TaskCompletionSource();
        Task defragmenting = host.Member.Api.Figures.MeasureDefragmentationAsync(() => held.Task);
        Page during = await Page.ReadAsync(host);
        held.SetException(new IOException("no space left on device"));
        await Assert.ThrowsAsync<IOException>(() => defragmenting);
        Page after = await Page.ReadAsync(host);

        Assert.Equal(1, during["etcd_debugging_mvcc_keys_total"]);
        Assert.Equal((1, 1), (during["etcd_disk_backend_defrag_duration_seconds_count"], during["etcd_disk_defrag_inflight"]));
        Assert.True(during["etcd_disk_backend_defrag_duration_seconds_sum"] > 0);
        // One that fails is none.
        Assert.Equal((1, 0), (after["etcd_disk_backend_defrag_duration_seconds_count"], after["etcd_disk_defrag_inflight"]));
    }

    [Fact]
    public async Task CompactionsAlarmsAndProgressMoveTheirFigures()
    {
        await using ApiHost host = await ApiHost.StartAsync(options => options with { WatchProgressNotifyInterval = TimeSpan.FromMilliseconds(100) });
        var kv = new KV.KVClient(host.Channel);
        var maintenance = new Maintenance.MaintenanceClient(host.Channel);
        string self = host.Member.MemberId.ToString();
        Page before = await Page.ReadAsync(host);
        Assert.Equal(2147483648, before["etcd_server_quota_backend_bytes"]);
        Assert.Equal(-1, before["etcd_debugging_mvcc_compact_revision"]);

        using AsyncDuplexStreamingCall<WatchRequest, WatchResponse> watch = new Protocol.Etcdserverpb.Watch.WatchClient(host.Channel).Watch(cancellationToken: Cancel);
        await watch.RequestStream.WriteAsync(
            new WatchRequest { CreateRequest = new WatchCreateRequest { Key = Utf8("k"), ProgressNotify = true } }, Cancel);
        Assert.True(await watch.ResponseStream.MoveNext(Cancel));
        for (int i = 0; i < 4; i++)
        {
            await kv.PutAsync(new PutRequest { Key = Utf8("k") }, cancellationToken: Cancel);
        }

        await kv.CompactAsync(new CompactionRequest { Revision = 3 }, cancellationToken: Cancel);
        await maintenance.AlarmAsync(Nospace(AlarmRequest.Types.AlarmAction.Activate), cancellationToken: Cancel);
        int progress = 0;
        while (progress == 0)
        {
            Assert.True(await watch.ResponseStream.MoveNext(Cancel));
            progress += watch.ResponseStream.Current is { Created: false, Events.Count: 0 } ? 1 : 0;
        }

        // It is counted when it was sent, which is about when it arrives.
        await ApiHost.UntilAsync("the progress to be counted", () => host.Member.Api.Figures.Grpc.WatchProgressSends.Count > 0);
        Page during = await Page.ReadAsync(host);
        Assert.Equal(3, during["etcd_debugging_mvcc_compact_revision"]);
        Assert.Equal(1, during["etcd_debugging_server_alarms", "NOSPACE", self]);
        Assert.True(during["etcd_debugging_server_watch_send_loop_progress_duration_seconds_count"] > 0);
        Assert.Equal(
            during["etcd_debugging_server_watch_send_loop_watch_stream_duration_seconds_count"],
            during["etcd_debugging_server_watch_send_loop_watch_stream_duration_per_event_seconds_count"]);
        Assert.True(during["etcd_debugging_server_watch_send_loop_watch_stream_duration_per_event_seconds_count"] > 0);
        Assert.True(during["etcd_disk_wal_write_duration_seconds_count"] > before["etcd_disk_wal_write_duration_seconds_count"]);

        await maintenance.AlarmAsync(Nospace(AlarmRequest.Types.AlarmAction.Deactivate), cancellationToken: Cancel);
        Assert.Equal(0, (await Page.ReadAsync(host))["etcd_debugging_server_alarms", "NOSPACE", self]);

        AlarmRequest Nospace(AlarmRequest.Types.AlarmAction action) =>
            new() { Action = action, Alarm = AlarmType.Nospace, MemberID = host.Member.MemberId.Value };
    }

    [Fact]
    public async Task TheProcessIsShown()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        Page before = await Page.ReadAsync(host);

        Assert.InRange(before["os_fd_used"], 1, before["os_fd_limit"]);
        Assert.InRange(before["process_open_fds"], 1, before["process_max_fds"]);
        Assert.True(before["process_virtual_memory_bytes"] >= before["process_resident_memory_bytes"]);
        Assert.True(before["process_cpu_seconds_total"] > 0);
        double cpu = 0;
        await ApiHost.UntilAsync("the process to have worked", () =>
        {
            cpu = new Page(new MemberMetrics(host.Member.Api).Write())["process_cpu_seconds_total"];
            return cpu > before["process_cpu_seconds_total"];
        });
    }

    [Fact]
    public async Task TheFeatureGatesAreShownAsTheyAreSet()
    {
        await using ApiHost host = await ApiHost.StartAsync(options => options with { CompactHashCheck = false });
        Page page = await Page.ReadAsync(host);

        Assert.Equal(0, page["etcd_server_feature_enabled", "CompactHashCheck", "ALPHA"]);
        Assert.Equal(1, page["etcd_server_feature_enabled", "InitialCorruptCheck", "ALPHA"]);
        Assert.Equal(1, page["etcd_server_feature_enabled", "LeaseCheckpoint", "ALPHA"]);
        Assert.Equal(1, page["etcd_server_feature_enabled", "TxnModeWriteWithSharedBuffer", "BETA"]);
        string text = await host.Http.GetStringAsync("/metrics", Cancel);
        Assert.Equal(9, text.Split('\n').Count(l => l.StartsWith("etcd_server_feature_enabled{", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task AStreamThatBreaksCountsAsFailed()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        // What it sends is no message.
        using HttpResponseMessage broken = await host.CallAsync("/etcdserverpb.Watch/Watch", [0xff, 0xff]);
        await broken.Content.LoadIntoBufferAsync(Cancel);

        Page page = await Page.ReadAsync(host);

        Assert.Equal(1, page["etcd_network_server_stream_failures_total", "watch", "receive"]);
    }

    [Fact]
    public async Task ACallThatWaitsTooLongIsCountedAsThat()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        using HttpResponseMessage late = await host.CallAsync(
            "/v3electionpb.Election/Observe", "200m", new Protocol.V3Electionpb.LeaderRequest { Name = Utf8("e") }.ToByteArray());
        await late.Content.LoadIntoBufferAsync(Cancel);

        string[] labels = ["DeadlineExceeded", "Observe", "v3electionpb.Election", "server_stream"];
        double counted = 0;
        await ApiHost.UntilAsync("the call's end", () =>
        {
            counted = new Page(new MemberMetrics(host.Member.Api).Write())["grpc_server_handled_total", labels];
            return counted > 0;
        });
        Assert.Equal(1, counted);
    }

    internal static ByteString Utf8(string text) => ByteString.CopyFromUtf8(text);

    [GeneratedRegex("""^(# (HELP|TYPE) [a-z][a-z0-9_]* .+|[a-z][a-z0-9_]*(\{[A-Za-z_]+="[^"]*"(,[A-Za-z_]+="[^"]*")*\})? (-?[0-9.]+(e[+-][0-9]+)?|\+Inf|NaN))$""")]
    private static partial Regex Line();

    /// <summary>A page of metrics; values by name and the values of their labels, in the labels' order.</summary>
    internal sealed class Page
    {
        private readonly Dictionary<string, double> _values = new(StringComparer.Ordinal);

        public Page(string text)
        {
            foreach (string line in text.Split('\n').Where(l => l.Length > 0 && l[0] != '#'))
            {
                int space = line.LastIndexOf(' ');
                string[] parts = line[..space].Split('"');
                string name = parts[0].Split('{')[0];
                IEnumerable<string> labels = parts.Where((_, i) => i % 2 == 1);
                _values[string.Join('|', [name, .. labels])] = double.Parse(line[(space + 1)..], CultureInfo.InvariantCulture);
            }
        }

        /// <summary>A value; zero if there is none yet.</summary>
        public double this[string name, params string[] labels] => _values.GetValueOrDefault(string.Join('|', [name, .. labels]));

        public static async Task<Page> ReadAsync(ApiHost host) => new(await host.Http.GetStringAsync("/metrics", Cancel));
    }
}
