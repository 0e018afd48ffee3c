using Etcd.Server.Diagnostics;
using Etcd.Server.Hosting.Flags;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Tests.Hosting;

/// <summary>The command line and the environment: what is taken, what is refused, and in whose words.</summary>
public sealed class ServerFlagsTests
{
    private static readonly Dictionary<string, string> NoEnvironment = [];

    [Fact]
    public void WithoutFlagsItIsEtcdsDefaultMember()
    {
        ServerOptions options = Parse();
        Assert.Equal("default", options.Name);
        Assert.Equal("default.etcd", options.EffectiveDataDir);
        Assert.Equal(Path.Combine("default.etcd", "member", "wal"), options.EffectiveWalDir);
        Assert.Equal("http://localhost:2379", Assert.Single(options.ListenClientUrls).Text);
        Assert.Equal("http://localhost:2380", Assert.Single(options.InitialAdvertisePeerUrls).Text);
        Assert.Equal((100, 1000), (options.HeartbeatMilliseconds, options.ElectionMilliseconds));
    }

    [Fact]
    public void ASeparatorBehindAFolderMeansNothing()
    {
        ServerOptions options = Parse("--data-dir", "/d/m1/", "--wal-dir", "/w/");
        Assert.Equal(("/d/m1", "/w"), (options.EffectiveDataDir, options.EffectiveWalDir));
    }

    [Theory]
    [InlineData("--name", "m1")]
    [InlineData("-name", "m1")]
    [InlineData("--name=m1")]
    [InlineData("-name=m1")]
    [InlineData("--name=m0", "--name=m1")]
    public void AValueStandsBehindTheFlagOrBehindEquals(params string[] arguments) => Assert.Equal("m1", Parse(arguments).Name);

