using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Python;

/// <summary>
/// Goal: programs that use python3-etcd3 or python3-etcd3gw cannot tell this server from etcd. Method: a script drives the library's whole
/// interface, once against each, and prints what came of each call; the outputs must be the same. The sections whose calls this server does not
/// serve yet are not run: alarms, defragment.
/// </summary>
public sealed class PythonClientTests
{
    private const string Interpreter = "/usr/bin/python3";
    private const string Missing = "a Python client is missing: run apt-get install -y python3-etcd3 python3-etcd3gw";

    private static readonly Lazy<Task<bool>> HasLibraries = new(static () => ImportAsync());

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("keys")]
    [InlineData("transactions")]
    [InlineData("leases")]
    [InlineData("watches")]
    [InlineData("locks")]
    [InlineData("members")]
    [InlineData("maintenance")]
    [InlineData("alarms")]
    [InlineData("defragment")]
    public Task What_etcd3_is_told_is_what_etcd_tells(string section) => CompareAsync("etcd3_talk.py", section);

    [Theory]
    [InlineData("keys")]
    [InlineData("leases")]
    [InlineData("locks")]
    [InlineData("watches")]
    [InlineData("members")]
    public Task What_etcd3gw_is_told_is_what_etcd_tells(string section) => CompareAsync("etcd3gw_talk.py", section);

    private static async Task CompareAsync(string script, string section)
    {
        RealEtcd.Require();
        await RequireLibrariesAsync();
        Task<string> expecting = TalkAsync(ServerProgram.Real, script, section);
        string actual = await TalkAsync(ServerProgram.Tested, script, section);
        Assert.Equal(await expecting, actual);
        Assert.EndsWith("done\n", actual);
    }

    private static async Task RequireLibrariesAsync()
    {
        if (!await HasLibraries.Value)
        {
            Assert.SkipUnless(Environment.GetEnvironmentVariable("ETCD_INTEROP") == "required", Missing);
            Assert.Fail(Missing);
        }
    }

    private static async Task<bool> ImportAsync() => File.Exists(Interpreter)
        && (await CapturedProcess.RunAsync(Interpreter, ["-W", "ignore", "-c", "import etcd3, etcd3gw"], Environment_, cancellation: Token)).ExitCode == 0;

    private static async Task<string> TalkAsync(ServerProgram program, string script, string section)
    {
        await using ServerProcess server = await ServerProcess.StartAsync(program, [], Token);
        string[] place = server.Endpoint.Split(':');
        CommandResult result = await CapturedProcess.RunAsync(
            Interpreter, ["-W", "ignore", Path.Combine(AppContext.BaseDirectory, "Python", script), place[0], place[1], section], Environment_, cancellation: Token);
        Assert.True(result.ExitCode == 0, $"{program.Name}:\n{result}\nlog:\n{string.Join('\n', server.Process.Lines.TakeLast(20))}");
        return result.Stdout;
    }

    // The library's generated code is older than what newer protobufs load at once.
    private static readonly Dictionary<string, string> Environment_ = new() { ["PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"] = "python" };
}
