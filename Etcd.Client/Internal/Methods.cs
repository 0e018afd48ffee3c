using Etcd.Protocol.Etcdserverpb;
using Grpc.Core;

namespace Etcd.Client;

/// <summary>
/// etcd's methods, and which of them may be repeated. That follows clientv3 but for lease grants with an id of the caller's choice:
/// the repetition would find the lease that the first attempt has made.
/// </summary>
internal static class Methods
{
    public static readonly Rpc<RangeRequest, RangeResponse> Range =
        Rpc.Read("KV", "Range", "range", RangeRequest.Parser, RangeResponse.Parser);

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

    public static readonly Method<RangeRequest, RangeStreamResponse> RangeStream =
        Rpc.Create(MethodType.ServerStreaming, "KV", "RangeStream", RangeRequest.Parser, RangeStreamResponse.Parser);

    public static readonly Method<WatchRequest, WatchResponse> Watch =
        Rpc.Create(MethodType.DuplexStreaming, "Watch", "Watch", WatchRequest.Parser, WatchResponse.Parser);

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
}
