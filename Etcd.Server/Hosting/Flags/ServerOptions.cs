using Etcd.Server.Diagnostics;
using Etcd.Server.Primitives;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Flags;

/// <summary>What a member is started with. Defaults are etcd's.</summary>
public sealed record ServerOptions
{
    /// <summary>The member's name (--name).</summary>
    public string Name { get; init; } = "default";

    /// <summary>The data folder (--data-dir); empty means the name with ".etcd" behind it.</summary>
    public string DataDir { get; init; } = "";

    /// <summary>A folder of its own for the WAL (--wal-dir); empty means inside the data folder.</summary>
    public string WalDir { get; init; } = "";

    /// <summary>Where clients connect (--listen-client-urls).</summary>
    public IReadOnlyList<EtcdUrl> ListenClientUrls { get; init; } = [EtcdUrl.Parse("http://localhost:2379")];

    /// <summary>Where peers connect (--listen-peer-urls).</summary>
    public IReadOnlyList<EtcdUrl> ListenPeerUrls { get; init; } = [EtcdUrl.Parse("http://localhost:2380")];

    /// <summary>The client URLs that the cluster is told (--advertise-client-urls).</summary>
    public IReadOnlyList<EtcdUrl> AdvertiseClientUrls { get; init; } = [EtcdUrl.Parse("http://localhost:2379")];

    /// <summary>The peer URLs that the cluster is told (--initial-advertise-peer-urls).</summary>
    public IReadOnlyList<EtcdUrl> InitialAdvertisePeerUrls { get; init; } = [EtcdUrl.Parse("http://localhost:2380")];

    /// <summary>The first members as name=url pairs (--initial-cluster); empty means this one alone.</summary>
    public string InitialCluster { get; init; } = "";

    /// <summary>Keeps clusters with the same members apart (--initial-cluster-token).</summary>
    public string InitialClusterToken { get; init; } = "etcd-cluster";

    /// <summary>Whether the member begins a cluster or joins one (--initial-cluster-state).</summary>
    public InitialClusterState InitialClusterState { get; init; }

    /// <summary>Whether the first wait for an election is shortened once other members are reached (--initial-election-tick-advance).</summary>
    public bool InitialElectionTickAdvance { get; init; } = true;

    /// <summary>Whether a candidate asks first if it could win (--pre-vote).</summary>
    public bool PreVote { get; init; } = true;

    /// <summary>Whether changes of the membership that could cost the quorum are refused (--strict-reconfig-check).</summary>
    public bool StrictReconfigCheck { get; init; } = true;

    /// <summary>Most learners in the cluster (--max-learners).</summary>
    public int MaxLearners { get; init; } = Limits.LearnersMax;

    /// <summary>Applied entries that are kept for members that lag (--snapshot-catchup-entries).</summary>
    public int SnapshotCatchUpEntries { get; init; } = 5000;

    /// <summary>Applied entries after which the state is made durable and the log before it let go (--snapshot-count).</summary>
    public long SnapshotCount { get; init; } = Limits.CheckpointEntries;

    /// <summary>Segments of the write-ahead log that are kept (--max-wals); 0 keeps all.</summary>
    public int MaxWals { get; init; } = Limits.WalsMax;

    /// <summary>How long clients are kept waiting for the cluster before this member serves what it can alone (--wait-cluster-ready-timeout).</summary>
    public TimeSpan WaitClusterReadyTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>One raft tick, milliseconds (--heartbeat-interval).</summary>
    public int HeartbeatMilliseconds { get; init; } = Limits.HeartbeatMilliseconds;

    /// <summary>The election timeout, milliseconds (--election-timeout).</summary>
    public int ElectionMilliseconds { get; init; } = Limits.ElectionTimeoutMilliseconds;

    /// <summary>Operations in a transaction (--max-txn-ops).</summary>
    public int MaxTxnOps { get; init; } = Limits.TxnOpsMax;

    /// <summary>Bytes of a client request (--max-request-bytes).</summary>
    public int MaxRequestBytes { get; init; } = Limits.RequestBytesMax;

    /// <summary>Streams per client connection (--max-concurrent-streams).</summary>
    public uint MaxConcurrentStreams { get; init; } = Limits.ConcurrentStreamsMax;

    /// <summary>How long a connection may be silent before it is pinged (--grpc-keepalive-interval).</summary>
    public TimeSpan GrpcKeepAliveInterval { get; init; } = TimeSpan.FromHours(2);

    /// <summary>How long a ping may be unanswered (--grpc-keepalive-timeout).</summary>
    public TimeSpan GrpcKeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Interval of progress notifications (--watch-progress-notify-interval).</summary>
    public TimeSpan WatchProgressNotifyInterval { get; init; } = TimeSpan.FromMilliseconds(Limits.WatchProgressMilliseconds);

    /// <summary>Writes without waiting for the disk (--unsafe-no-fsync): a crash of the machine loses data.</summary>
    public bool UnsafeNoFsync { get; init; }

    /// <summary>What this member says that it is (--claimed-version).</summary>
    public ClaimedVersion ClaimedVersion { get; init; } = ClaimedVersion.V37;

    /// <summary>The server's certificate for https client URLs (--cert-file).</summary>
    public string CertFile { get; init; } = "";

    /// <summary>Its key (--key-file).</summary>
    public string KeyFile { get; init; } = "";

    /// <summary>Whether clients must show a certificate of <see cref="TrustedCaFile"/> (--client-cert-auth).</summary>
    public bool ClientCertAuth { get; init; }

    /// <summary>The authorities of clients' certificates (--trusted-ca-file); clients must show one where it is given.</summary>
    public string TrustedCaFile { get; init; } = "";

    /// <summary>The certificate that this member shows to others, as a server and as a client (--peer-cert-file).</summary>
    public string PeerCertFile { get; init; } = "";

    /// <summary>Its key (--peer-key-file).</summary>
    public string PeerKeyFile { get; init; } = "";

    /// <summary>Whether members must show a certificate of <see cref="PeerTrustedCaFile"/> (--peer-client-cert-auth).</summary>
    public bool PeerClientCertAuth { get; init; }

    /// <summary>The authorities of members' certificates (--peer-trusted-ca-file); members must show one where it is given.</summary>
    public string PeerTrustedCaFile { get; init; } = "";

    /// <summary>The least level that is logged (--log-level).</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    /// <summary>How log lines look (--log-format).</summary>
    public LogFormat LogFormat { get; init; }

    /// <summary>Where log lines go (--log-outputs): stderr, stdout or file paths.</summary>
    public IReadOnlyList<string> LogOutputs { get; init; } = ["default"];

    /// <summary>The data folder that is used.</summary>
    public string EffectiveDataDir => Path.TrimEndingDirectorySeparator(DataDir.Length > 0 ? DataDir : Name + ".etcd");

    /// <summary>The WAL folder that is used.</summary>
    public string EffectiveWalDir =>
        WalDir.Length > 0 ? Path.TrimEndingDirectorySeparator(WalDir) : Path.Combine(EffectiveDataDir, "member", "wal");
}

/// <summary>How a member without data begins.</summary>
public enum InitialClusterState
{
    /// <summary>It is one of the first members of a new cluster.</summary>
    New,

    /// <summary>It was added to a cluster that is there already.</summary>
    Existing,
}
