using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Grpc.Core;

namespace Etcd.Server.Api.Metrics;

/// <content>What goes over the network: other members and clients.</content>
internal sealed partial class MemberMetrics
{
    private const string UnknownSender = "UNKNOWN_SNAPSHOT_SENDER";

    private void WritePeers(MetricText text)
    {
        (string Id, PeerCounters Counters)[] peers =
            [.. _figures.Peers.Peers.Select(p => (p.Key.ToString(), p.Value)).OrderBy(p => p.Item1, StringComparer.Ordinal)];
        string self = api.Status.MemberId.ToString();
        Counted(text.Counter("etcd_network_peer_sent_bytes_total", "The total number of bytes sent to peers."), "To", peers, c => c.SentBytes);
        Counted(
            text.Counter("etcd_network_peer_sent_failures_total", "The total number of send failures from peers."),
            "To", peers, c => c.SentFailures, unlessZero: true);
        Counted(
            text.Counter("etcd_network_peer_received_bytes_total", "The total number of bytes received from peers."),
            "From", peers, c => c.ReceivedBytes);
        Counted(
            text.Counter("etcd_network_peer_received_failures_total", "The total number of receive failures from peers."),
            "From", peers, c => c.ReceivedFailures, unlessZero: true);
        foreach ((string address, long count) in _figures.Peers.ReceiveFailuresByAddress)
        {
            text.Sample(count, ("From", address));
        }

        WriteConnections(text, peers, self);
        WriteSnapshotsToPeers(text, peers);
        WriteSnapshotsFromPeers(text, peers);
        text.Histogram(
            "etcd_snap_db_save_total_duration_seconds", "The total latency distributions of v3 snapshot save", _figures.Peers.SnapshotSaves);
        text.Histogram(
            "etcd_snap_db_fsync_duration_seconds", "The latency distributions of fsyncing .snap.db file", _figures.Peers.SnapshotSyncs);
        text.Histogram("etcd_network_peer_round_trip_time_seconds", "Round-Trip-Time histogram between peers");
        foreach ((string id, PeerCounters counters) in peers)
        {
            text.Sample(counters.RoundTrip, ("To", id));
        }
    }

    private void WriteConnections(MetricText text, (string Id, PeerCounters Counters)[] peers, string self)
    {
        text.Gauge("etcd_network_active_peers", "The current number of active peer connections.");
        foreach ((string id, PeerCounters counters) in peers)
        {
            text.Sample(counters.Active, ("Local", self), ("Remote", id));
        }

        text.Counter("etcd_network_disconnected_peers_total", "The total number of disconnected peers.");
        foreach ((string id, PeerCounters counters) in peers)
        {
            text.Sample(counters.Disconnects, ("Local", self), ("Remote", id));
        }

        text.Gauge("etcd_network_known_peers", "The current number of known peers.");
        foreach (Membership.Member member in api.Status.Members)
        {
            text.Sample(1, ("Local", self), ("Remote", member.Id.ToString()));
        }
    }

    private static void WriteSnapshotsToPeers(MetricText text, (string Id, PeerCounters Counters)[] peers)
    {
        (string Id, PeerCounters Counters)[] sent =
            [.. peers.Where(p => p.Counters.SnapshotsSent + p.Counters.SnapshotSendFailures + p.Counters.SnapshotsBeingSent > 0)];
        if (sent.Length == 0)
        {
            return;
        }

        Counted(text.Counter("etcd_network_snapshot_send_success", "Total number of successful snapshot sends"), "To", sent, c => c.SnapshotsSent);
        Counted(
            text.Counter("etcd_network_snapshot_send_failures", "Total number of snapshot send failures"),
            "To", sent, c => c.SnapshotSendFailures);
        Counted(
            text.Gauge("etcd_network_snapshot_send_inflights_total", "Total number of inflight snapshot sends"),
            "To", sent, c => c.SnapshotsBeingSent);
        text.Histogram("etcd_network_snapshot_send_total_duration_seconds", "Total latency distributions of v3 snapshot sends");
        foreach ((string id, PeerCounters counters) in sent)
        {
            text.Sample(counters.SnapshotSend, ("To", id));
        }
    }

