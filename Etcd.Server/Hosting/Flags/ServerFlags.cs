using System.Globalization;
using System.Text;
using Etcd.Server.Api.Http;
using Etcd.Server.Diagnostics;
using Etcd.Server.Primitives;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Flags;

/// <summary>
/// The server's flags: exactly those that this server acts on, under etcd's names. Any other is refused, so that nobody
/// believes in a setting that has no effect.
/// </summary>
public static class ServerFlags
{
    private static readonly Flag<ServerOptions>[] All =
    [
        new("name", "default", "Human-readable name of this member.", (o, v) => o with { Name = NotEmpty(v) }),
        new("data-dir", "${name}.etcd", "Path to the data folder.", (o, v) => o with { DataDir = v }),
        new("wal-dir", "", "Path to a folder of its own for the write-ahead log.", (o, v) => o with { WalDir = v }),
        new("listen-client-urls", "http://localhost:2379", "URLs to listen on for client traffic, separated by commas.",
            (o, v) => o with { ListenClientUrls = Bindable(v) }),
        new("listen-peer-urls", "http://localhost:2380", "URLs to listen on for peer traffic, separated by commas.",
            (o, v) => o with { ListenPeerUrls = Bindable(v) }),
        new("advertise-client-urls", "http://localhost:2379", "This member's client URLs as the cluster is told.",
            (o, v) => o with { AdvertiseClientUrls = EtcdUrl.ParseList(v) }),
        new("initial-advertise-peer-urls", "http://localhost:2380", "This member's peer URLs as the cluster is told.",
            (o, v) => o with { InitialAdvertisePeerUrls = EtcdUrl.ParseList(v) }),
        new("initial-cluster", "", "The first members, as name=url pairs separated by commas; this one alone if empty.",
            (o, v) => o with { InitialCluster = v }),
        new("initial-cluster-token", "etcd-cluster", "Keeps clusters that have the same members apart.",
            (o, v) => o with { InitialClusterToken = v }),
        new("initial-cluster-state", "new", "Whether the member begins a 'new' cluster or joins an 'existing' one.",
            (o, v) => o with { InitialClusterState = ClusterStart(v) }),
        new("initial-election-tick-advance", "true", "Shorten the first wait for an election once other members are reached.",
            (o, v) => o with { InitialElectionTickAdvance = Bool(v) }, IsBool: true),
        new("pre-vote", "true", "Ask before an election whether it could be won.",
            (o, v) => o with { PreVote = Bool(v) }, IsBool: true),
        new("strict-reconfig-check", "true", "Refuse changes of the membership that could cost the quorum.",
            (o, v) => o with { StrictReconfigCheck = Bool(v) }, IsBool: true),
        new("max-learners", "1", "Most learners in the cluster.", (o, v) => o with { MaxLearners = Number(v, 0, int.MaxValue) }),
        new("snapshot-catchup-entries", "5000", "Log entries kept for members that lag; one further behind gets a snapshot.",
            (o, v) => o with { SnapshotCatchUpEntries = Number(v, 0, int.MaxValue) }),
        new("snapshot-count", "10000", "Applied log entries after which the state is made durable and the log before it let go.",
            (o, v) => o with { SnapshotCount = LongNumber(v, 0, long.MaxValue) is > 0 and var count ? count : Limits.CheckpointEntries }),
        new("max-wals", "5", "Segments of the write-ahead log that are kept; 0 keeps all.",
            (o, v) => o with { MaxWals = Number(v, 0, int.MaxValue) }),
        new("wait-cluster-ready-timeout", "5s", "How long clients are kept waiting for a cluster without a quorum.",
            (o, v) => o with { WaitClusterReadyTimeout = GoDuration.Parse(v) }),
        new("heartbeat-interval", "100", "Time of one heartbeat, milliseconds.",
            (o, v) => o with { HeartbeatMilliseconds = Number(v, 0, int.MaxValue) }),
        new("election-timeout", "1000", "Time without a leader before an election, milliseconds.",
            (o, v) => o with { ElectionMilliseconds = Number(v, 0, int.MaxValue) }),
        new("max-txn-ops", "128", "Most operations in one transaction.",
            (o, v) => o with { MaxTxnOps = Number(v, 0, int.MaxValue) }),
        new("max-request-bytes", "1572864", "Largest client request, bytes.",
            (o, v) => o with { MaxRequestBytes = Number(v, 1, int.MaxValue - (16 * 1024 * 1024)) }),
        new("max-concurrent-streams", "4294967295", "Most streams at a time on one client connection.",
            (o, v) => o with { MaxConcurrentStreams = (uint)LongNumber(v, 1, uint.MaxValue) }),
        new("grpc-keepalive-interval", "2h", "How long a client connection may be silent before the server pings it.",
            (o, v) => o with { GrpcKeepAliveInterval = GoDuration.Parse(v) }),
        new("grpc-keepalive-timeout", "20s", "How long such a ping may stay unanswered.",
            (o, v) => o with { GrpcKeepAliveTimeout = GoDuration.Parse(v) }),
        new("watch-progress-notify-interval", "10m", "Interval of progress notifications to idle watchers.",
            (o, v) => o with { WatchProgressNotifyInterval = GoDuration.Parse(v) }),
        new("quota-backend-bytes", "0", "Bytes that the store may take; 0 is 2 GiB, below 0 no limit.",
            (o, v) => o with { QuotaBackendBytes = LongNumber(v, long.MinValue, long.MaxValue) }),
        new("quota-auto-disarm", "false", "Lower this member's NOSPACE alarm once less than 80 % of the quota is taken.",
            (o, v) => o with { QuotaAutoDisarm = Bool(v) }, IsBool: true),
        new("auto-compaction-mode", "periodic", "What --auto-compaction-retention counts: 'periodic' is time, 'revision' is revisions.",
            (o, v) => o with { AutoCompactionMode = v }),
        new("auto-compaction-retention", "0", "How much history is kept when compacting by itself; a plain number is hours or revisions, 0 is all.",
            (o, v) => o with { AutoCompactionRetention = v }),
        new("corrupt-check-time", "12h", "How often the leader compares all data with the other members'; 0 is never.",
            (o, v) => o with { CorruptCheckTime = GoDuration.Parse(v) }),
        new("compact-hash-check-time", "1m", "How often the leader compares the hashes of compactions with the other members'.",
            (o, v) => o with { CompactHashCheckTime = GoDuration.Parse(v) }),
        new("scrub-interval", "24h", "How often everything that the store has on the disk is read and checked; 0 is never.",
            (o, v) => o with { ScrubInterval = GoDuration.Parse(v) }),
        new("scrub-bytes-per-second", "8388608", "How fast it is read at the most, bytes a second.",
            (o, v) => o with { ScrubBytesPerSecond = LongNumber(v, 1, long.MaxValue) }),
        new("downgrade-check-time", "5s", "How often the leader looks whether a downgrade is done; 0 is never.",
            (o, v) => o with { DowngradeCheckTime = GoDuration.Parse(v) }),
        new("feature-gates", "InitialCorruptCheck=true,CompactHashCheck=true", "Switches things on or off, as name=true pairs separated by commas.",
            FeatureGates.Apply),
        new("experimental-initial-corrupt-check", "true", "etcd 3.5's name of the feature gate InitialCorruptCheck.",
            (o, v) => o with { InitialCorruptCheck = Bool(v) }, IsBool: true),
        new("experimental-corrupt-check-time", "12h", "etcd 3.5's name of --corrupt-check-time.",
            (o, v) => o with { CorruptCheckTime = GoDuration.Parse(v) }),
        new("experimental-compact-hash-check-enabled", "true", "etcd 3.5's name of the feature gate CompactHashCheck.",
            (o, v) => o with { CompactHashCheck = Bool(v) }, IsBool: true),
        new("experimental-compact-hash-check-time", "1m", "etcd 3.5's name of --compact-hash-check-time.",
            (o, v) => o with { CompactHashCheckTime = GoDuration.Parse(v) }),
        new("unsafe-no-fsync", "false", "Do not wait for the disk. Unsafe: a crash of the machine loses data.",
            (o, v) => o with { UnsafeNoFsync = Bool(v) }, IsBool: true),
        new("force-new-cluster", "false", "Start alone from this member's data and remove all other members. Unsafe: only if a quorum is lost for good.",
            (o, v) => o with { ForceNewCluster = Bool(v) }, IsBool: true),
        new("claimed-version", "3.7", "The version of etcd (3.5, 3.6 or 3.7) that this member says it is, for tools and members of an older one.",
            (o, v) => o with { ClaimedVersion = ClaimedVersion.Parse(v) }),
        new("cert-file", "", "The certificate for https client URLs.", (o, v) => o with { CertFile = v }),
        new("key-file", "", "The key of that certificate.", (o, v) => o with { KeyFile = v }),
        new("client-cert-auth", "false", "Ask clients for a certificate that --trusted-ca-file verifies.",
            (o, v) => o with { ClientCertAuth = Bool(v) }, IsBool: true),
        new("trusted-ca-file", "", "The authorities of client certificates; if given, clients must show one.", (o, v) => o with { TrustedCaFile = v }),
        new("peer-cert-file", "", "The certificate that this member shows to other members.", (o, v) => o with { PeerCertFile = v }),
        new("peer-key-file", "", "The key of that certificate.", (o, v) => o with { PeerKeyFile = v }),
        new("peer-client-cert-auth", "false", "Ask other members for a certificate that --peer-trusted-ca-file verifies.",
            (o, v) => o with { PeerClientCertAuth = Bool(v) }, IsBool: true),
        new("peer-trusted-ca-file", "", "The authorities of members' certificates; if given, members must show one.",
            (o, v) => o with { PeerTrustedCaFile = v }),
        new("peer-client-cert-file", "", "The certificate to show when connecting to other members, if not that of --peer-cert-file.",
            (o, v) => o with { PeerClientCertFile = v }),
        new("peer-client-key-file", "", "The key of that certificate.", (o, v) => o with { PeerClientKeyFile = v }),
        new("peer-cert-allowed-cn", "", "Common names, separated by commas, of which members' certificates must bear one.",
            (o, v) => o with { PeerCertAllowedCns = Words(v) }),
        new("peer-cert-allowed-hostname", "", "Hosts, separated by commas, of which members' certificates must name one.",
            (o, v) => o with { PeerCertAllowedHostnames = Words(v) }),
        new("peer-crl-file", "", "Revoked certificates of members.", (o, v) => o with { PeerCrlFile = v }),
        new("peer-skip-client-san-verification", "false", "Let members connect from elsewhere than their certificates say.",
            (o, v) => o with { PeerSkipClientSanVerification = Bool(v) }, IsBool: true),
        new("client-cert-allowed-hostname", "", "Hosts, separated by commas, of which clients' certificates must name one.",
            (o, v) => o with { ClientCertAllowedHostnames = Words(v) }),
        new("client-crl-file", "", "Revoked certificates of clients.", (o, v) => o with { ClientCrlFile = v }),
        new("auth-token", "simple", "What users get for their password: 'simple' tokens, or 'jwt,sign-method=RS256,pub-key=..,priv-key=..,ttl=..' (no EdDSA).",
            (o, v) => o with { AuthToken = v }),
        new("auth-token-ttl", "300", "How long a simple token lives that is not used, seconds.",
            (o, v) => o with { AuthTokenLifetime = TimeSpan.FromSeconds(LongNumber(v, 0, uint.MaxValue)) }),
        new("bcrypt-cost", "10", "The cost of hashing a password, 4 to 31; each one more doubles the work.",
            (o, v) => o with { BcryptCost = Number(v, 0, int.MaxValue) }),
        new("listen-metrics-urls", "", "URLs on which only metrics and health are served, separated by commas.",
            (o, v) => o with { ListenMetricsUrls = v.Length == 0 ? [] : Bindable(v) }),
        new("metrics", "basic", "'extensive' adds the durations of gRPC calls to the metrics.",
            (o, v) => o with { Metrics = v == "extensive" ? MetricsDetail.Extensive : MetricsDetail.Basic }),
        new("enable-grpc-gateway", "true", "Serve the API as JSON over HTTP below /v3/.",
            (o, v) => o with { EnableGrpcGateway = Bool(v) }, IsBool: true),
        new("cors", "*", "Origins that pages in browsers may call from, separated by commas; empty means all.",
            (o, v) => o with { Cors = Origins(v) }),
        new("host-whitelist", "*", "Names by which HTTP clients may call this member without TLS, separated by commas; empty means any.",
            (o, v) => o with { HostWhitelist = Words(v).ToHashSet(StringComparer.Ordinal) }),
        new("logger", "zap", "The log's structure; only 'zap' exists, and means etcd's own.",
            (o, v) => v == "zap" ? o : throw new FormatException($"unknown logger option \"{v}\"")),
        new("log-level", "info", "debug, info, warn, error, panic or fatal.", (o, v) => o with { LogLevel = Level(v) }),
        new("log-format", "json", "json or console.", (o, v) => o with { LogFormat = Format(v) }),
        new("log-outputs", "default", "stderr, stdout or file paths, separated by commas.",
            (o, v) => o with { LogOutputs = Words(v) }),
    ];

