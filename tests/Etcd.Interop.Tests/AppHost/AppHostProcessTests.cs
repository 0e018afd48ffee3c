using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Etcd.TestKit.Processes;
using Grpc.Core;
using Grpc.Net.Client;

namespace Etcd.Interop.Tests.AppHost;

/// <summary>
/// The AppHost as a user runs it: the table, the log, a member that dies, Ctrl+C, ports in use, fresh data. Once with the server
/// of this repository and, where it is there, once with the real etcd under the same AppHost.
/// </summary>
[Collection(ProcessCollection.Name)]
public sealed class AppHostProcessTests
{
    private const string OurServer = "ours";
    private const string Reference = "real etcd";

    public AppHostProcessTests() =>
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Signals are sent with kill.");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(OurServer)]
    [InlineData(Reference)]
    public async Task A_member_is_shown_when_healthy_restarted_when_killed_and_stopped_by_ctrl_c(string server)
    {
        var executable = Executable(server);
        var port = FreePorts();
        await using var run = AppHostRun.Start(AppHostRun.NewCluster(), port, ["--members", "1", .. executable]);

        bool IsRow(string line) => line.StartsWith("etcd-0 ", StringComparison.Ordinal);
        await run.LineAsync(line => line.StartsWith("MEMBER  CLIENT URL", StringComparison.Ordinal));
        Assert.Equal($"etcd-0  http://localhost:{port}  healthy  etcd-0", await run.LineAsync(IsRow));
        using var client = new HttpClient();
        Assert.Contains("true", await client.GetStringAsync(new Uri($"http://localhost:{port}/health"), Cancel), StringComparison.Ordinal);
        Assert.Contains(run.Output, line => line.StartsWith("[etcd-0] {", StringComparison.Ordinal));

        Process.GetProcessById(MemberPid(run)).Kill();
        await run.LineAsync(line => line == "[etcd-0] exited with code 137; restart 1 in 0.1 s");
        await run.LineAsync(IsRow, times: 2);
        var member = MemberPid(run);

        await run.SignalAsync("INT");
        Assert.Equal(0, await run.ExitCodeAsync());
        Assert.False(Directory.Exists($"/proc/{member}"));
        Assert.DoesNotContain(run.Output, line => line.Contains("restart 2", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(OurServer)]
    [InlineData(Reference)]
    public async Task Three_members_are_one_cluster_whose_members_come_back_and_can_be_stopped_and_started(string server)
    {
        const string All = "3 of 3 healthy: 1 can be lost.";
        var executable = Executable(server);
        var port = FreePorts(6);
        await using var run = AppHostRun.Start(AppHostRun.NewCluster(), port, executable);

        await run.LineAsync(line => line.StartsWith(All, StringComparison.Ordinal));
        var rows = run.Output.Where(line => line.StartsWith("etcd-", StringComparison.Ordinal)).ToArray();
        Assert.Equal(3, rows.Length);
        Assert.All(rows.Index(), row => Assert.StartsWith(
            $"etcd-{row.Index}  http://localhost:{port + (2 * row.Index)}  healthy  etcd-", row.Item, StringComparison.Ordinal));
        Assert.Single(rows.Select(row => row[^1]).Distinct());

        Process.GetProcessById(MemberPid(run, "etcd-1")).Kill();
        await run.LineAsync(line => line == "[etcd-1] exited with code 137; restart 1 in 0.1 s");
        await run.LineAsync(line => line.StartsWith(All, StringComparison.Ordinal), times: 2);

        await run.TypeAsync("stop etcd-2");
        await run.LineAsync(line => line == "etcd-2 is stopped; 'start etcd-2' starts it again.");
        await run.LineAsync(line => line.StartsWith("2 of 3 healthy: none can be lost.", StringComparison.Ordinal));
        Assert.Contains($"etcd-2  http://localhost:{port + 4}  stopped  ?", run.Output);
        await run.TypeAsync("start 2");
        await run.LineAsync(line => line.StartsWith(All, StringComparison.Ordinal), times: 3);
        await run.TypeAsync("restart etcd-0");
        await run.LineAsync(line => line.StartsWith(All, StringComparison.Ordinal), times: 4);
        await run.TypeAsync("explode");
        await run.LineAsync(line => line.StartsWith("'explode' is no command.", StringComparison.Ordinal));

        var members = Enumerable.Range(0, 3).Select(i => MemberPid(run, $"etcd-{i}")).ToArray();
        await run.SignalAsync("INT");
        Assert.Equal(0, await run.ExitCodeAsync());
        Assert.All(members, member => Assert.False(IsAlive(member)));
        Assert.DoesNotContain(run.Output, line => line.Contains("restart 2", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(OurServer)]
    [InlineData(Reference)]
    public async Task A_member_that_was_removed_stays_away_and_is_shown_as_removed(string server)
    {
        var executable = Executable(server);
        var port = FreePorts(6);
        await using var run = AppHostRun.Start(AppHostRun.NewCluster(), port, executable);
        await run.LineAsync(line => line.StartsWith("3 of 3 healthy", StringComparison.Ordinal));

        using (var channel = GrpcChannel.ForAddress($"http://localhost:{port}"))
        {
            var members = new Etcd.Protocol.Etcdserverpb.Cluster.ClusterClient(channel);
            var list = await members.MemberListAsync(new(), cancellationToken: Cancel);
            // Strict reconfiguration wants members that have been connected for five seconds.
            await UntilAsync(async () =>
            {
                try
                {
                    await members.MemberRemoveAsync(new() { ID = list.Members.Single(m => m.Name == "etcd-1").ID }, cancellationToken: Cancel);
                    return true;
                }
                catch (RpcException e) when (e.Status.Detail == "etcdserver: unhealthy cluster")
                {
                    return false;
                }
            });
        }

        const string Said = "[etcd-1] exited for good: etcd-1 was removed from the cluster.";
        await run.LineAsync(line => line.StartsWith(Said, StringComparison.Ordinal));
        await run.TypeAsync("status");
        await run.LineAsync(line => line == $"etcd-1  http://localhost:{port + 2}  removed  ?");

        // It may be started by hand, and is told the same again.
        await run.TypeAsync("start etcd-1");
        await run.LineAsync(line => line.StartsWith(Said, StringComparison.Ordinal), times: 2);
        await run.SignalAsync("INT");
        Assert.Equal(0, await run.ExitCodeAsync());
        Assert.DoesNotContain(run.Output, line => line.Contains("; restart ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Data_of_another_number_of_members_is_refused_until_it_is_to_be_fresh()
    {
        using var fake = new FakeMember();
        var cluster = AppHostRun.NewCluster();
        Directory.CreateDirectory(Path.Combine(AppHostRun.DataOf(cluster), "etcd-0", "member"));
        var port = FreePorts(6);

        var refused = AppHostRun.Start(cluster, port, fake.Argument);
        Assert.Equal(1, await refused.ExitCodeAsync());
        await refused.LineAsync(line => line.Contains("is that of 1 member and cannot be started with 3 members", StringComparison.Ordinal));

        await using var fresh = AppHostRun.Start(cluster, port, fake.Argument, "--fresh");
        await FakePidAsync(fresh);
        Assert.False(Directory.Exists(Path.Combine(AppHostRun.DataOf(cluster), "etcd-0", "member")));
    }

    [Fact]
    public async Task A_port_in_use_is_said_and_nothing_is_started()
    {
        var port = FreePorts();
        using var taken = new TcpListener(IPAddress.Loopback, port + 1);
        taken.Start();
        var cluster = AppHostRun.NewCluster();
        await using var run = AppHostRun.Start(cluster, port, "--members", "1");

        Assert.Equal(1, await run.ExitCodeAsync());

        await run.LineAsync(line => line == $"Port {port + 1}, on which etcd-0 is to listen for peers, is in use.");
        await run.LineAsync(line => line.Contains("--port-base", StringComparison.Ordinal));
        Assert.False(Directory.Exists(AppHostRun.DataOf(cluster)));
    }

    [Fact]
    public async Task Sigterm_stops_the_member_and_killing_the_app_host_does_not_leave_it_behind()
    {
        using var fake = new FakeMember();
        await using (var run = AppHostRun.Start(AppHostRun.NewCluster(), FreePorts(), fake.Argument, "--members", "1"))
        {
            var member = await FakePidAsync(run);
            await run.SignalAsync("TERM");
            Assert.Equal(0, await run.ExitCodeAsync());
            await run.LineAsync(line => line == "[etcd-0] ends");
            Assert.False(IsAlive(member));
        }

        await using (var run = AppHostRun.Start(AppHostRun.NewCluster(), FreePorts(), fake.Argument, "--members", "1"))
        {
            var member = await FakePidAsync(run);
            await run.SignalAsync("KILL");
            await run.ExitCodeAsync();
            await UntilAsync(() => !IsAlive(member));
        }
    }

    [Fact]
    public async Task Data_is_kept_from_run_to_run_unless_it_is_to_be_fresh()
    {
        using var fake = new FakeMember();
        var cluster = AppHostRun.NewCluster();
        var folder = Path.Combine(AppHostRun.DataOf(cluster), "etcd-0");
        Directory.CreateDirectory(folder);
        var file = Path.Combine(folder, "stored");
        await File.WriteAllTextAsync(file, "", Cancel);
        var port = FreePorts();

        var kept = AppHostRun.Start(cluster, port, fake.Argument, "--members", "1");
        await FakePidAsync(kept);
        Assert.True(File.Exists(file));
        await kept.SignalAsync("TERM");
        Assert.Equal(0, await kept.ExitCodeAsync());

        await using var fresh = AppHostRun.Start(cluster, port, fake.Argument, "--members", "1", "--fresh");
        await FakePidAsync(fresh);
        Assert.False(File.Exists(file));
    }

    [Fact]
    public async Task A_member_gets_etcds_flags()
    {
        using var fake = new FakeMember();
        var port = FreePorts();
        await using var run = AppHostRun.Start(AppHostRun.NewCluster(), port, fake.Argument, "--members", "1");

        var line = await run.LineAsync(l => l.StartsWith("[etcd-0] flags ", StringComparison.Ordinal));

        var data = Path.Combine(AppHostRun.DataOf(run.Cluster), "etcd-0");
        Assert.Equal(
            $"[etcd-0] flags --name etcd-0 --data-dir {data} --listen-client-urls http://localhost:{port} "
            + $"--advertise-client-urls http://localhost:{port} --listen-peer-urls http://localhost:{port + 1} "
            + $"--initial-advertise-peer-urls http://localhost:{port + 1} --initial-cluster etcd-0=http://localhost:{port + 1} "
            + $"--initial-cluster-token {run.Cluster} --initial-cluster-state new --log-level info",
            line);
    }

    private static string[] Executable(string server)
    {
        if (server == OurServer)
        {
            return [];
        }

        RealEtcd.Require();
        return [$"Etcd:Executable={RealEtcd.Server}"];
    }

    /// <summary>The child of the AppHost that was started with the member's name.</summary>
    private static int MemberPid(AppHostRun run, string name = "etcd-0") => Directory.EnumerateDirectories("/proc")
        .Select(d => int.TryParse(Path.GetFileName(d), CultureInfo.InvariantCulture, out var pid) ? pid : 0)
        .Where(pid => pid > 0 && ParentOf(pid) == run.Id)
        .Single(pid => ReadOrEmpty($"/proc/{pid}/cmdline").Contains($"--name\0{name}\0", StringComparison.Ordinal));

    /// <summary>From a line such as <c>42 (Etcd.Server) S 41 42 ...</c>: the name may hold anything, the state may be any.</summary>
    private static int ParentOf(int pid)
    {
        var fields = ReadOrEmpty($"/proc/{pid}/stat").Split(')')[^1].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length > 1 ? int.Parse(fields[1], CultureInfo.InvariantCulture) : 0;
    }

    private static string ReadOrEmpty(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static async Task<int> FakePidAsync(AppHostRun run)
    {
        const string Prefix = "[etcd-0] up ";
        var line = await run.LineAsync(l => l.StartsWith(Prefix, StringComparison.Ordinal));
        return int.Parse(line[Prefix.Length..], CultureInfo.InvariantCulture);
    }

    private static bool IsAlive(int pid) =>
        Directory.Exists($"/proc/{pid}") && !ReadOrEmpty($"/proc/{pid}/stat").Contains(") Z ", StringComparison.Ordinal);

    private static Task UntilAsync(Func<bool> condition) => UntilAsync(() => Task.FromResult(condition()));

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        while (!await condition())
        {
            await Task.Delay(20, limit.Token);
        }
    }

    /// <summary>Free ports in a row; the first of them.</summary>
    private static int FreePorts(int count = 2)
    {
        while (true)
        {
            var first = Random.Shared.Next(20_000, 32_000);
            if (Enumerable.Range(first, count).All(TestKit.Processes.FreePorts.IsFree))
            {
                return first;
            }
        }
    }

    /// <summary>A program in the member's place that says who it is and ends when it is asked to.</summary>
    private sealed class FakeMember : IDisposable
    {
        private readonly string _path = Path.Combine(Path.GetTempPath(), $"member-{Guid.NewGuid():N}.sh");

        public FakeMember()
        {
            File.WriteAllText(
                _path,
                "#!/bin/sh\ntrap 'echo ends; exit 0' TERM\necho flags \"$@\"\necho up $$\nwhile :; do sleep 0.02; done\n");
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(_path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }
        }

        public string Argument => $"Etcd:Executable={_path}";

        public void Dispose() => File.Delete(_path);
    }
}
