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
