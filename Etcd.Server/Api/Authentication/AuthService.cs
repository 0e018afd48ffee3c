using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Apply;
using Etcd.Server.Auth;
using Etcd.Server.Node;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Api.Authentication;

/// <summary>
/// etcdserverpb.Auth. Everything goes through the log, questions too. A password never does: it is compared, or made a hash of, here.
/// </summary>
/// <param name="api">The node.</param>
/// <param name="passwords">Compares and hashes passwords.</param>
/// <param name="log">Where sign-ins that failed are told.</param>
internal sealed class AuthService(ApiContext api, PasswordDesk passwords, ILogger<AuthService> log) : Protocol.Etcdserverpb.Auth.AuthBase
{
    /// <summary>Signs a user in: a token for a password.</summary>
    public override async Task<AuthenticateResponse> Authenticate(AuthenticateRequest request, ServerCallContext context)
    {
        // A password that was changed anywhere must not count here any more.
        await api.Reads.LinearizeAsync(context.CancellationToken).ConfigureAwait(false);
        while (true)
        {
            ulong revision = await CheckPasswordAsync(request, context.CancellationToken).ConfigureAwait(false);
            var command = new InternalAuthenticateRequest { Name = request.Name, SimpleToken = api.Auth.Tokens.NewPrefix() };
            ApplyOutcome outcome = await api.Proposals.ProposeAsync(
                RaftCommand.Create(RaftCommandKind.Authenticate, command.ToByteArray())).ConfigureAwait(false);
            if (revision != api.Auth.Current.Revision)
            {
                // Users have changed while the password was compared: it may be another one by now.
                AuthLog.PasswordStale(log);
                continue;
            }

            AuthenticateResponse response = AuthenticateResponse.Parser.ParseFrom(outcome.Body.Span);
            response.Header = ResponseHeader.Message(api.Status, outcome.Revision);
            response.Token = response.Token.Length > 0 ? response.Token : api.Auth.Tokens.Sign(request.Name, revision);
            return response;
        }
    }

    /// <inheritdoc/>
    public override async Task<AuthEnableResponse> AuthEnable(AuthEnableRequest request, ServerCallContext context) =>
        new() { Header = Header(await Ask(RaftCommandKind.AuthEnable, request, context).ConfigureAwait(false)) };

    /// <inheritdoc/>
    public override async Task<AuthDisableResponse> AuthDisable(AuthDisableRequest request, ServerCallContext context) =>
        new() { Header = Header(await Ask(RaftCommandKind.AuthDisable, request, context).ConfigureAwait(false)) };

    /// <inheritdoc/>
    public override async Task<AuthStatusResponse> AuthStatus(AuthStatusRequest request, ServerCallContext context)
    {
        ApplyOutcome outcome = await Ask(RaftCommandKind.AuthStatus, request, context).ConfigureAwait(false);
        AuthStatusResponse response = AuthStatusResponse.Parser.ParseFrom(outcome.Body.Span);
        response.Header = Header(outcome);
        return response;
    }

    /// <inheritdoc/>
    public override async Task<AuthUserAddResponse> UserAdd(AuthUserAddRequest request, ServerCallContext context)
    {
        // Before the work of hashing, which else anybody could ask for; where it is applied it is looked at again.
        await api.Auth.RequireAdminAsync(context).ConfigureAwait(false);
        request.HashedPassword = request.Options is { NoPassword: true }
            ? ""
            : await HashAsync(request.Password, context.CancellationToken).ConfigureAwait(false);
        // Also one that was given for a user without: the log has none.
        request.Password = "";

        return new() { Header = Header(await Ask(RaftCommandKind.AuthUserAdd, request, context).ConfigureAwait(false)) };
    }

    /// <inheritdoc/>
    public override async Task<AuthUserGetResponse> UserGet(AuthUserGetRequest request, ServerCallContext context)
    {
        ApplyOutcome outcome = await Ask(RaftCommandKind.AuthUserGet, request, context).ConfigureAwait(false);
        AuthUserGetResponse response = AuthUserGetResponse.Parser.ParseFrom(outcome.Body.Span);
        response.Header = Header(outcome);
        return response;
    }

    /// <inheritdoc/>
    public override async Task<AuthUserListResponse> UserList(AuthUserListRequest request, ServerCallContext context)
    {
        ApplyOutcome outcome = await Ask(RaftCommandKind.AuthUserList, request, context).ConfigureAwait(false);
        AuthUserListResponse response = AuthUserListResponse.Parser.ParseFrom(outcome.Body.Span);
        response.Header = Header(outcome);
        return response;
    }

    /// <inheritdoc/>
    public override async Task<AuthUserDeleteResponse> UserDelete(AuthUserDeleteRequest request, ServerCallContext context) =>
        new() { Header = Header(await Ask(RaftCommandKind.AuthUserDelete, request, context).ConfigureAwait(false)) };

