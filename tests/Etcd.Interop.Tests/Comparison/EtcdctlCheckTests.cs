using System.Text.RegularExpressions;
using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Comparison;

/// <summary>
/// Goal: etcdctl's checks of a cluster run to their end on this server and leave nothing behind. Method: each runs on the real etcd and on
/// ours; their figures are the machine's, so what is compared is which lines there are. Whether a check passes is not: the load of the
/// machine decides it.
/// </summary>
[Trait("Category", "Slow")]
public sealed partial class EtcdctlCheckTests
{
    // The check of the performance writes for a minute.
    private static readonly TimeSpan Minutes = TimeSpan.FromMinutes(4);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("check datascale --auto-compact --auto-defrag")]
    [InlineData("check perf --auto-compact --auto-defrag")]
    public async Task A_check_runs_to_its_end(string line)
    {
        RealEtcd.Require();
        IReadOnlyList<string> expected = await RunAsync(ServerProgram.Real, line);
        Assert.NotEmpty(expected);
        Assert.Equal(expected, await RunAsync(ServerProgram.Tested, line));
    }

    private static async Task<IReadOnlyList<string>> RunAsync(ServerProgram program, string line)
    {
        await using ServerProcess server = await ServerProcess.StartAsync(program, [], Token);
        // The check of the memory reads the metrics, and takes an endpoint with a scheme for that.
        await using CapturedProcess check = EtcdCtl.Start(server.ClientUrl, line.Split(' '));
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(Minutes);
        while (!check.HasExited)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), limit.Token);
        }

        CommandResult result = await check.WaitForExitAsync(Token);
        CommandResult left = await EtcdCtl.RunAsync(server.Endpoint, ["get", "--prefix", "", "--count-only", "-w", "fields"], Token);
        Assert.Contains("\"Count\" : 0", left.Stdout, StringComparison.Ordinal);
        return [.. result.Stdout.Split('\n').Where(l => !Progress().IsMatch(l)).Select(Form)];
    }

    private static string Form(string line) => Verdict().Replace(Figure().Replace(line, "<figure>"), "");

    // A bar, drawn again and again.
    [GeneratedRegex("[0-9.]+ ?%")]
    private static partial Regex Progress();

    [GeneratedRegex("-?[0-9]+(\\.[0-9]+)?|127\\.0\\.0\\.1:[0-9]+")]
    private static partial Regex Figure();

    [GeneratedRegex("^(PASS|FAIL)(: )?|Throughput (is|too low:)|Slowest request took( too long:)?|Stddev (is|too high:)")]
    private static partial Regex Verdict();
}
