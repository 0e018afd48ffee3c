using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Api.Metrics;
using Etcd.Server.Node;
using Etcd.Server.Tests.Api;
using Google.Protobuf;

namespace Etcd.Server.Tests.Members;

/// <summary>
/// Goal: the metrics of a cluster tell what happens to it: who is reached, that the leader changes, that there is none, that requests wait
/// and fail. Method: whole members in this process, of which one after the other is ended.
/// </summary>
[Collection(nameof(ClusterTests))]
public sealed class ClusterMetricsTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TheEndOfMembersIsSeenInTheFiguresOfTheOthers()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(
            3, options => options with { HeartbeatMilliseconds = 50, ElectionMilliseconds = 500 });
        RunningMember leader = await cluster.WaitForLeaderAsync();
        RunningMember watched = cluster.Running.Values.First(m => m != leader);
        RunningMember other = cluster.Running.Values.Single(m => m != leader && m != watched);
        string self = watched.Member.MemberId.ToString();
        string led = leader.Member.MemberId.ToString();
        await watched.PutAsync("k", "v");
        await InProcessCluster.UntilAsync("peers that are reached and measured", () =>
        {
            MetricsTests.Page page = Page(watched);
            return page["etcd_network_active_peers", self, led] == 1
                && page["etcd_network_active_peers", self, other.Member.MemberId.ToString()] == 1
                && page["etcd_network_peer_round_trip_time_seconds_count", led] > 0
                && page["etcd_network_peer_sent_bytes_total", led] > 0
                && page["etcd_network_peer_received_bytes_total", led] > 0;
        });
        MetricsTests.Page before = Page(watched);
        Assert.Equal((1, 0), (before["etcd_server_has_leader"], before["etcd_server_is_leader"]));
        Assert.Equal(1, Page(leader)["etcd_server_is_leader"]);
        Assert.Equal(1, before["etcd_network_known_peers", self, led]);
        Assert.True(before["etcd_network_peer_round_trip_time_seconds_sum", led] > 0);

        await cluster.KillAsync(leader.Name);
        await InProcessCluster.UntilAsync("another leader", () =>
        {
            MetricsTests.Page page = Page(watched);
            return page["etcd_server_has_leader"] == 1
                && page["etcd_server_leader_changes_seen_total"] > before["etcd_server_leader_changes_seen_total"]
                && page["etcd_network_disconnected_peers_total", self, led] > 0
                && page["etcd_network_active_peers", self, led] == 0;
        });

        await cluster.KillAsync(other.Name);
        await InProcessCluster.UntilAsync("no leader", () => Page(watched)["etcd_server_has_leader"] == 0);
        // Who asks for votes tells every member, the dead one too.
        await InProcessCluster.UntilAsync("a message that reaches nobody", () => Page(watched)["etcd_network_peer_sent_failures_total", led] > 0);
        Task<Server.Apply.ApplyOutcome> put = watched.Member.Api.Proposals.ProposeAsync(
            RaftCommand.Create(RaftCommandKind.Put, new PutRequest { Key = ByteString.CopyFromUtf8("k") }.ToByteArray()));
        Task read = watched.Member.LinearizeAsync(Cancel).AsTask();
        await InProcessCluster.UntilAsync("a request that waits", () => Page(watched)["etcd_server_proposals_pending"] == 1);

        await Assert.ThrowsAsync<EtcdErrorException>(() => put);
        await Assert.ThrowsAsync<EtcdErrorException>(() => read);
        MetricsTests.Page after = Page(watched);
        Assert.Equal(1, after["etcd_server_proposals_failed_total"]);
        Assert.Equal(0, after["etcd_server_proposals_pending"]);
        Assert.Equal(1, after["etcd_server_request_duration_seconds_count", "false", "Put"]);
        Assert.True(after["etcd_server_slow_read_indexes_total"] > before["etcd_server_slow_read_indexes_total"]);
    }

    [Fact]
    public async Task APromotionAndASnapshotAreCounted()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(1, options => options with { SnapshotCatchUpEntries = 2 });
        RunningMember leader = await cluster.WaitForLeaderAsync();
        for (int i = 0; i < 20; i++)
        {
            await leader.PutAsync("k", "v");
        }

        string url = cluster.Name("m2");
        MemberAddResponse added = await leader.Cluster.MemberAdd(
            new MemberAddRequest { PeerURLs = { url }, IsLearner = true }, new TestCall(Cancel));
        await Assert.ThrowsAsync<EtcdErrorException>(
            () => leader.Cluster.MemberPromote(new MemberPromoteRequest { ID = added.Member.ID }, new TestCall(Cancel)));
        Assert.Equal(1, Page(leader)["etcd_server_learner_promote_failures", EtcdErrors.LearnerNotReady.Text]);

        RunningMember learner = await cluster.StartAsync("m2", Server.Hosting.Flags.InitialClusterState.Existing);
        await learner.StartedAsync();
        Assert.Equal(1, Page(learner)["etcd_server_is_learner"]);
        SnapshotIsCounted(leader, learner);
        await InProcessCluster.UntilAsync("the promotion", async () =>
        {
            try
            {
                await leader.Cluster.MemberPromote(new MemberPromoteRequest { ID = added.Member.ID }, new TestCall(Cancel));
                return true;
            }
            catch (EtcdErrorException e) when (e.Error == EtcdErrors.LearnerNotReady)
            {
                return false;
            }
        });

        Assert.Equal(1, Page(leader)["etcd_server_learner_promote_successes"]);
        await InProcessCluster.UntilAsync("the voter to know it", () => Page(learner)["etcd_server_is_learner"] == 0);
    }

    /// <summary>It was so far behind that it has got the state, and not the log.</summary>
    private static void SnapshotIsCounted(RunningMember leader, RunningMember learner)
    {
        string to = learner.Member.MemberId.ToString();
        string from = leader.Member.MemberId.ToString();
        MetricsTests.Page sent = Page(leader);
        MetricsTests.Page received = Page(learner);
        Assert.True(sent["etcd_network_snapshot_send_success", to] > 0);
        Assert.Equal(sent["etcd_network_snapshot_send_success", to], sent["etcd_network_snapshot_send_total_duration_seconds_count", to]);
        Assert.Equal((0, 0), (sent["etcd_network_snapshot_send_failures", to], sent["etcd_network_snapshot_send_inflights_total", to]));
        Assert.True(received["etcd_network_snapshot_receive_success", from] > 0);
        Assert.Equal(
            received["etcd_network_snapshot_receive_success", from], received["etcd_network_snapshot_receive_total_duration_seconds_count", from]);
        Assert.Equal(
            (0, 0, 0),
            (received["etcd_network_snapshot_receive_failures", from], received["etcd_network_snapshot_receive_inflights_total", from], received["etcd_server_snapshot_apply_in_progress_total"]));
        Assert.Equal(received["etcd_network_snapshot_receive_success", from], received["etcd_snap_db_save_total_duration_seconds_count"]);
        Assert.Equal(received["etcd_network_snapshot_receive_success", from], received["etcd_snap_db_fsync_duration_seconds_count"]);
        Assert.Equal(0, sent["etcd_snap_db_save_total_duration_seconds_count"]);
    }

    private static MetricsTests.Page Page(RunningMember member) => new(new MemberMetrics(member.Member.Api).Write());
}
