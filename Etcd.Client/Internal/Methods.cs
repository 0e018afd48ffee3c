using Etcd.Protocol.Etcdserverpb;
using Grpc.Core;

namespace Etcd.Client;

/// <summary>
/// etcd's methods, and which of them may be repeated. That follows clientv3 but for lease grants with an id of the caller's choice:
/// the repetition would find the lease that the first attempt has made.
/// </summary>
internal static class Methods
{
    public static readonly Rpc<RangeRequest, RangeAnswer> Range =
        new(Rpc.Create(MethodType.Unary, "KV", "Range", RangeRequest.Parser, RangeAnswer.Read), "range", Repeatable: true);

    public static readonly Rpc<PutRequest, PutResponse> Put =
        Rpc.Write("KV", "Put", "put", PutRequest.Parser, PutResponse.Parser);

    public static readonly Rpc<DeleteRangeRequest, DeleteRangeResponse> DeleteRange =
        Rpc.Write("KV", "DeleteRange", "delete_range", DeleteRangeRequest.Parser, DeleteRangeResponse.Parser);

    public static readonly Rpc<TxnRequest, TxnResponse> Txn =
        Rpc.Write("KV", "Txn", "txn", TxnRequest.Parser, TxnResponse.Parser);

    /// <summary>A transaction that only reads.</summary>
    public static readonly Rpc<TxnRequest, TxnResponse> ReadTxn = Txn with { Repeatable = true };

    public static readonly Rpc<CompactionRequest, CompactionResponse> Compact =
        Rpc.Write("KV", "Compact", "compact", CompactionRequest.Parser, CompactionResponse.Parser);

    public static readonly Method<RangeRequest, RangeAnswer> RangeStream =
        Rpc.Create(MethodType.ServerStreaming, "KV", "RangeStream", RangeRequest.Parser, RangeAnswer.ReadStreamed);

    public static readonly Method<WatchRequest, WatchNews> Watch =
        Rpc.Create(MethodType.DuplexStreaming, "Watch", "Watch", WatchRequest.Parser, WatchNews.Read);

    public static readonly Rpc<LeaseGrantRequest, LeaseGrantResponse> LeaseGrantWithId =
        Rpc.Write("Lease", "LeaseGrant", "lease_grant", LeaseGrantRequest.Parser, LeaseGrantResponse.Parser);

    /// <summary>Repeated, it may leave a lease behind that nobody knows and that ends by itself.</summary>
    public static readonly Rpc<LeaseGrantRequest, LeaseGrantResponse> LeaseGrant = LeaseGrantWithId with { Repeatable = true };

    public static readonly Rpc<LeaseRevokeRequest, LeaseRevokeResponse> LeaseRevoke =
        Rpc.Read("Lease", "LeaseRevoke", "lease_revoke", LeaseRevokeRequest.Parser, LeaseRevokeResponse.Parser);

    public static readonly Rpc<LeaseTimeToLiveRequest, LeaseTimeToLiveResponse> LeaseTimeToLive =
        Rpc.Read("Lease", "LeaseTimeToLive", "lease_time_to_live", LeaseTimeToLiveRequest.Parser, LeaseTimeToLiveResponse.Parser);

    public static readonly Rpc<LeaseLeasesRequest, LeaseLeasesResponse> LeaseLeases =
        Rpc.Read("Lease", "LeaseLeases", "lease_leases", LeaseLeasesRequest.Parser, LeaseLeasesResponse.Parser);

    public static readonly Method<LeaseKeepAliveRequest, LeaseKeepAliveResponse> LeaseKeepAlive =
        Rpc.Create(MethodType.DuplexStreaming, "Lease", "LeaseKeepAlive", LeaseKeepAliveRequest.Parser, LeaseKeepAliveResponse.Parser);

    public static readonly Rpc<MemberListRequest, MemberListResponse> MemberList =
        Rpc.Read("Cluster", "MemberList", "member_list", MemberListRequest.Parser, MemberListResponse.Parser);

    public static readonly Rpc<MemberAddRequest, MemberAddResponse> MemberAdd =
        Rpc.Write("Cluster", "MemberAdd", "member_add", MemberAddRequest.Parser, MemberAddResponse.Parser);

    public static readonly Rpc<MemberRemoveRequest, MemberRemoveResponse> MemberRemove =
        Rpc.Write("Cluster", "MemberRemove", "member_remove", MemberRemoveRequest.Parser, MemberRemoveResponse.Parser);

    public static readonly Rpc<MemberUpdateRequest, MemberUpdateResponse> MemberUpdate =
        Rpc.Write("Cluster", "MemberUpdate", "member_update", MemberUpdateRequest.Parser, MemberUpdateResponse.Parser);

    public static readonly Rpc<MemberPromoteRequest, MemberPromoteResponse> MemberPromote =
        Rpc.Write("Cluster", "MemberPromote", "member_promote", MemberPromoteRequest.Parser, MemberPromoteResponse.Parser);

    public static readonly Rpc<StatusRequest, StatusResponse> Status =
        Rpc.Read("Maintenance", "Status", "status", StatusRequest.Parser, StatusResponse.Parser);

    public static readonly Rpc<AuthenticateRequest, AuthenticateResponse> Authenticate =
        Rpc.Read("Auth", "Authenticate", "authenticate", AuthenticateRequest.Parser, AuthenticateResponse.Parser);

    public static readonly Rpc<DefragmentRequest, DefragmentResponse> Defragment =
        Rpc.Write("Maintenance", "Defragment", "defragment", DefragmentRequest.Parser, DefragmentResponse.Parser);

    public static readonly Rpc<HashRequest, HashResponse> Hash =
        Rpc.Read("Maintenance", "Hash", "hash", HashRequest.Parser, HashResponse.Parser);

