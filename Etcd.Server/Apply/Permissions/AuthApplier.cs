using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Auth;
using Etcd.Server.Primitives;
using Google.Protobuf;

namespace Etcd.Server.Apply.Permissions;

/// <summary>
/// The commands of the log about users, roles and the switch, as etcd applies them. Apply thread only. A payload that is no such message
/// throws, because then the log is not what it should be.
/// </summary>
/// <param name="auth">Users and roles.</param>
/// <param name="currentRevision">The store's revision.</param>
internal sealed class AuthApplier(AuthStore auth, Func<long> currentRevision)
{
    /// <summary>Applies a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="index">Its entry.</param>
    /// <returns>The outcome; null if it is of another kind.</returns>
    public ApplyOutcome? Apply(in CommandReader command, LogIndex index)
    {
        ReadOnlySpan<byte> payload = command.Payload.Span;
        switch (command.Field)
        {
            case CommandFields.AuthEnable:
                return Done(auth.Enable());
            case CommandFields.AuthDisable:
                auth.Disable();
                return Done(null);
            case CommandFields.AuthStatus:
                return Answer(new AuthStatusResponse { Enabled = auth.Current.IsEnabled, AuthRevision = auth.Current.Revision });
            case CommandFields.Authenticate:
                return Authenticate(InternalAuthenticateRequest.Parser.ParseFrom(payload), index);
            default:
                return ApplyToUsers(command.Field, payload, index) ?? ApplyToRoles(command.Field, payload);
        }
    }

    private ApplyOutcome? ApplyToUsers(int field, ReadOnlySpan<byte> payload, LogIndex index)
    {
        switch (field)
        {
            case CommandFields.AuthUserAdd:
                AuthUserAddRequest add = AuthUserAddRequest.Parser.ParseFrom(payload);
                bool noPassword = add.Options?.NoPassword ?? false;
                return Done(auth.AddUser(
                    add.Name, noPassword ? null : PasswordOf(add.Name, add.Password, add.HashedPassword, index), noPassword));
            case CommandFields.AuthUserDelete:
                return Done(auth.DeleteUser(AuthUserDeleteRequest.Parser.ParseFrom(payload).Name));
            case CommandFields.AuthUserGet:
                AuthUserGetRequest get = AuthUserGetRequest.Parser.ParseFrom(payload);
                return auth.Current.Users.TryGetValue(get.Name, out AuthUser? user)
                    ? Answer(new AuthUserGetResponse { Roles = { user.Roles } })
                    : Done(EtcdErrors.UserNotFound);
            case CommandFields.AuthUserChangePassword:
                AuthUserChangePasswordRequest change = AuthUserChangePasswordRequest.Parser.ParseFrom(payload);
                return Done(auth.ChangePassword(change.Name, PasswordOf(change.Name, change.Password, change.HashedPassword, index)));
            case CommandFields.AuthUserGrantRole:
                AuthUserGrantRoleRequest grant = AuthUserGrantRoleRequest.Parser.ParseFrom(payload);
                return Done(auth.GrantRole(grant.User, grant.Role));
            case CommandFields.AuthUserRevokeRole:
                AuthUserRevokeRoleRequest revoke = AuthUserRevokeRoleRequest.Parser.ParseFrom(payload);
                return Done(auth.RevokeRole(revoke.Name, revoke.Role));
            case CommandFields.AuthUserList:
                return Answer(new AuthUserListResponse { Users = { auth.Current.Users.Keys } });
            default:
                return null;
        }
    }

    private ApplyOutcome? ApplyToRoles(int field, ReadOnlySpan<byte> payload)
    {
        switch (field)
        {
            case CommandFields.AuthRoleAdd:
                return Done(auth.AddRole(AuthRoleAddRequest.Parser.ParseFrom(payload).Name));
            case CommandFields.AuthRoleDelete:
                return Done(auth.DeleteRole(AuthRoleDeleteRequest.Parser.ParseFrom(payload).Role));
            case CommandFields.AuthRoleGet:
                return Get(AuthRoleGetRequest.Parser.ParseFrom(payload).Role);
            case CommandFields.AuthRoleGrantPermission:
                AuthRoleGrantPermissionRequest grant = AuthRoleGrantPermissionRequest.Parser.ParseFrom(payload);
                return Done(auth.GrantPermission(grant.Name, grant.Perm is { } permission ? AuthRecords.Read(permission) : null));
            case CommandFields.AuthRoleRevokePermission:
                AuthRoleRevokePermissionRequest revoke = AuthRoleRevokePermissionRequest.Parser.ParseFrom(payload);
                return Done(auth.RevokePermission(revoke.Role, revoke.Key.ToByteArray(), revoke.RangeEnd.ToByteArray()));
            case CommandFields.AuthRoleList:
                return Answer(new AuthRoleListResponse { Roles = { auth.Current.Roles.Keys } });
            default:
                return null;
        }
    }

    private ApplyOutcome Get(string name)
    {
        if (!auth.Current.Roles.TryGetValue(name, out AuthRole? role))
            return Done(EtcdErrors.RoleNotFound);

        var answer = new AuthRoleGetResponse();
        if (name == AuthRole.Root)
        {
            // Whatever it was granted: it may do everything.
            answer.Perm.Add(AuthRecords.Message(new KeyPermission(PermissionKind.ReadWrite, [], [0])));
        }
        else
        {
            answer.Perm.AddRange(role.Permissions.Select(AuthRecords.Message));
        }

        return Answer(answer);
    }

    // The password was checked by the member that was asked, which also looks whether it still counts.
    private ApplyOutcome Authenticate(InternalAuthenticateRequest request, LogIndex index)
    {
        AuthSnapshot now = auth.Current;
        if (!now.IsEnabled)
            return Done(EtcdErrors.AuthNotEnabled);

        if (!now.Users.TryGetValue(request.Name, out AuthUser? user) || user.NoPassword == true)
            return Done(EtcdErrors.AuthFailed);

        string? token = auth.Tokens.Assign(request.Name, request.SimpleToken, index);
        return Answer(new AuthenticateResponse { Token = token ?? "" });
    }

    /// <summary>The hash that a request carries; null if it carries none.</summary>
    private static byte[]? PasswordOf(string name, string password, string hashed, LogIndex index)
    {
        if (password.Length > 0 && hashed.Length == 0)
            return PasswordHash.MakeForOldEntry(password, PasswordHash.CostDefault, name, index.Value);

        try
        {
            return Convert.FromBase64String(hashed);
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private ApplyOutcome Done(EtcdError? refusal) =>
        refusal is null ? new ApplyOutcome(currentRevision()) : new ApplyOutcome(refusal, currentRevision());

    private ApplyOutcome Answer(IMessage answer) => new(currentRevision(), answer.ToByteArray());
}
