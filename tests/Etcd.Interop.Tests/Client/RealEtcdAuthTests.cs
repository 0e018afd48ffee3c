using Etcd.Client;
using Etcd.Client.Tests.Suites;
using Etcd.Protocol.Errors;
using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Client;

/// <summary>Goal: users, roles and permissions are managed by the client; alarms and defragmentation too. With the real etcd, and users and roles with this server too.</summary>
public sealed class RealEtcdAuthTests : ClientSuite
{
    private ServerProcess? _etcd;

    protected override string Url => _etcd!.ClientUrl;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Users_roles_and_permissions_are_made_told_and_taken_away(bool ours)
    {
        await StartAsync(ours);
        EtcdClient setup = NewClient();
        IEtcdAuth auth = setup.Auth;
        Assert.False((await auth.GetStatusAsync(cancellationToken: Token)).IsEnabled);
        await auth.AddUserAsync("root", "toor", cancellationToken: Token);
        await auth.GrantRoleAsync("root", "root", cancellationToken: Token);
        await auth.AddRoleAsync("app", cancellationToken: Token);
        await auth.GrantPermissionAsync("app", EtcdPermissionType.ReadWrite, EtcdRange.Prefix("app/"), cancellationToken: Token);
        await auth.GrantPermissionAsync("app", EtcdPermissionType.Read, EtcdRange.Single("shared"), cancellationToken: Token);
        await auth.AddUserAsync("app", "secret", cancellationToken: Token);
        await auth.AddUserAsync("certified", null, cancellationToken: Token);
        await auth.GrantRoleAsync("app", "app", cancellationToken: Token);
        await auth.EnableAsync(cancellationToken: Token);

        EtcdClient root = NewClient(configure: options => (options.Username, options.Password) = ("root", "toor"));
        EtcdClient app = NewClient(configure: options => (options.Username, options.Password) = ("app", "secret"));
        EtcdAuthStatus status = await root.Auth.GetStatusAsync(cancellationToken: Token);
        Assert.True(status.IsEnabled);
        Assert.True(status.Revision > 1);
        Assert.Equal(["app", "certified", "root"], (await root.Auth.ListUsersAsync(cancellationToken: Token)).Order());
        Assert.Equal(["app"], await root.Auth.ListRolesAsync(cancellationToken: Token));
        Assert.Equal(["app"], await root.Auth.GetUserRolesAsync("app", cancellationToken: Token));
        Assert.Equal(
            [
                new EtcdPermission(EtcdPermissionType.ReadWrite, EtcdRange.Prefix("app/")),
                new EtcdPermission(EtcdPermissionType.Read, EtcdRange.Single("shared")),
            ],
            await root.Auth.GetPermissionsAsync("app", cancellationToken: Token));

        await app.Kv.PutAsync("app/k", "v", cancellationToken: Token);
        await app.Kv.GetAsync("shared", cancellationToken: Token);
        await DeniedAsync(async () => await app.Kv.PutAsync("shared", "v", cancellationToken: Token));
        await root.Auth.RevokePermissionAsync("app", EtcdRange.Single("shared"), cancellationToken: Token);
        await DeniedAsync(async () => await app.Kv.GetAsync("shared", cancellationToken: Token));
        await root.Auth.RevokeRoleAsync("app", "app", cancellationToken: Token);
        await DeniedAsync(async () => await app.Kv.GetAsync("app/k", cancellationToken: Token));

        await root.Auth.ChangePasswordAsync("app", "other", cancellationToken: Token);
        var wrong = await Assert.ThrowsAsync<EtcdAuthException>(async () => await root.Auth.AuthenticateAsync("app", "secret", cancellationToken: Token));
        Assert.Equal(EtcdErrorId.AuthFailed, wrong.ErrorId);
        string token = await root.Auth.AuthenticateAsync("root", "toor", cancellationToken: Token);
        EtcdClient byToken = NewClient(configure: options => options.Token = token);
        await byToken.Auth.DeleteUserAsync("app", cancellationToken: Token);
        await byToken.Auth.DeleteRoleAsync("app", cancellationToken: Token);
        await byToken.Auth.DisableAsync(cancellationToken: Token);

        Assert.Equal(["certified", "root"], (await auth.ListUsersAsync(cancellationToken: Token)).Order());
        await setup.Kv.PutAsync("shared", "v", cancellationToken: Token);
    }

    [Fact]
    public async Task Alarms_are_raised_and_taken_back_and_a_member_is_defragmented()
    {
        await StartAsync();
        EtcdClient client = NewClient();
        ulong id = (await client.Maintenance.GetStatusAsync(Url, cancellationToken: Token)).Header.MemberId;

        await client.Maintenance.RaiseAlarmAsync(new EtcdAlarm(id, EtcdAlarmType.NoSpace), cancellationToken: Token);
        var full = await Assert.ThrowsAsync<EtcdException>(async () => await client.Kv.PutAsync("k", "v", cancellationToken: Token));
        Assert.Equal(EtcdErrorId.NoSpace, full.ErrorId);
        Assert.Equal([new EtcdAlarm(id, EtcdAlarmType.NoSpace)], await client.Maintenance.ListAlarmsAsync(cancellationToken: Token));
        Assert.Single(await client.Maintenance.DisarmAlarmAsync(new EtcdAlarm(id, EtcdAlarmType.NoSpace), cancellationToken: Token));
        Assert.Empty(await client.Maintenance.ListAlarmsAsync(cancellationToken: Token));

        for (int i = 0; i < 20; i++)
        {
            await client.Kv.PutAsync($"k{i}", new byte[200_000], cancellationToken: Token);
        }

        long last = (await client.Kv.DeleteAsync(EtcdRange.Prefix("k"), cancellationToken: Token)).Revision;
        await client.Kv.CompactAsync(last, new EtcdCompactOptions { Physical = true }, Token);
        long before = (await client.Maintenance.GetStatusAsync(Url, cancellationToken: Token)).DbSizeBytes;
        await client.Maintenance.DefragmentAsync(Url, cancellationToken: Token);
        Assert.True((await client.Maintenance.GetStatusAsync(Url, cancellationToken: Token)).DbSizeBytes < before);
        await Assert.ThrowsAsync<EtcdException>(
            async () => await client.Maintenance.DowngradeAsync(EtcdDowngradeAction.Validate, "3.0", cancellationToken: Token));
    }

    private static async Task DeniedAsync(Func<Task> call) =>
        Assert.Equal(EtcdErrorId.PermissionDenied, (await Assert.ThrowsAsync<EtcdAuthException>(call)).ErrorId);

    private async Task StartAsync(bool ours = false)
    {
        if (!ours)
        {
            RealEtcd.Require();
        }

        _etcd = Keep(await ServerProcess.StartAsync(ours ? ServerProgram.Ours : ServerProgram.Real, [], Token));
    }
}
