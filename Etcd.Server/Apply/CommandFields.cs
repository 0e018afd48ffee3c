namespace Etcd.Server.Apply;

/// <summary>
/// The field numbers of the commands in etcdserverpb.InternalRaftRequest; a test compares them with the descriptor.
/// </summary>
internal static class CommandFields
{
    public const int Put = 4;
    public const int DeleteRange = 5;
    public const int Txn = 6;
    public const int Compaction = 7;
    public const int LeaseGrant = 8;
    public const int LeaseRevoke = 9;
    public const int Alarm = 10;
    public const int LeaseCheckpoint = 11;
    public const int AuthEnable = 1000;
    public const int AuthDisable = 1011;
    public const int Authenticate = 1012;
    public const int AuthStatus = 1013;
    public const int AuthUserAdd = 1100;
    public const int AuthUserDelete = 1101;
    public const int AuthUserGet = 1102;
    public const int AuthUserChangePassword = 1103;
    public const int AuthUserGrantRole = 1104;
    public const int AuthUserRevokeRole = 1105;
    public const int AuthUserList = 1106;
    public const int AuthRoleList = 1107;
    public const int AuthRoleAdd = 1200;
    public const int AuthRoleDelete = 1201;
    public const int AuthRoleGet = 1202;
    public const int AuthRoleGrantPermission = 1203;
    public const int AuthRoleRevokePermission = 1204;
    public const int ClusterVersionSet = 1300;
    public const int ClusterMemberAttrSet = 1301;
    public const int DowngradeInfoSet = 1302;

    /// <summary>Whether a command changes users, roles or the switch.</summary>
    public static bool ChangesUsers(int field) => field is AuthEnable or AuthDisable or AuthUserAdd or AuthUserDelete or AuthUserChangePassword
        or AuthUserGrantRole or AuthUserRevokeRole or AuthRoleAdd or AuthRoleDelete or AuthRoleGrantPermission or AuthRoleRevokePermission;
}
