using System.Net;
using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Program;

/// <summary>Goal: flags and environment are taken as etcd takes them, and what is wrong is refused with a reason.</summary>
public sealed class FlagTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string[], string, int> WrongCommandLines => new()
    {
        { ["--bogus"], "flag provided but not defined: -bogus", 2 },
        { ["--bogus=1"], "flag provided but not defined: -bogus", 2 },
        { ["--heartbeat-interval", "x"], "invalid value \"x\" for flag -heartbeat-interval", 2 },
        { ["--name"], "flag needs an argument: -name", 2 },
        { ["--log-level", "loud"], "unrecognized level: \"loud\"", 2 },
        { ["--unsafe-no-fsync=perhaps"], "-unsafe-no-fsync", 2 },
        { ["stray"], "'stray' is not a valid flag", 1 },
        { ["--listen-client-urls", "127.0.0.1:2379"], "listen-client-urls", 2 },
        { ["--election-timeout", "400"], "--election-timeout[400ms] should be at least as 5 times as --heartbeat-interval[100ms]", 1 },
        { ["--election-timeout", "60000"], "--election-timeout[60000ms] is too long", 1 },
        { ["--listen-client-urls", "http://127.0.0.1:0"], "--advertise-client-urls is required when --listen-client-urls is set explicitly", 1 },
    };

    [Theory]
    [MemberData(nameof(WrongCommandLines))]
    public async Task A_wrong_command_line_is_refused_with_the_reason(string[] arguments, string reason, int exitCode)
    {
        CommandResult result = await RunInEmptyFolderAsync(arguments, []);

        Assert.Contains(reason, result.Output, StringComparison.Ordinal);
        Assert.Equal(exitCode, result.ExitCode);
    }

    [Theory]
    [MemberData(nameof(WrongCommandLines))]
    public async Task Etcd_refuses_the_same_with_the_same_exit_code(string[] arguments, string reason, int exitCode)
    {
        RealEtcd.Require();
        using var folder = new TempFolder();
        CommandResult result = await CapturedProcess.RunAsync(ServerProgram.Real.Executable, arguments, folder: folder.Path, cancellation: Token);

        Assert.NotEqual("", reason);
        Assert.Equal(exitCode, result.ExitCode);
    }

    [Fact]
    public async Task A_bad_environment_variable_is_refused_by_name()
    {
        CommandResult result = await RunInEmptyFolderAsync([], new() { ["ETCD_HEARTBEAT_INTERVAL"] = "x" });

        Assert.Contains("ETCD_HEARTBEAT_INTERVAL", result.Output, StringComparison.Ordinal);
        Assert.Equal(1, result.ExitCode);
    }

    [Fact]
    public async Task The_environment_counts_and_a_flag_counts_more()
    {
        RealEtcd.Require();
        await using ServerProcess server = ServerProcess.Create(ServerProgram.Ours, "--unsafe-no-fsync", "--max-txn-ops=2");
        server.Environment = new Dictionary<string, string>
        {
            ["ETCD_NAME"] = "from-environment",
            ["ETCD_MAX_TXN_OPS"] = "1",
            ["ETCD_VERIFY"] = "all",
            ["ETCD_INITIAL_CLUSTER_TOKEN"] = "",
        };
        await server.StartAsync(Token);

        CommandResult members = await EtcdCtl.RunAsync(server.Endpoint, ["member", "list"], Token);
        CommandResult two = await EtcdCtl.RunAsync(server.Endpoint, ["txn"], Token, input: "\nput a 1\nput b 1\n\n\n");
        CommandResult three = await EtcdCtl.RunAsync(server.Endpoint, ["txn"], Token, input: "\nput a 1\nput b 1\nput c 1\n\n\n");

        Assert.Contains("from-environment", members.Stdout, StringComparison.Ordinal);
        Assert.Contains("SUCCESS", two.Stdout, StringComparison.Ordinal);
        Assert.Contains("too many operations", three.Stderr, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_flags_it_is_member_default_on_the_well_known_ports()
    {
        Assert.SkipUnless(
            FreePorts.IsFree(2379) && FreePorts.IsFree(2380),
            "ports 2379 and 2380 are in use here: stop the etcd that has them and run again");
        using var folder = new TempFolder();
        await using CapturedProcess server = CapturedProcess.Start(ServerProgram.Ours.Executable, [], folder: folder.Path);
        await server.WaitForLineAsync("ready to serve client requests", Token);
        using var http = new HttpClient();
        using HttpResponseMessage health = await http.GetAsync("http://localhost:2379/health", Token);
        string version = await http.GetStringAsync("http://localhost:2380/version", Token);

        Assert.Equal(HttpStatusCode.OK, health.StatusCode);
        Assert.Contains("3.7.1", version, StringComparison.Ordinal);
        Assert.Contains(server.Lines, l => l.Contains("8e9e05c52164694d", StringComparison.Ordinal));
        Assert.Contains(server.Lines, l => l.Contains("cdf818194e3a8c32", StringComparison.Ordinal));
        Assert.True(Directory.Exists(Path.Combine(folder.Path, "default.etcd", "member", "wal")));
    }

    private static async Task<CommandResult> RunInEmptyFolderAsync(string[] arguments, Dictionary<string, string> environment)
    {
        using var folder = new TempFolder();
        CommandResult result = await CapturedProcess.RunAsync(
            ServerProgram.Ours.Executable, arguments, environment, folder: folder.Path, cancellation: Token);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
        return result;
    }
}
