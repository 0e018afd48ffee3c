using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Python;

/// <summary>
/// Goal: programs that use python3-etcd3 cannot tell this server from etcd. Method: a script drives the library's whole interface, once
/// against each, and prints what came of each call; the outputs must be the same. The sections whose calls this server does not
/// serve yet are not run: alarms, defragment.
/// </summary>
public sealed class PythonClientTests
{
    private const string Interpreter = "/usr/bin/python3";
    private const string Missing = "python3-etcd3 is missing: run apt-get install -y python3-etcd3";

    private static readonly Lazy<Task<bool>> HasLibrary = new(static () => ImportsAsync("etcd3"));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("keys")]
    [InlineData("transactions")]
    [InlineData("leases")]
    [InlineData("watches")]
    [InlineData("locks")]
    [InlineData("members")]
    [InlineData("maintenance")]
    public async Task What_etcd3_is_told_is_what_etcd_tells(string section)
    {
        RealEtcd.Require();
        await RequireLibraryAsync();
        Task<string> expecting = TalkAsync(ServerProgram.Real, section);
        string actual = await TalkAsync(ServerProgram.Tested, section);
        Assert.Equal(await expecting, actual);
        Assert.EndsWith("done\n", actual);
    }

    private static async Task RequireLibraryAsync()
    {
        if (!await HasLibrary.Value)
        {
            Assert.SkipUnless(Environment.GetEnvironmentVariable("ETCD_INTEROP") == "required", Missing);
            Assert.Fail(Missing);
        }
    }

    private static async Task<bool> ImportsAsync(string library) => File.Exists(Interpreter)
        && (await CapturedProcess.RunAsync(Interpreter, ["-W", "ignore", "-c", $"import {library}"], Environment_, cancellation: Token)).ExitCode == 0;

    private static async Task<string> TalkAsync(ServerProgram program, string section)
    {
        await using ServerProcess server = await ServerProcess.StartAsync(program, [], Token);
        string[] place = server.Endpoint.Split(':');
        CommandResult result = await CapturedProcess.RunAsync(
            Interpreter, ["-W", "ignore", Script, place[0], place[1], section], Environment_, cancellation: Token);
        Assert.True(result.ExitCode == 0, $"{program.Name}:\n{result}\nlog:\n{string.Join('\n', server.Process.Lines.TakeLast(20))}");
        return result.Stdout;
    }

    private static string Script => Path.Combine(AppContext.BaseDirectory, "Python", "etcd3_talk.py");

    // The library's generated code is older than what newer protobufs load at once.
    private static readonly Dictionary<string, string> Environment_ = new() { ["PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"] = "python" };
}
