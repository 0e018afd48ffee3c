using Etcd.Client;
using Etcd.Client.Tests.Suites;
using Etcd.Protocol.Errors;
using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Client;

/// <summary>
/// Goal: users and passwords, and a server that dies, with the real etcd. A restart makes etcd forget its simple tokens, which is how a
/// test gets "invalid auth token" without waiting for one to run out.
/// </summary>
public sealed class RealEtcdClientTests : ClientSuite
{
    protected override string Url => throw new NotSupportedException();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_user_logs_in_and_gets_a_new_token_when_the_last_is_refused(bool ours)
    {
        ServerProcess etcd = await StartAsync(ours);
        await EnableAuthAsync(etcd);
        EtcdClient client = NewClient(etcd.ClientUrl, WithUser);
        await client.Kv.PutAsync("app/k", "1", cancellationToken: Token);
        await using EtcdWatcher watcher = await client.Watch.StartAsync(EtcdRange.Prefix("app/"), cancellationToken: Token);
        await using EtcdSession session = await client.Leases.CreateSessionAsync(TimeSpan.FromSeconds(5), Token);

        await etcd.KillAsync(Token);
        await etcd.StartAsync(Token);
        // A write into a connection that is dead could not be repeated.
        await client.Kv.GetAsync("app/k", cancellationToken: Token);
        EtcdPutResult put = await client.Kv.PutAsync("app/k", "2", cancellationToken: Token);

        await using IAsyncEnumerator<EtcdWatchBatch> batches = watcher.GetAsyncEnumerator(Token);
        Assert.Equal(put.Revision, (await NextAsync(batches)).Revision);
        await UntilAsync(() => session.Remaining > TimeSpan.FromSeconds(4));
        Assert.False(session.IsLost);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Who_may_not_is_told_so(bool ours)
    {
        ServerProcess etcd = await StartAsync(ours);
        await EnableAuthAsync(etcd);
        EtcdClient client = NewClient(etcd.ClientUrl, WithUser);
        EtcdClient nobody = NewClient(etcd.ClientUrl);
        EtcdClient wrong = NewClient(etcd.ClientUrl, options =>
        {
            options.Username = "app";
            options.Password = "wrong";
        });
        EtcdClient staleToken = NewClient(etcd.ClientUrl, options => options.Token = "made.up");

        var outside = await Assert.ThrowsAsync<EtcdAuthException>(async () => await client.Kv.PutAsync("other", "v", cancellationToken: Token));
        var watch = await Assert.ThrowsAsync<EtcdAuthException>(
            async () => await client.Watch.StartAsync(EtcdRange.Single("other"), cancellationToken: Token));
        var anonymous = await Assert.ThrowsAsync<EtcdAuthException>(async () => await nobody.Kv.GetAsync("app/k", cancellationToken: Token));
        var password = await Assert.ThrowsAsync<EtcdAuthException>(async () => await wrong.Kv.GetAsync("app/k", cancellationToken: Token));
        var wrongWatch = await Assert.ThrowsAsync<EtcdAuthException>(
            async () => await wrong.Watch.StartAsync(EtcdRange.Single("app/k"), cancellationToken: Token));
        var token = await Assert.ThrowsAsync<EtcdAuthException>(async () => await staleToken.Kv.GetAsync("app/k", cancellationToken: Token));

        Assert.Equal(EtcdErrorId.PermissionDenied, outside.ErrorId);
        Assert.Equal(EtcdErrorId.PermissionDenied, watch.ErrorId);
        Assert.Equal(EtcdErrorId.UserEmpty, anonymous.ErrorId);
        Assert.Equal(EtcdErrorId.AuthFailed, password.ErrorId);
        Assert.Equal(EtcdErrorId.AuthFailed, wrongWatch.ErrorId);
        Assert.Equal(EtcdErrorId.InvalidAuthToken, token.ErrorId);
        Assert.All([outside, anonymous, password, token], e => Assert.False(e.OutcomeUnknown));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_token_provider_is_asked_again_when_its_token_is_refused(bool ours)
    {
        ServerProcess etcd = await StartAsync(ours);
        await EnableAuthAsync(etcd);
        EtcdClient login = NewClient(etcd.ClientUrl, WithUser);
        await login.Kv.PutAsync("app/k", "v", cancellationToken: Token);
        int asked = 0;
        EtcdClient client = NewClient(etcd.ClientUrl, options => options.TokenProvider = async cancellation =>
        {
            using var channel = Grpc.Net.Client.GrpcChannel.ForAddress(etcd.ClientUrl);
            return ++asked == 1
                ? "made.up"
                : (await new Protocol.Etcdserverpb.Auth.AuthClient(channel).AuthenticateAsync(
                    new Protocol.Etcdserverpb.AuthenticateRequest { Name = "app", Password = "secret" }, cancellationToken: cancellation)).Token;
        });

        Assert.Equal("v", (await client.Kv.GetAsync("app/k", cancellationToken: Token))!.Value.ToString());
        Assert.Equal(2, asked);
    }

    /// <summary>User and password do no harm where auth is off.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_cluster_without_auth_needs_no_token(bool ours)
    {
        ServerProcess etcd = await StartAsync(ours);
        EtcdClient client = NewClient(etcd.ClientUrl, WithUser);

        await client.Kv.PutAsync("app/k", "v", cancellationToken: Token);
        await EnableAuthAsync(etcd);

        Assert.Equal("v", (await client.Kv.GetAsync("app/k", cancellationToken: Token))!.Value.ToString());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_watch_misses_nothing_while_the_server_is_killed_again_and_again(bool ours)
    {
        if (!ours)
        {
            RealEtcd.Require();
        }

        ServerProcess server = Keep(ServerProcess.Create(ours ? ServerProgram.Ours : ServerProgram.Real));
        await server.StartAsync(Token);
        EtcdClient client = NewClient(server.ClientUrl);
        await using EtcdWatcher watcher = await client.Watch.StartAsync(EtcdRange.Prefix("k"), cancellationToken: Token);
        var told = new List<long>();
        await using IAsyncEnumerator<EtcdWatchBatch> batches = watcher.GetAsyncEnumerator(Token);

        for (int round = 0; round < 4; round++)
        {
            long last = 0;
            for (int i = 0; i < 50; i++)
            {
                last = (await client.Kv.PutAsync($"k{i}", $"{round}", cancellationToken: Token)).Revision;
            }

            await server.KillAsync(Token);
            await server.StartAsync(Token);
            await client.Kv.GetAsync("k", cancellationToken: Token);
            while (told.Count == 0 || told[^1] < last)
            {
                told.Add((await NextAsync(batches)).Revision);
            }
        }

        Assert.Equal(Enumerable.Range(0, 200).Select(i => watcher.StartRevision + i), told);
    }

    private static void WithUser(EtcdClientOptions options)
    {
        options.Username = "app";
        options.Password = "secret";
    }

    private async Task<ServerProcess> StartAsync(bool ours)
    {
        // etcdctl sets the users up in either case.
        RealEtcd.Require();
        return Keep(await ServerProcess.StartAsync(ours ? ServerProgram.Ours : ServerProgram.Real, [], Token));
    }

    private static async Task EnableAuthAsync(ServerProcess etcd)
    {
        string[][] commands =
        [
            ["user", "add", "root:root"],
            ["user", "grant-role", "root", "root"],
            ["role", "add", "app"],
            ["role", "grant-permission", "app", "readwrite", "app/", "app0"],
            ["user", "add", "app:secret"],
            ["user", "grant-role", "app", "app"],
            ["auth", "enable"],
        ];
        foreach (string[] command in commands)
        {
            CommandResult result = await EtcdCtl.RunAsync(etcd.Endpoint, command, Token);
            Assert.True(result.ExitCode == 0, string.Join(' ', command) + ": " + result.Stderr);
        }
    }
}
