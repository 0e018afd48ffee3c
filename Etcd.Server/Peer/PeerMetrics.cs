using System.Collections.Concurrent;
using Etcd.Server.Primitives;

namespace Etcd.Server.Peer;

/// <summary>
/// The figures of etcd's etcd_network_* metrics that concern members, for whoever shows them. Each property's text names the
/// metric. Any thread.
/// </summary>
public sealed class PeerMetrics
{
    // Whoever reaches the port can name any sender, from any address: that shall not fill the memory.
    private const int SendersMax = 1024;

    private readonly ConcurrentDictionary<MemberId, PeerCounters> _peers = new();
    private readonly PeerCounters _surplus = new();
    private readonly ConcurrentDictionary<string, long> _unknownReceiveFailures = new(StringComparer.Ordinal);
    private long _snapshotReceiveFailuresOfUnknown;

    /// <summary>The figures of each member that something was counted for.</summary>
    public IEnumerable<KeyValuePair<MemberId, PeerCounters>> Peers => _peers;

    /// <summary>etcd_network_snapshot_receive_failures with From="UNKNOWN_SNAPSHOT_SENDER".</summary>
    public long SnapshotReceiveFailuresOfUnknown => Volatile.Read(ref _snapshotReceiveFailuresOfUnknown);

    /// <summary>etcd_network_peer_received_failures_total of requests whose sender is not known, by the sender's host.</summary>
    public IEnumerable<KeyValuePair<string, long>> ReceiveFailuresByAddress => _unknownReceiveFailures;

    /// <summary>etcd_snap_db_save_total_duration_seconds: received snapshots, from the first byte until they are durable.</summary>
    public DurationHistogram SnapshotSaves { get; } = new(0.1, 10);

    /// <summary>etcd_snap_db_fsync_duration_seconds: their sync alone.</summary>
    public DurationHistogram SnapshotSyncs { get; } = new(0.001, 14);

    /// <summary>The figures of one member; those who are too many to be told apart share some that nobody sees.</summary>
    /// <param name="member">The member.</param>
    public PeerCounters this[MemberId member] => _peers.TryGetValue(member, out PeerCounters? known) ? known
        : _peers.Count < SendersMax ? _peers.GetOrAdd(member, static _ => new PeerCounters())
        : _surplus;

    /// <summary>Counts a snapshot whose sender is not known.</summary>
    public void CountSnapshotOfUnknown() => Interlocked.Increment(ref _snapshotReceiveFailuresOfUnknown);

    /// <summary>Counts a request that could not be read.</summary>
    /// <param name="address">The sender's host; without its port, which is another each time.</param>
    public void CountReceiveFailure(string address)
    {
        if (_unknownReceiveFailures.Count < SendersMax || _unknownReceiveFailures.ContainsKey(address))
        {
            _unknownReceiveFailures.AddOrUpdate(address, 1, static (_, count) => count + 1);
        }
    }
}

/// <summary>The figures of one other member. Any thread.</summary>
public sealed class PeerCounters
{
    private long _sentBytes;
    private long _receivedBytes;
    private long _sentFailures;
    private long _receivedFailures;
    private long _disconnects;
    private int _active;
    private long _snapshotsSent;
    private long _snapshotSendFailures;
    private int _snapshotsBeingSent;
    private long _snapshotsReceived;
    private long _snapshotReceiveFailures;
    private int _snapshotsBeingReceived;

    /// <summary>etcd_network_peer_sent_bytes_total.</summary>
    public long SentBytes => Volatile.Read(ref _sentBytes);

    /// <summary>etcd_network_peer_received_bytes_total.</summary>
    public long ReceivedBytes => Volatile.Read(ref _receivedBytes);

    /// <summary>etcd_network_peer_sent_failures_total.</summary>
    public long SentFailures => Volatile.Read(ref _sentFailures);

    /// <summary>etcd_network_peer_received_failures_total.</summary>
    public long ReceivedFailures => Volatile.Read(ref _receivedFailures);

    /// <summary>etcd_network_active_peers.</summary>
    public int Active => Volatile.Read(ref _active);

    /// <summary>etcd_network_disconnected_peers_total.</summary>
    public long Disconnects => Volatile.Read(ref _disconnects);

    /// <summary>etcd_network_snapshot_send_success.</summary>
    public long SnapshotsSent => Volatile.Read(ref _snapshotsSent);

    /// <summary>etcd_network_snapshot_send_failures.</summary>
    public long SnapshotSendFailures => Volatile.Read(ref _snapshotSendFailures);

    /// <summary>etcd_network_snapshot_send_inflights_total.</summary>
    public int SnapshotsBeingSent => Volatile.Read(ref _snapshotsBeingSent);

    /// <summary>etcd_network_snapshot_receive_success.</summary>
    public long SnapshotsReceived => Volatile.Read(ref _snapshotsReceived);

    /// <summary>etcd_network_snapshot_receive_failures.</summary>
    public long SnapshotReceiveFailures => Volatile.Read(ref _snapshotReceiveFailures);

    /// <summary>etcd_network_snapshot_receive_inflights_total.</summary>
    public int SnapshotsBeingReceived => Volatile.Read(ref _snapshotsBeingReceived);

    /// <summary>etcd_network_peer_round_trip_time_seconds: 0.1 ms, doubled 15 times.</summary>
    public DurationHistogram RoundTrip { get; } = new(0.0001, 16);

    /// <summary>etcd_network_snapshot_send_total_duration_seconds: 0.1 s, doubled 9 times.</summary>
    public DurationHistogram SnapshotSend { get; } = new(0.1, 10);

    /// <summary>etcd_network_snapshot_receive_total_duration_seconds: 0.1 s, doubled 9 times.</summary>
    public DurationHistogram SnapshotReceive { get; } = new(0.1, 10);

    internal void CountSent(long bytes) => Interlocked.Add(ref _sentBytes, bytes);

    internal void CountReceived(long bytes) => Interlocked.Add(ref _receivedBytes, bytes);

    internal void CountSendFailure() => Interlocked.Increment(ref _sentFailures);

    internal void CountReceiveFailure() => Interlocked.Increment(ref _receivedFailures);

    internal void BecameActive() => Volatile.Write(ref _active, 1);

    internal void BecameInactive()
    {
        Volatile.Write(ref _active, 0);
        Interlocked.Increment(ref _disconnects);
    }

    internal void BeginSendSnapshot() => Interlocked.Increment(ref _snapshotsBeingSent);

    internal void EndSendSnapshot(bool sent, TimeSpan duration)
    {
        Interlocked.Decrement(ref _snapshotsBeingSent);
        Interlocked.Increment(ref sent ? ref _snapshotsSent : ref _snapshotSendFailures);
        if (sent)
        {
            SnapshotSend.Observe(duration);
        }
    }

    internal void BeginReceiveSnapshot() => Interlocked.Increment(ref _snapshotsBeingReceived);

    internal void EndReceiveSnapshot(bool received, TimeSpan duration)
    {
        Interlocked.Decrement(ref _snapshotsBeingReceived);
        Interlocked.Increment(ref received ? ref _snapshotsReceived : ref _snapshotReceiveFailures);
        if (received)
        {
            SnapshotReceive.Observe(duration);
        }
    }
}