    /// <summary>The flags, to parse with.</summary>
    public static FlagSet<ServerOptions> Flags { get; } = new(All);

    /// <summary>Parses and checks what belongs together.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="environment">The environment.</param>
    /// <exception cref="FlagException">Something is wrong.</exception>
    public static FlagSet<ServerOptions>.Result Parse(
        IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> environment)
    {
        FlagSet<ServerOptions>.Result result = Flags.Parse(new ServerOptions(), arguments, environment);
        Check(result.Options, result.Set);
        return result;
    }

    /// <summary>The text of --help.</summary>
    public static string Help()
    {
        var text = new StringBuilder("Usage:\n\n  Etcd.Server [flags]\n    Start a member.\n\n  Etcd.Server --version\n    Show the version.\n\nFlags:\n\n");
        foreach (Flag<ServerOptions> flag in All)
        {
            text.Append(CultureInfo.InvariantCulture, $"  --{flag.Name} '{flag.Default}'\n    {flag.Help}\n");
        }

        return text.Append("\nEach flag can be given as an environment variable: --listen-client-urls is ETCD_LISTEN_CLIENT_URLS.\n").ToString();
    }

    private static void Check(ServerOptions options, IReadOnlySet<string> set)
    {
        Require(options.HeartbeatMilliseconds > 0, $"--heartbeat-interval must be >0 (set to {options.HeartbeatMilliseconds}ms)");
        Require(options.ElectionMilliseconds > 0, $"--election-timeout must be >0 (set to {options.ElectionMilliseconds}ms)");
        Require(
            options.ElectionMilliseconds / 5 >= options.HeartbeatMilliseconds,
            $"--election-timeout[{options.ElectionMilliseconds}ms] should be at least as 5 times as --heartbeat-interval[{options.HeartbeatMilliseconds}ms]");
        Require(
            options.ElectionMilliseconds <= Limits.ElectionTimeoutMillisecondsMax,
            $"--election-timeout[{options.ElectionMilliseconds}ms] is too long, and should be set less than {Limits.ElectionTimeoutMillisecondsMax}ms");
        Require(
            !set.Contains("listen-client-urls") || set.Contains("advertise-client-urls"),
            "--advertise-client-urls is required when --listen-client-urls is set explicitly");
        Require(
            options.CompactHashCheckTime > TimeSpan.Zero, $"--compact-hash-check-time must be >0 (set to {options.CompactHashCheckTime.TotalSeconds}s)");
        CheckCompaction(options);
        CheckCluster(options);
        CheckTls(options);
    }