    [Fact]
    public void AFlagWinsOverTheEnvironmentWhichWinsOverTheDefault()
    {
        Dictionary<string, string> environment = new() { ["ETCD_NAME"] = "env", ["ETCD_DATA_DIR"] = "/d", ["ETCD_MAX_TXN_OPS"] = "" };
        FlagSet<ServerOptions>.Result result = ServerFlags.Parse(["--name", "flag"], environment);
        Assert.Equal(("flag", "/d", 128), (result.Options.Name, result.Options.DataDir, result.Options.MaxTxnOps));
        Assert.Contains("ETCD_NAME is shadowed by the flag --name", Assert.Single(result.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void VariablesThatNobodyKnowsAreNamedAndThoseOfTheTestToolsAreNot()
    {
        Dictionary<string, string> environment = new() { ["ETCD_NAMEE"] = "x", ["ETCD_VERIFY"] = "all", ["GOFAIL_HTTP"] = "x" };
        Assert.Equal("unrecognized environment variable ETCD_NAMEE", Assert.Single(ServerFlags.Parse([], environment).Warnings));
    }

    [Fact]
    public void AllThatIsSetArrives()
    {
        ServerOptions options = Parse(
            "--listen-client-urls", "http://127.0.0.1:0,unix:///tmp/s", "--advertise-client-urls", "http://h:1", "--log-level", "debug",
            "--log-format", "console", "--unsafe-no-fsync", "--max-request-bytes", "1000", "--max-concurrent-streams", "5",
            "--watch-progress-notify-interval", "1m30s", "--grpc-keepalive-interval", "1.5h", "--log-outputs", "stdout,/tmp/x.log");
        Assert.Equal(["http://127.0.0.1:0", "unix:///tmp/s"], options.ListenClientUrls.Select(u => u.Text));
        Assert.Equal((LogLevel.Debug, LogFormat.Console, true), (options.LogLevel, options.LogFormat, options.UnsafeNoFsync));
        Assert.Equal((1000, 5u), (options.MaxRequestBytes, options.MaxConcurrentStreams));
        Assert.Equal((90.0, 5400.0), (options.WatchProgressNotifyInterval.TotalSeconds, options.GrpcKeepAliveInterval.TotalSeconds));
        Assert.Equal(["stdout", "/tmp/x.log"], options.LogOutputs);
    }

    [Fact]
    public void HowMuchOfTheLogIsKeptArrives()
    {
        Assert.Equal((10_000L, 5), (Parse().SnapshotCount, Parse().MaxWals));
        ServerOptions options = Parse("--snapshot-count", "123", "--max-wals", "0");
        Assert.Equal((123L, 0), (options.SnapshotCount, options.MaxWals));
        // As in etcd, none means the default.
        Assert.Equal(10_000, Parse("--snapshot-count=0").SnapshotCount);
    }

    [Fact]
    public void WhatAClusterIsToldArrives()
    {
        ServerOptions options = Parse(
            "--initial-cluster-state", "existing", "--strict-reconfig-check=false", "--pre-vote=false", "--max-learners", "2",
            "--initial-election-tick-advance=false", "--snapshot-catchup-entries", "7", "--wait-cluster-ready-timeout", "1s");
        Assert.Equal(InitialClusterState.Existing, options.InitialClusterState);
        Assert.Equal((false, false, false), (options.StrictReconfigCheck, options.PreVote, options.InitialElectionTickAdvance));
        Assert.Equal((2, 7, 1.0), (options.MaxLearners, options.SnapshotCatchUpEntries, options.WaitClusterReadyTimeout.TotalSeconds));
        Assert.True(Parse().StrictReconfigCheck);
    }

    [Fact]
    public void AuthenticationIsSetUpByFlags()
    {
        ServerOptions defaults = Parse();
        Assert.Equal(("simple", TimeSpan.FromSeconds(300), 10), (defaults.AuthToken, defaults.AuthTokenLifetime, defaults.BcryptCost));
        ServerOptions options = Parse("--auth-token", "jwt,sign-method=HS256", "--auth-token-ttl=60", "--bcrypt-cost", "12");
        Assert.Equal(
            ("jwt,sign-method=HS256", TimeSpan.FromSeconds(60), 12), (options.AuthToken, options.AuthTokenLifetime, options.BcryptCost));
    }

    [Fact]
    public void WhatTheMemberLooksAfterArrives()
    {
        ServerOptions options = Parse(
            "--quota-backend-bytes", "-1", "--quota-auto-disarm", "--corrupt-check-time", "1h", "--compact-hash-check-time", "5s",
            "--feature-gates", "InitialCorruptCheck=false,CompactHashCheck=0,LeaseCheckpoint=true");
        Assert.Equal((-1L, true, 3600.0, 5.0), (options.QuotaBackendBytes, options.QuotaAutoDisarm, options.CorruptCheckTime.TotalSeconds, options.CompactHashCheckTime.TotalSeconds));
        Assert.Equal((false, false), (options.InitialCorruptCheck, options.CompactHashCheck));
        options = Parse(
            "--experimental-initial-corrupt-check=false", "--experimental-compact-hash-check-enabled=false",
            "--experimental-corrupt-check-time", "2h", "--experimental-compact-hash-check-time", "7s");
        Assert.Equal((2.0, 7.0), (options.CorruptCheckTime.TotalHours, options.CompactHashCheckTime.TotalSeconds));
        Assert.Equal((false, false), (options.InitialCorruptCheck, options.CompactHashCheck));
        options = Parse();
        Assert.Equal((0L, false, true, true), (options.QuotaBackendBytes, options.QuotaAutoDisarm, options.InitialCorruptCheck, options.CompactHashCheck));
        Assert.True(options.AutoCompaction.IsOff);
    }

    [Theory]
    [InlineData("periodic", "0", 0, 0)]
    [InlineData("periodic", "0h", 0, 0)]
    [InlineData("periodic", "1", 3600, 0)]
    [InlineData("periodic", "+2", 7200, 0)]
    [InlineData("periodic", "1h30m", 5400, 0)]
    [InlineData("periodic", "30m", 1800, 0)]
    [InlineData("periodic", "500ms", 0.5, 0)]
    [InlineData("revision", "0", 0, 0)]
    [InlineData("revision", "1000", 0, 1000)]
    [InlineData("revision", "1us", 0, 1000)]
    [InlineData("revision", "1h", 0, 3_600_000_000_000)]
    [InlineData("revision", "9223372036854775807", 0, long.MaxValue)]
    public void RetentionsAreReadAsEtcdReadsThem(string mode, string retention, double seconds, long revisions)
    {
        ServerOptions options = Parse("--auto-compaction-mode", mode, "--auto-compaction-retention", retention);
        Assert.Equal(new CompactionRetention(TimeSpan.FromSeconds(seconds), revisions), options.AutoCompaction);
        Assert.Equal(seconds == 0 && revisions == 0, options.AutoCompaction.IsOff);
    }

    [Theory]
    [InlineData("flag provided but not defined: -nope", "--nope", "1")]
    [InlineData("flag needs an argument: -name", "--name")]
    [InlineData("'serve' is not a valid flag", "serve")]
    [InlineData("'false' is not a valid flag", "--unsafe-no-fsync", "false")]
    [InlineData("'x' is not a valid flag", "--", "x")]
    [InlineData("invalid value \"abc\" for flag -election-timeout: it is not a whole number", "--election-timeout", "abc")]
    [InlineData("invalid value \"maybe\" for flag -unsafe-no-fsync: it is neither true nor false", "--unsafe-no-fsync=maybe")]
    [InlineData("invalid value \"loud\" for flag -log-level: unrecognized level: \"loud\"", "--log-level", "loud")]
    [InlineData("invalid value \"5\" for flag -grpc-keepalive-timeout: missing unit in duration \"5\"", "--grpc-keepalive-timeout", "5")]
    [InlineData("--election-timeout[400ms] should be at least as 5 times as --heartbeat-interval[100ms]", "--election-timeout", "400")]
    [InlineData("--election-timeout[60000ms] is too long, and should be set less than 50000ms", "--election-timeout", "60000")]
    [InlineData("--heartbeat-interval must be >0 (set to 0ms)", "--heartbeat-interval", "0")]
    [InlineData("--advertise-client-urls is required when --listen-client-urls is set explicitly", "--listen-client-urls", "http://127.0.0.1:1")]
    [InlineData("expected IP in URL for binding (http://foo:2379)", "--listen-client-urls", "http://foo:2379")]
    [InlineData("URL must not contain a path: http://1.2.3.4:5/x", "--listen-peer-urls", "http://1.2.3.4:5/x")]
    [InlineData("URL scheme must be http, https, unix, or unixs: tcp://1.2.3.4:5", "--listen-peer-urls", "tcp://1.2.3.4:5")]
    [InlineData("URL address does not have the form \"host:port\": http://localhost", "--listen-peer-urls", "http://localhost")]
    [InlineData("error setting up initial cluster: URL scheme must be http, https, unix, or unixs: ", "--initial-cluster", "default")]
    [InlineData("error setting up initial cluster: URL address does not have the form \"host:port\": http://x", "--initial-cluster", "default=http://x")]
    [InlineData("invalid value \"joined\" for flag -initial-cluster-state: unexpected clusterState \"joined\"", "--initial-cluster-state", "joined")]
    [InlineData("TLS key/cert (--cert-file, --key-file) must be provided for client url https://127.0.0.1:1", "--listen-client-urls", "https://127.0.0.1:1", "--advertise-client-urls", "https://127.0.0.1:1")]
    [InlineData("--cert-file: no such file: /nope", "--cert-file", "/nope", "--key-file", "/nope")]
    [InlineData("unknown auto-compaction-mode \"hourly\"", "--auto-compaction-mode", "hourly")]
    [InlineData("undefined auto-compaction-mode", "--auto-compaction-mode", "")]
    [InlineData("error parsing CompactionRetention: time: invalid duration \"abc\"", "--auto-compaction-retention", "abc")]
    [InlineData("error parsing CompactionRetention: time: invalid duration \"\"", "--auto-compaction-retention", "")]
    [InlineData("error parsing CompactionRetention: time: missing unit in duration \"1.5\"", "--auto-compaction-retention", "1.5")]
    [InlineData("error parsing CompactionRetention: time: missing unit in duration \"-1\"", "--auto-compaction-retention", "-1")]
    [InlineData("error parsing CompactionRetention: time: unknown unit \"d\" in duration \"1d\"", "--auto-compaction-retention", "1d", "--auto-compaction-mode", "revision")]
    [InlineData("error parsing CompactionRetention: time: invalid duration \"9999999\"", "--auto-compaction-retention", "9999999")]
    [InlineData("--auto-compaction-retention[-1h] must not be negative", "--auto-compaction-retention", "-1h")]
    [InlineData("--auto-compaction-retention[500ns] is too short", "--auto-compaction-retention", "500ns")]
    [InlineData("invalid value \"Nope=true\" for flag -feature-gates: unrecognized feature gate: Nope", "--feature-gates", "Nope=true")]
    [InlineData("missing bool value for CompactHashCheck", "--feature-gates", "CompactHashCheck")]
    [InlineData("invalid value of CompactHashCheck=x, err: strconv.ParseBool: parsing \"x\": invalid syntax", "--feature-gates", "CompactHashCheck=x")]
    [InlineData("cannot set feature gate LeaseCheckpoint to false, feature is locked to true", "--feature-gates", "LeaseCheckpoint=false")]
    [InlineData("--compact-hash-check-time must be >0 (set to 0s)", "--compact-hash-check-time", "0")]
    [InlineData("invalid value \"2GB\" for flag -quota-backend-bytes", "--quota-backend-bytes", "2GB")]
    public void WhatIsWrongIsSaid(string expected, params string[] arguments)
    {
        FlagException error = Assert.Throws<FlagException>(() => Parse(arguments));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AWrongVariableIsNamed()
    {
        FlagException error = Assert.Throws<FlagException>(
            () => ServerFlags.Parse([], new Dictionary<string, string> { ["ETCD_MAX_TXN_OPS"] = "many" }));
        Assert.Equal("invalid value \"many\" for ETCD_MAX_TXN_OPS: it is not a whole number", error.Message);
    }

    [Theory]
    [InlineData("0", 0)]
    [InlineData("300ms", 300)]
    [InlineData("1h0m0.5s", 3_600_500)]
    [InlineData("1500us", 1.5)]
    public void DurationsAreGos(string text, double milliseconds) => Assert.Equal(milliseconds, GoDuration.Parse(text).TotalMilliseconds);

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("5 s")]
    [InlineData("-5s")]
    [InlineData("1d")]
    [InlineData("1..5s")]
    public void OtherDurationsAreRefused(string text) => Assert.Throws<FormatException>(() => GoDuration.Parse(text));

    [Fact]
    public void TheHelpNamesEveryFlag()
    {
        string help = ServerFlags.Help();
        foreach (string flag in new[] { "--name 'default'", "--data-dir", "--listen-client-urls", "--max-txn-ops '128'", "--log-outputs" })
        {
            Assert.Contains(flag, help, StringComparison.Ordinal);
        }
    }

    private static ServerOptions Parse(params string[] arguments) => ServerFlags.Parse(arguments, NoEnvironment).Options;
}