    private void WriteSnapshotsFromPeers(MetricText text, (string Id, PeerCounters Counters)[] peers)
    {
        (string Id, PeerCounters Counters)[] received =
            [.. peers.Where(p => p.Counters.SnapshotsReceived + p.Counters.SnapshotReceiveFailures + p.Counters.SnapshotsBeingReceived > 0)];
        long ofUnknown = _figures.Peers.SnapshotReceiveFailuresOfUnknown;
        if (received.Length + ofUnknown == 0)
        {
            return;
        }

        Counted(
            text.Counter("etcd_network_snapshot_receive_failures", "Total number of snapshot receive failures"),
            "From", received, c => c.SnapshotReceiveFailures);
        if (ofUnknown > 0)
        {
            text.Sample(ofUnknown, ("From", UnknownSender));
        }

        Counted(
            text.Counter("etcd_network_snapshot_receive_success", "Total number of successful snapshot receives"),
            "From", received, c => c.SnapshotsReceived);
        Counted(
            text.Gauge("etcd_network_snapshot_receive_inflights_total", "Total number of inflight snapshot receives"),
            "From", received, c => c.SnapshotsBeingReceived);
        text.Histogram("etcd_network_snapshot_receive_total_duration_seconds", "Total latency distributions of v3 snapshot receives");
        foreach ((string id, PeerCounters counters) in received)
        {
            text.Sample(counters.SnapshotReceive, ("From", id));
        }
    }

    private static void Counted(
        MetricText text, string label, (string Id, PeerCounters Counters)[] peers, Func<PeerCounters, long> count, bool unlessZero = false)
    {
        foreach ((string id, PeerCounters counters) in peers)
        {
            long value = count(counters);
            if (value != 0 || !unlessZero)
            {
                text.Sample(value, (label, id));
            }
        }
    }

    private void WriteCalls(MetricText text)
    {
        GrpcFigures grpc = _figures.Grpc;
        text.Counter(
            "etcd_network_client_grpc_received_bytes_total", "The total number of bytes received from grpc clients.", grpc.ReceivedBytes.Value);
        text.Counter("etcd_network_client_grpc_sent_bytes_total", "The total number of bytes sent to grpc clients.", grpc.SentBytes.Value);
        text.Counter("etcd_server_client_requests_total", "The total number of client requests per client version.");
        foreach (((bool isUnary, string version), Tally count) in grpc.Clients.OrderBy(c => c.Key))
        {
            text.Sample(count.Value, ("type", isUnary ? "unary" : "stream"), ("client_api_version", version));
        }

        text.Counter("etcd_network_server_stream_failures_total", "The total number of stream failures from the local server.");
        foreach (((string direction, string name), Tally count) in grpc.StreamFailures.OrderBy(c => c.Key))
        {
            text.Sample(count.Value, ("Type", direction), ("API", name));
        }

        WriteMethods(text, [.. grpc.Methods.OrderBy(m => m.Service, StringComparer.Ordinal).ThenBy(m => m.Method, StringComparer.Ordinal)]);
    }

    private static void WriteMethods(MetricText text, MethodFigures[] methods)
    {
        PerMethod(
            text.Counter("grpc_server_started_total", "Total number of RPCs started on the server."), methods, m => m.Started.Value);
        PerMethod(
            text.Counter("grpc_server_msg_received_total", "Total number of RPC stream messages received on the server."),
            methods, m => m.Received);
        PerMethod(text.Counter("grpc_server_msg_sent_total", "Total number of gRPC stream messages sent by the server."), methods, m => m.Sent);
        text.Counter(
            "grpc_server_handled_total", "Total number of RPCs completed on the server, regardless of success or failure.");
        foreach (MethodFigures method in methods)
        {
            for (StatusCode code = StatusCode.OK; code <= StatusCode.Unauthenticated; code++)
            {
                text.Sample(
                    method.Handled(code),
                    ("grpc_code", GoName(code)), ("grpc_method", method.Method), ("grpc_service", method.Service), ("grpc_type", method.Type));
            }
        }

        if (methods.Any(m => m.Durations is not null))
        {
            text.Histogram(
                "grpc_server_handling_seconds",
                "Histogram of response latency (seconds) of gRPC that had been application-level handled by the server.");
            foreach (MethodFigures method in methods)
            {
                text.Sample(method.Durations!, Labels(method));
            }
        }
    }

    private static void PerMethod(MetricText text, MethodFigures[] methods, Func<MethodFigures, long> count)
    {
        foreach (MethodFigures method in methods)
        {
            text.Sample(count(method), Labels(method));
        }
    }

    private static (string, string)[] Labels(MethodFigures method) =>
        [("grpc_method", method.Method), ("grpc_service", method.Service), ("grpc_type", method.Type)];

    private static string GoName(StatusCode code) => code == StatusCode.Cancelled ? "Canceled" : code.ToString();
}
