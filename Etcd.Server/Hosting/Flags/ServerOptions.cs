using Etcd.Server.Api.Http;
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

    /// <summary>How often the leader looks whether a downgrade is done (--downgrade-check-time); zero for never.</summary>
    public TimeSpan DowngradeCheckTime { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Bytes that the store may take (--quota-backend-bytes): zero for 2 GiB, below zero for no limit.</summary>
    public long QuotaBackendBytes { get; init; }

    /// <summary>Whether the NOSPACE alarm is lowered by itself once enough is free (--quota-auto-disarm).</summary>
    public bool QuotaAutoDisarm { get; init; }

    /// <summary>What the retention counts: time ("periodic") or revisions ("revision") (--auto-compaction-mode).</summary>
    public string AutoCompactionMode { get; init; } = "periodic";

    /// <summary>How much history is kept when compacting by itself, in the mode's unit (--auto-compaction-retention); "0" for all.</summary>
    public string AutoCompactionRetention { get; init; } = "0";

    /// <summary>What both together mean.</summary>
    /// <exception cref="FormatException">They mean nothing.</exception>
    public CompactionRetention AutoCompaction => CompactionRetention.Parse(AutoCompactionMode, AutoCompactionRetention);

    /// <summary>Whether a member with data compares them with the others' before it serves (the feature gate InitialCorruptCheck).</summary>
    public bool InitialCorruptCheck { get; init; } = true;

    /// <summary>How often the leader compares all data with the others' (--corrupt-check-time); zero for never.</summary>
    public TimeSpan CorruptCheckTime { get; init; } = TimeSpan.FromHours(12);

    /// <summary>Whether the leader compares the hashes of compactions with the others' (the feature gate CompactHashCheck).</summary>
    public bool CompactHashCheck { get; init; } = true;

    /// <summary>How often it does (--compact-hash-check-time).</summary>
    public TimeSpan CompactHashCheckTime { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How often everything that the store has on the disk is read and checked (--scrub-interval); zero for never.</summary>
    public TimeSpan ScrubInterval { get; init; } = TimeSpan.FromDays(1);

    /// <summary>How fast it is read, bytes a second at the most (--scrub-bytes-per-second).</summary>
    public long ScrubBytesPerSecond { get; init; } = 8 << 20;

    /// <summary>Writes without waiting for the disk (--unsafe-no-fsync): a crash of the machine loses data.</summary>
    public bool UnsafeNoFsync { get; init; }

    /// <summary>Makes a member with data a cluster of its own, without the others (--force-new-cluster): for when their data is lost.</summary>
    public bool ForceNewCluster { get; init; }

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

    /// <summary>The certificate that this member shows when it connects to others, if it is another one (--peer-client-cert-file).</summary>
    public string PeerClientCertFile { get; init; } = "";

    /// <summary>Its key (--peer-client-key-file).</summary>
    public string PeerClientKeyFile { get; init; } = "";

    /// <summary>The common names of which a member's certificate must bear one (--peer-cert-allowed-cn); empty for any.</summary>
    public IReadOnlyList<string> PeerCertAllowedCns { get; init; } = [];

    /// <summary>The hosts of which a member's certificate must name one (--peer-cert-allowed-hostname); empty for any.</summary>
    public IReadOnlyList<string> PeerCertAllowedHostnames { get; init; } = [];

    /// <summary>The revoked certificates of members (--peer-crl-file).</summary>
    public string PeerCrlFile { get; init; } = "";

    /// <summary>Whether members may connect from elsewhere than their certificates say (--peer-skip-client-san-verification).</summary>
    public bool PeerSkipClientSanVerification { get; init; }

    /// <summary>The hosts of which a client's certificate must name one (--client-cert-allowed-hostname); empty for any.</summary>
    public IReadOnlyList<string> ClientCertAllowedHostnames { get; init; } = [];

    /// <summary>The revoked certificates of clients (--client-crl-file).</summary>
    public string ClientCrlFile { get; init; } = "";

    /// <summary>What proves with each request who a user is (--auth-token): simple, jwt with its options, or nothing.</summary>
    public string AuthToken { get; init; } = "simple";

    /// <summary>How long a simple token lives that is not used (--auth-token-ttl); zero for the default.</summary>
    public TimeSpan AuthTokenLifetime { get; init; } = Limits.SimpleTokenLifetime;

    /// <summary>The cost of hashing a new password (--bcrypt-cost).</summary>
    public int BcryptCost { get; init; } = Auth.PasswordHash.CostDefault;

    /// <summary>Where metrics and health are served besides the client URLs (--listen-metrics-urls).</summary>
    public IReadOnlyList<EtcdUrl> ListenMetricsUrls { get; init; } = [];

    /// <summary>How much the metrics tell (--metrics).</summary>
    public MetricsDetail Metrics { get; init; }

    /// <summary>Whether the JSON gateway is served (--enable-grpc-gateway).</summary>
    public bool EnableGrpcGateway { get; init; } = true;

    /// <summary>Origins that browsers' pages may call from (--cors); empty, or with "*", all.</summary>
    public IReadOnlySet<string> Cors { get; init; } = AccessRules.Everything;

    /// <summary>Hosts that clients may call this member by over HTTP without TLS (--host-whitelist); empty, or with "*", all.</summary>
    public IReadOnlySet<string> HostWhitelist { get; init; } = AccessRules.Everything;

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

/// <summary>How much the metrics tell (--metrics).</summary>
public enum MetricsDetail
{
    /// <summary>All but the durations of gRPC calls.</summary>
    Basic,

    /// <summary>Those too.</summary>
    Extensive,
}

/// <summary>How a member without data begins.</summary>
public enum InitialClusterState
{
    /// <summary>It is one of the first members of a new cluster.</summary>
    New,

    /// <summary>It was added to a cluster that is there already.</summary>
    Existing,
}