    private static void CheckCompaction(ServerOptions options)
    {
        try
        {
            _ = options.AutoCompaction;
        }
        catch (FormatException e)
        {
            throw new FlagException(e.Message);
        }
    }

    private static void CheckCluster(ServerOptions options)
    {
        try
        {
            InitialCluster.Of(options);
        }
        catch (FormatException e)
        {
            throw new FlagException($"error setting up initial cluster: {e.Message}");
        }
    }

    private static void CheckTls(ServerOptions options)
    {
        bool anyTls = options.ListenClientUrls.Any(u => u.IsTls);
        Require(
            !anyTls || (options.CertFile.Length > 0 && options.KeyFile.Length > 0),
            "TLS key/cert (--cert-file, --key-file) must be provided for client url " + options.ListenClientUrls.FirstOrDefault(u => u.IsTls) + " with HTTPS scheme");
        Require(
            !options.ListenMetricsUrls.Any(u => u.IsTls) || (options.CertFile.Length > 0 && options.KeyFile.Length > 0),
            "client TLS key/cert (--cert-file, --key-file) must be provided for metrics secure url");
        Require(
            !options.ListenPeerUrls.Any(u => u.IsTls) || (options.PeerCertFile.Length > 0 && options.PeerKeyFile.Length > 0),
            "TLS key/cert (--peer-cert-file, --peer-key-file) must be provided for peer url " + options.ListenPeerUrls.FirstOrDefault(u => u.IsTls) + " with HTTPS scheme");
        Require(
            !options.PeerClientCertAuth || options.PeerTrustedCaFile.Length > 0,
            "--peer-client-cert-auth needs --peer-trusted-ca-file");
        Require(
            (options.PeerCertFile.Length == 0) == (options.PeerKeyFile.Length == 0),
            "KeyFile and CertFile must both be present[key: " + options.PeerKeyFile + ", cert: " + options.PeerCertFile + "]");
        Require(
            !options.ClientCertAuth || options.TrustedCaFile.Length > 0,
            "--client-cert-auth needs --trusted-ca-file");
        Require(
            (options.CertFile.Length == 0) == (options.KeyFile.Length == 0),
            "KeyFile and CertFile must both be present[key: " + options.KeyFile + ", cert: " + options.CertFile + "]");
        Require(
            (options.PeerClientCertFile.Length == 0) == (options.PeerClientKeyFile.Length == 0),
            "ClientKeyFile and ClientCertFile must both be present or both absent: key: " + options.PeerClientKeyFile + ", cert: " + options.PeerClientCertFile + "]");
        Require(
            options.PeerCertAllowedCns.Count == 0 || options.PeerCertAllowedHostnames.Count == 0,
            $"AllowedCNs and AllowedHostnames are mutually exclusive (cns=[{Quoted(options.PeerCertAllowedCns)}], hostnames=[{Quoted(options.PeerCertAllowedHostnames)}])");
        foreach ((string flag, string path) in new[]
        {
            ("cert-file", options.CertFile), ("key-file", options.KeyFile), ("trusted-ca-file", options.TrustedCaFile),
            ("peer-cert-file", options.PeerCertFile), ("peer-key-file", options.PeerKeyFile), ("peer-trusted-ca-file", options.PeerTrustedCaFile),
            ("peer-client-cert-file", options.PeerClientCertFile), ("peer-client-key-file", options.PeerClientKeyFile),
            ("peer-crl-file", options.PeerCrlFile), ("client-crl-file", options.ClientCrlFile),
        })
        {
            Require(path.Length == 0 || File.Exists(path), $"--{flag}: no such file: {path}");
        }
    }