    /// <inheritdoc/>
    public override async Task<AuthUserChangePasswordResponse> UserChangePassword(AuthUserChangePasswordRequest request, ServerCallContext context)
    {
        await api.Auth.RequireAdminAsync(context).ConfigureAwait(false);
        if (request.Password.Length > 0)
        {
            request.HashedPassword = await HashAsync(request.Password, context.CancellationToken).ConfigureAwait(false);
            request.Password = "";
        }

        return new() { Header = Header(await Ask(RaftCommandKind.AuthUserChangePassword, request, context).ConfigureAwait(false)) };
    }

    /// <inheritdoc/>
    public override async Task<AuthUserGrantRoleResponse> UserGrantRole(AuthUserGrantRoleRequest request, ServerCallContext context) =>
        new() { Header = Header(await Ask(RaftCommandKind.AuthUserGrantRole, request, context).ConfigureAwait(false)) };

    /// <inheritdoc/>
    public override async Task<AuthUserRevokeRoleResponse> UserRevokeRole(AuthUserRevokeRoleRequest request, ServerCallContext context) =>
        new() { Header = Header(await Ask(RaftCommandKind.AuthUserRevokeRole, request, context).ConfigureAwait(false)) };

    /// <inheritdoc/>
    public override async Task<AuthRoleAddResponse> RoleAdd(AuthRoleAddRequest request, ServerCallContext context) =>
        new() { Header = Header(await Ask(RaftCommandKind.AuthRoleAdd, request, context).ConfigureAwait(false)) };

    /// <inheritdoc/>
    public override async Task<AuthRoleGetResponse> RoleGet(AuthRoleGetRequest request, ServerCallContext context)
    {
        ApplyOutcome outcome = await Ask(RaftCommandKind.AuthRoleGet, request, context).ConfigureAwait(false);
        AuthRoleGetResponse response = AuthRoleGetResponse.Parser.ParseFrom(outcome.Body.Span);
        response.Header = Header(outcome);
        return response;
    }

    /// <inheritdoc/>
    public override async Task<AuthRoleListResponse> RoleList(AuthRoleListRequest request, ServerCallContext context)
    {
        ApplyOutcome outcome = await Ask(RaftCommandKind.AuthRoleList, request, context).ConfigureAwait(false);
        AuthRoleListResponse response = AuthRoleListResponse.Parser.ParseFrom(outcome.Body.Span);
        response.Header = Header(outcome);
        return response;
    }

    /// <inheritdoc/>
    public override async Task<AuthRoleDeleteResponse> RoleDelete(AuthRoleDeleteRequest request, ServerCallContext context) =>
        new() { Header = Header(await Ask(RaftCommandKind.AuthRoleDelete, request, context).ConfigureAwait(false)) };

    /// <inheritdoc/>
    public override async Task<AuthRoleGrantPermissionResponse> RoleGrantPermission(
        AuthRoleGrantPermissionRequest request, ServerCallContext context) =>
        new() { Header = Header(await Ask(RaftCommandKind.AuthRoleGrantPermission, request, context).ConfigureAwait(false)) };

    /// <inheritdoc/>
    public override async Task<AuthRoleRevokePermissionResponse> RoleRevokePermission(
        AuthRoleRevokePermissionRequest request, ServerCallContext context) =>
        new() { Header = Header(await Ask(RaftCommandKind.AuthRoleRevokePermission, request, context).ConfigureAwait(false)) };

    private Task<ApplyOutcome> Ask(RaftCommandKind kind, IMessage request, ServerCallContext context) =>
        api.ProposeAsync(RaftCommand.Create(kind, request.ToByteArray(), api.Auth.UserRoom), context);

    private Protocol.Etcdserverpb.ResponseHeader Header(ApplyOutcome outcome) => ResponseHeader.Message(api.Status, outcome.Revision);

    private async Task<string> HashAsync(string password, CancellationToken cancellation)
    {
        if (PasswordHash.IsTooLong(password))
        {
            // Not an error of etcd's own, but of what it hashes with.
            throw new RpcException(new Status(StatusCode.Unknown, "bcrypt: password length exceeds 72 bytes"));
        }

        return Convert.ToBase64String(await passwords.HashAsync(password, cancellation).ConfigureAwait(false));
    }

    /// <summary>Compares the password; returns the revision at which it was the user's.</summary>
    private async ValueTask<ulong> CheckPasswordAsync(AuthenticateRequest request, CancellationToken cancellation)
    {
        AuthSnapshot now = api.Auth.Current;
        if (!now.IsEnabled)
        {
            throw EtcdErrors.AuthNotEnabled.ToException();
        }

        EtcdError? refusal = !now.Users.TryGetValue(request.Name, out AuthUser? user) ? EtcdErrors.AuthFailed
            : user.NoPassword == true ? EtcdErrors.NoPasswordUser
            : await passwords.MatchesAsync(user.PasswordHash, request.Password, cancellation).ConfigureAwait(false) ? null
            : EtcdErrors.AuthFailed;
        if (refusal is null)
        {
            return now.Revision;
        }

        AuthLog.SignInRefused(log, request.Name, refusal.Text);
        throw refusal.ToException();
    }
}
