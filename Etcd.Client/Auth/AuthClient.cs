using Etcd.Protocol.Authpb;
using Etcd.Protocol.Etcdserverpb;

namespace Etcd.Client;

/// <summary>Users, roles and permissions.</summary>
internal sealed class AuthClient(EtcdConnection connection) : IEtcdAuth
{
    private readonly Caller _caller = connection.Caller;

    public async ValueTask EnableAsync(EtcdCallOptions? options, CancellationToken cancellationToken) =>
        await CallAsync(Methods.AuthEnable, new AuthEnableRequest(), options, cancellationToken).ConfigureAwait(false);

    public async ValueTask DisableAsync(EtcdCallOptions? options, CancellationToken cancellationToken) =>
        await CallAsync(Methods.AuthDisable, new AuthDisableRequest(), options, cancellationToken).ConfigureAwait(false);

    public async ValueTask<EtcdAuthStatus> GetStatusAsync(EtcdCallOptions? options, CancellationToken cancellationToken)
    {
        AuthStatusResponse status = await CallAsync(Methods.AuthStatus, new AuthStatusRequest(), options, cancellationToken).ConfigureAwait(false);
        return new EtcdAuthStatus(status.Enabled, status.AuthRevision);
    }

    public async ValueTask<string> AuthenticateAsync(string user, string password, EtcdCallOptions? options, CancellationToken cancellationToken)
    {
        var request = new AuthenticateRequest { Name = user, Password = password };
        return (await CallAsync(Methods.Authenticate, request, options, cancellationToken).ConfigureAwait(false)).Token;
    }

    public async ValueTask AddUserAsync(string user, string? password, EtcdCallOptions? options, CancellationToken cancellationToken)
    {
        var request = new AuthUserAddRequest
        {
            Name = user,
            Password = password ?? "",
            Options = new UserAddOptions { NoPassword = password is null },
        };
        await CallAsync(Methods.UserAdd, request, options, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<IReadOnlyList<string>> GetUserRolesAsync(string user, EtcdCallOptions? options, CancellationToken cancellationToken) =>
        [.. (await CallAsync(Methods.UserGet, new AuthUserGetRequest { Name = user }, options, cancellationToken).ConfigureAwait(false)).Roles];

    public async ValueTask<IReadOnlyList<string>> ListUsersAsync(EtcdCallOptions? options, CancellationToken cancellationToken) =>
        [.. (await CallAsync(Methods.UserList, new AuthUserListRequest(), options, cancellationToken).ConfigureAwait(false)).Users];

    public async ValueTask DeleteUserAsync(string user, EtcdCallOptions? options, CancellationToken cancellationToken) =>
        await CallAsync(Methods.UserDelete, new AuthUserDeleteRequest { Name = user }, options, cancellationToken).ConfigureAwait(false);

    public async ValueTask ChangePasswordAsync(string user, string password, EtcdCallOptions? options, CancellationToken cancellationToken) =>
        await CallAsync(
            Methods.UserChangePassword,
            new AuthUserChangePasswordRequest { Name = user, Password = password },
            options,
            cancellationToken).ConfigureAwait(false);

    public async ValueTask GrantRoleAsync(string user, string role, EtcdCallOptions? options, CancellationToken cancellationToken) =>
        await CallAsync(
            Methods.UserGrantRole, new AuthUserGrantRoleRequest { User = user, Role = role }, options, cancellationToken).ConfigureAwait(false);

    public async ValueTask RevokeRoleAsync(string user, string role, EtcdCallOptions? options, CancellationToken cancellationToken) =>
        await CallAsync(
            Methods.UserRevokeRole, new AuthUserRevokeRoleRequest { Name = user, Role = role }, options, cancellationToken).ConfigureAwait(false);

    public async ValueTask AddRoleAsync(string role, EtcdCallOptions? options, CancellationToken cancellationToken) =>
        await CallAsync(Methods.RoleAdd, new AuthRoleAddRequest { Name = role }, options, cancellationToken).ConfigureAwait(false);

    public async ValueTask<IReadOnlyList<EtcdPermission>> GetPermissionsAsync(
        string role, EtcdCallOptions? options, CancellationToken cancellationToken)
    {
        AuthRoleGetResponse response = await CallAsync(
            Methods.RoleGet, new AuthRoleGetRequest { Role = role }, options, cancellationToken).ConfigureAwait(false);
        return [.. response.Perm.Select(From)];
    }

    public async ValueTask<IReadOnlyList<string>> ListRolesAsync(EtcdCallOptions? options, CancellationToken cancellationToken) =>
        [.. (await CallAsync(Methods.RoleList, new AuthRoleListRequest(), options, cancellationToken).ConfigureAwait(false)).Roles];

    public async ValueTask DeleteRoleAsync(string role, EtcdCallOptions? options, CancellationToken cancellationToken) =>
        await CallAsync(Methods.RoleDelete, new AuthRoleDeleteRequest { Role = role }, options, cancellationToken).ConfigureAwait(false);

    public async ValueTask GrantPermissionAsync(
        string role, EtcdPermissionType type, EtcdRange range, EtcdCallOptions? options, CancellationToken cancellationToken)
    {
        var permission = new Permission
        {
            PermType = (Permission.Types.Type)type,
            Key = range.Start.ToByteString(),
            RangeEnd = range.End.ToByteString(),
        };
        await CallAsync(
            Methods.RoleGrantPermission,
            new AuthRoleGrantPermissionRequest { Name = role, Perm = permission },
            options,
            cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask RevokePermissionAsync(string role, EtcdRange range, EtcdCallOptions? options, CancellationToken cancellationToken)
    {
        var request = new AuthRoleRevokePermissionRequest
        {
            Role = role,
            Key = range.Start.ToByteString(),
            RangeEnd = range.End.ToByteString(),
        };
        await CallAsync(Methods.RoleRevokePermission, request, options, cancellationToken).ConfigureAwait(false);
    }

    private static EtcdPermission From(Permission permission)
    {
        EtcdKey start = permission.Key.Memory;
        EtcdKey end = permission.RangeEnd.Memory;
        return new EtcdPermission((EtcdPermissionType)permission.PermType, EtcdRange.FromWire(start, end));
    }

    private ValueTask<TResponse> CallAsync<TRequest, TResponse>(
        Rpc<TRequest, TResponse> rpc, TRequest request, EtcdCallOptions? options, CancellationToken cancellation)
        where TRequest : class
        where TResponse : class => _caller.CallAsync(rpc, request, options, cancellation);
}