    private static void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new FlagException(otherwise);
        }
    }

    private static string Quoted(IReadOnlyList<string> words) => string.Join(' ', words.Select(w => $"\"{w}\""));

    private static IReadOnlyList<string> Words(string text) =>
        [.. text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];

    private static InitialClusterState ClusterStart(string text) => text switch
    {
        "new" => InitialClusterState.New,
        "existing" => InitialClusterState.Existing,
        _ => throw new FormatException($"unexpected clusterState \"{text}\""),
    };

    private static IReadOnlySet<string> Origins(string text) =>
        text.Length == 0 || text == "*" ? AccessRules.Everything : EtcdUrl.ParseList(text).Select(u => u.Text).ToHashSet(StringComparer.Ordinal);

    private static string NotEmpty(string text) => text.Length > 0 ? text : throw new FormatException("it may not be empty");

    private static IReadOnlyList<EtcdUrl> Bindable(string text)
    {
        IReadOnlyList<EtcdUrl> urls = EtcdUrl.ParseList(text);
        foreach (EtcdUrl url in urls)
        {
            url.CheckBindable();
        }

        return urls;
    }

    private static int Number(string text, int min, int max) => (int)LongNumber(text, min, max);

    private static long LongNumber(string text, long min, long max)
    {
        if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value))
        {
            throw new FormatException("it is not a whole number");
        }

        return value >= min && value <= max ? value : throw new FormatException($"it must be from {min} to {max}");
    }

    /// <summary>A truth value as Go reads it.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    internal static bool Bool(string text) => text switch
    {
        "1" or "t" or "T" or "true" or "TRUE" or "True" => true,
        "0" or "f" or "F" or "false" or "FALSE" or "False" => false,
        _ => throw new FormatException("it is neither true nor false"),
    };

    private static LogLevel Level(string text) => text switch
    {
        "debug" => LogLevel.Debug,
        "info" => LogLevel.Information,
        "warn" => LogLevel.Warning,
        "error" => LogLevel.Error,
        "panic" or "fatal" => LogLevel.Critical,
        _ => throw new FormatException($"unrecognized level: \"{text}\""),
    };

    private static LogFormat Format(string text) => text switch
    {
        "json" => LogFormat.Json,
        "console" => LogFormat.Console,
        _ => throw new FormatException($"unknown log format \"{text}\""),
    };
}
