using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Users;

/// <summary>
/// Goal: users, roles and the switch go both ways between this server and the real etcd, and are there after a crash. Method: etcdctl sets
/// them up and saves a snapshot as root; the other kind's tool restores it; a member of that kind must let the same in and refuse the same.
/// </summary>
public sealed class UserSnapshotTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("etcd-users-");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string File => Path.Combine(_folder.FullName, "snapshot.db");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Ours_is_restored_by_etcdutl_and_etcd_enforces_it()
    {
        RealEtcd.Require();
        await using (ServerProcess ours = await ServerProcess.StartAsync(ServerProgram.Ours, ["--claimed-version", "3.5"], Token))
        {
            await Setup.WriteAsync(ours.Endpoint);
            await Setup.RequireAsync(ours.Endpoint);
            Assert.Contains("etcdserver: permission denied", await Setup.FailsAsync(ours.Endpoint, $"--user alice:pw snapshot save {File}"), StringComparison.Ordinal);
            await Setup.OkAsync(ours.Endpoint, $"--user root:toor snapshot save {File}");
        }

        await using ServerProcess real = ServerProcess.Create(ServerProgram.Real, "--unsafe-no-fsync");
        await RunAsync(RealEtcd.Util, "snapshot", "restore", File, "--data-dir", real.DataFolder);
        await real.StartAsync(Token);
        await Setup.RequireAsync(real.Endpoint);
        await Setup.OkAsync(real.Endpoint, "--user root:toor auth disable");
    }

    [Fact]
    public async Task Etcds_is_restored_and_enforced_by_ours_also_after_a_kill()
    {
        RealEtcd.Require();
        await using (ServerProcess real = await ServerProcess.StartAsync(ServerProgram.Real, [], Token))
        {
            await Setup.WriteAsync(real.Endpoint);
            await Setup.OkAsync(real.Endpoint, $"--user root:toor snapshot save {File}");
        }

        await using ServerProcess ours = ServerProcess.Create(ServerProgram.Ours, "--unsafe-no-fsync");
        await RunAsync(ServerProgram.Ours.Executable, "snapshot", "restore", File, "--data-dir", ours.DataFolder);
        await ours.StartAsync(Token);
        await Setup.RequireAsync(ours.Endpoint);
        await Setup.OkAsync(ours.Endpoint, "--user root:toor user add late:pw");
        await ours.KillAsync(Token);
        await ours.StartAsync(Token);
        Assert.Equal("alice\ncertified\nlate\nroot\n", await Setup.OkAsync(ours.Endpoint, "--user root:toor user list"));
        await Setup.OkAsync(ours.Endpoint, "--user root:toor user delete late");
        await Setup.RequireAsync(ours.Endpoint);
    }

    [Fact]
    public async Task It_is_there_after_a_kill_from_the_log_and_from_a_checkpoint()
    {
        await using ServerProcess ours = ServerProcess.Create(ServerProgram.Ours, "--unsafe-no-fsync", "--snapshot-count", "5");
        RealEtcd.Require();
        await ours.StartAsync(Token);
        await Setup.WriteAsync(ours.Endpoint);
        for (int i = 0; i < 2; i++)
        {
            await ours.KillAsync(Token);
            await ours.StartAsync(Token);
            await Setup.RequireAsync(ours.Endpoint);
        }
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        CommandResult result = await CapturedProcess.RunAsync(program, arguments, cancellation: Token);
        Assert.True(result.ExitCode == 0, result.ToString());
    }
}