    public static readonly Rpc<HashKVRequest, HashKVResponse> HashKv =
        Rpc.Read("Maintenance", "HashKV", "hash_kv", HashKVRequest.Parser, HashKVResponse.Parser);

    public static readonly Rpc<AlarmRequest, AlarmResponse> Alarm =
        Rpc.Write("Maintenance", "Alarm", "alarm", AlarmRequest.Parser, AlarmResponse.Parser);

    /// <summary>An alarm request that only lists.</summary>
    public static readonly Rpc<AlarmRequest, AlarmResponse> AlarmList = Alarm with { Repeatable = true };

    public static readonly Method<SnapshotRequest, SnapshotResponse> Snapshot =
        Rpc.Create(MethodType.ServerStreaming, "Maintenance", "Snapshot", SnapshotRequest.Parser, SnapshotResponse.Parser);

    public static readonly Rpc<MoveLeaderRequest, MoveLeaderResponse> MoveLeader =
        Rpc.Write("Maintenance", "MoveLeader", "move_leader", MoveLeaderRequest.Parser, MoveLeaderResponse.Parser);

    public static readonly Rpc<DowngradeRequest, DowngradeResponse> Downgrade =
        Rpc.Write("Maintenance", "Downgrade", "downgrade", DowngradeRequest.Parser, DowngradeResponse.Parser);

    public static readonly Rpc<AuthEnableRequest, AuthEnableResponse> AuthEnable =
        Rpc.Write("Auth", "AuthEnable", "auth_enable", AuthEnableRequest.Parser, AuthEnableResponse.Parser);

    public static readonly Rpc<AuthDisableRequest, AuthDisableResponse> AuthDisable =
        Rpc.Write("Auth", "AuthDisable", "auth_disable", AuthDisableRequest.Parser, AuthDisableResponse.Parser);

    public static readonly Rpc<AuthStatusRequest, AuthStatusResponse> AuthStatus =
        Rpc.Read("Auth", "AuthStatus", "auth_status", AuthStatusRequest.Parser, AuthStatusResponse.Parser);

    public static readonly Rpc<AuthUserAddRequest, AuthUserAddResponse> UserAdd =
        Rpc.Write("Auth", "UserAdd", "user_add", AuthUserAddRequest.Parser, AuthUserAddResponse.Parser);

    public static readonly Rpc<AuthUserGetRequest, AuthUserGetResponse> UserGet =
        Rpc.Read("Auth", "UserGet", "user_get", AuthUserGetRequest.Parser, AuthUserGetResponse.Parser);

    public static readonly Rpc<AuthUserListRequest, AuthUserListResponse> UserList =
        Rpc.Read("Auth", "UserList", "user_list", AuthUserListRequest.Parser, AuthUserListResponse.Parser);

    public static readonly Rpc<AuthUserDeleteRequest, AuthUserDeleteResponse> UserDelete =
        Rpc.Write("Auth", "UserDelete", "user_delete", AuthUserDeleteRequest.Parser, AuthUserDeleteResponse.Parser);

    public static readonly Rpc<AuthUserChangePasswordRequest, AuthUserChangePasswordResponse> UserChangePassword =
        Rpc.Write("Auth", "UserChangePassword", "user_change_password", AuthUserChangePasswordRequest.Parser, AuthUserChangePasswordResponse.Parser);

    public static readonly Rpc<AuthUserGrantRoleRequest, AuthUserGrantRoleResponse> UserGrantRole =
        Rpc.Write("Auth", "UserGrantRole", "user_grant_role", AuthUserGrantRoleRequest.Parser, AuthUserGrantRoleResponse.Parser);

    public static readonly Rpc<AuthUserRevokeRoleRequest, AuthUserRevokeRoleResponse> UserRevokeRole =
        Rpc.Write("Auth", "UserRevokeRole", "user_revoke_role", AuthUserRevokeRoleRequest.Parser, AuthUserRevokeRoleResponse.Parser);

    public static readonly Rpc<AuthRoleAddRequest, AuthRoleAddResponse> RoleAdd =
        Rpc.Write("Auth", "RoleAdd", "role_add", AuthRoleAddRequest.Parser, AuthRoleAddResponse.Parser);

    public static readonly Rpc<AuthRoleGetRequest, AuthRoleGetResponse> RoleGet =
        Rpc.Read("Auth", "RoleGet", "role_get", AuthRoleGetRequest.Parser, AuthRoleGetResponse.Parser);

    public static readonly Rpc<AuthRoleListRequest, AuthRoleListResponse> RoleList =
        Rpc.Read("Auth", "RoleList", "role_list", AuthRoleListRequest.Parser, AuthRoleListResponse.Parser);

    public static readonly Rpc<AuthRoleDeleteRequest, AuthRoleDeleteResponse> RoleDelete =
        Rpc.Write("Auth", "RoleDelete", "role_delete", AuthRoleDeleteRequest.Parser, AuthRoleDeleteResponse.Parser);

    public static readonly Rpc<AuthRoleGrantPermissionRequest, AuthRoleGrantPermissionResponse> RoleGrantPermission =
        Rpc.Write("Auth", "RoleGrantPermission", "role_grant_permission", AuthRoleGrantPermissionRequest.Parser, AuthRoleGrantPermissionResponse.Parser);

    public static readonly Rpc<AuthRoleRevokePermissionRequest, AuthRoleRevokePermissionResponse> RoleRevokePermission =
        Rpc.Write("Auth", "RoleRevokePermission", "role_revoke_permission", AuthRoleRevokePermissionRequest.Parser, AuthRoleRevokePermissionResponse.Parser);
}
