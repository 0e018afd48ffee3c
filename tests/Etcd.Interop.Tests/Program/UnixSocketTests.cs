using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Program;

/// <summary>Goal: a client URL may be a unix socket.</summary>
public sealed class UnixSocketTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Etcdctl_puts_and_gets_through_a_unix_socket_and_the_next_start_takes_it_again()
    {
        RealEtcd.Require();
        using var folder = new TempFolder();
        string socket = folder.File("etcd.sock");
        await using ServerProcess server = ServerProcess.Create(
            ServerProgram.Ours, "--unsafe-no-fsync", "--listen-client-urls", $"unix://{socket}", "--advertise-client-urls", $"unix://{socket}");
        await server.StartAsync("serving client traffic", Token);

        CommandResult put = await EtcdCtl.RunAsync($"unix://{socket}", ["put", "k", "v"], Token);
        await server.KillAsync(Token);
        await server.StartAsync("serving client traffic", Token);
        CommandResult get = await EtcdCtl.RunAsync($"unix://{socket}", ["get", "k"], Token);

        Assert.Equal("OK\n", put.Stdout);
        Assert.Equal("k\nv\n", get.Stdout);
    }
}
