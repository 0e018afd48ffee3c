using System.Text;
using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Apply.Requests;
using Etcd.Server.Auth;
using Etcd.Server.Lease;
using Etcd.Server.Primitives;

namespace Etcd.Server.Apply.Permissions;

/// <summary>
/// Which committed commands are refused because whoever asked has no right to them, by every member alike: the rights are those at
/// this place in the log, and not those when it was asked. Apply thread.
/// </summary>
/// <param name="auth">Users and rights.</param>
/// <param name="leases">The keys of leases.</param>
internal sealed class PermissionGate(AuthStore auth, LeaseManager leases)
{
    // Commands of one user come in runs: the name is made of its bytes once.
    private byte[] _lastName = [];
    private string _lastUser = "";

    /// <summary>Why a command is refused; null if it is not.</summary>
    public EtcdError? Refuse(in CommandReader command)
    {
        AuthSnapshot now = auth.Current;
        return now.IsEnabled ? Refuse(now, WhoAsks(command), command) : null;
    }

    private EtcdError? Refuse(AuthSnapshot now, AuthInfo who, in CommandReader command)
    {
        switch (command.Field)
        {
            case CommandFields.Put:
                return RequestPermissions.Put(now, who, leases, new PutRequestView(command.Payload.Span));
            case CommandFields.DeleteRange:
                return RequestPermissions.DeleteRange(now, who, new DeleteRangeRequestView(command.Payload.Span));
            case CommandFields.Txn:
                return RequestPermissions.Txn(now, who, leases, TxnRequestTree.Read(command.Payload));
            case CommandFields.LeaseRevoke:
                var lease = new LeaseId(LeaseRevokeRequest.Parser.ParseFrom(command.Payload.Span).ID);
                return RequestPermissions.Lease(now, who, leases, lease);
            case CommandFields.AuthUserGet:
                string name = AuthUserGetRequest.Parser.ParseFrom(command.Payload.Span).Name;
                return name == who.Username ? null : now.CheckAdmin(who);
            case CommandFields.AuthRoleGet:
                string role = AuthRoleGetRequest.Parser.ParseFrom(command.Payload.Span).Role;
                return now.HasRole(who.Username, role) ? null : now.CheckAdmin(who);
            default:
                return IsForAdministrators(command.Field) ? now.CheckAdmin(who) : null;
        }
    }

    private static bool IsForAdministrators(int field) => field is CommandFields.AuthEnable or CommandFields.AuthDisable
        or CommandFields.AuthUserAdd or CommandFields.AuthUserDelete or CommandFields.AuthUserChangePassword
        or CommandFields.AuthUserGrantRole or CommandFields.AuthUserRevokeRole or CommandFields.AuthUserList
        or CommandFields.AuthRoleAdd or CommandFields.AuthRoleDelete or CommandFields.AuthRoleGrantPermission
        or CommandFields.AuthRoleRevokePermission or CommandFields.AuthRoleList;

    private AuthInfo WhoAsks(in CommandReader command)
    {
        ReadOnlySpan<byte> name = command.User.Span;
        if (!name.SequenceEqual(_lastName))
        {
            _lastName = name.ToArray();
            _lastUser = Encoding.UTF8.GetString(name);
        }

        return new AuthInfo(_lastUser, command.AuthRevision);
    }
}
