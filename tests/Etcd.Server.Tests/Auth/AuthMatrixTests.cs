using Etcd.Protocol.Authpb;
using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.V3Electionpb;
using Etcd.Protocol.V3Lockpb;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Metadata = Grpc.Core.Metadata;
using static Etcd.Server.Tests.Auth.AuthHost;

namespace Etcd.Server.Tests.Auth;

/// <summary>
/// GHSA-q8m4-xhhv-38mg (CVE-2026-33413): MemberList, Alarm and the calls of leases were answered to anybody.
/// Goal: every call of the API, by nobody, by somebody with a wrong token, by a user without rights and by root, ends as in etcd 3.7.1.
/// Method: the calls are taken from the .proto files, so that one that is added is missed here; all go the same way, as bytes.
/// </summary>
public sealed class AuthMatrixTests
{
    private const long LeaseOfSecret = 77;

    private static readonly ByteString Secret = ByteString.CopyFromUtf8("secret");

    /// <summary>A call: what nobody hears, and what bob hears, who may nothing; null where it is answered.</summary>
    private sealed record Row(string Method, IMessage Request, EtcdError? Nobody, EtcdError? Bob, bool IsUnknown = false);

    private static EtcdError Empty => EtcdErrors.UserEmpty;

    private static EtcdError Denied => EtcdErrors.PermissionDenied;

    // In an order in which root can ask all of it: what takes something away comes last.
    private static IReadOnlyList<Row> Rows { get; } =
    [
        new("etcdserverpb.KV/Range", Get("secret"), Empty, Denied),
        new("etcdserverpb.KV/Range", new RangeRequest { Key = Secret, Serializable = true }, Empty, Denied),
        new("etcdserverpb.KV/RangeStream", Get("secret"), Empty, Denied),
        new("etcdserverpb.KV/RangeStream", new RangeRequest { Key = Secret, CountOnly = true }, Empty, Denied),
        new("etcdserverpb.KV/Put", Put("secret", lease: LeaseOfSecret), Empty, Denied),
        new("etcdserverpb.KV/DeleteRange", new DeleteRangeRequest { Key = ByteString.CopyFromUtf8("other") }, Empty, Denied),
        new("etcdserverpb.KV/Txn", new TxnRequest { Success = { new RequestOp { RequestRange = Get("secret") } } }, Empty, Denied),
        new("etcdserverpb.KV/Txn", new TxnRequest { Success = { new RequestOp { RequestPut = Put("x") } } }, Empty, Denied),
        new("etcdserverpb.KV/Compact", new CompactionRequest { Revision = 2 }, Empty, Denied),
        new("etcdserverpb.Watch/Watch", new WatchRequest { CreateRequest = new WatchCreateRequest { Key = Secret } }, Empty, Denied),
        new("etcdserverpb.Lease/LeaseGrant", new LeaseGrantRequest { TTL = 100 }, Empty, null),
        new("etcdserverpb.Lease/LeaseKeepAlive", new LeaseKeepAliveRequest { ID = LeaseOfSecret }, Empty, Denied),
        new("etcdserverpb.Lease/LeaseKeepAlive", new LeaseKeepAliveRequest { ID = 12345 }, Empty, null),
        new("etcdserverpb.Lease/LeaseTimeToLive", new LeaseTimeToLiveRequest { ID = LeaseOfSecret }, Empty, null),
        new("etcdserverpb.Lease/LeaseTimeToLive", new LeaseTimeToLiveRequest { ID = LeaseOfSecret, Keys = true }, Empty, Denied),
        new("etcdserverpb.Lease/LeaseLeases", new LeaseLeasesRequest(), Empty, Denied),
        new("etcdserverpb.Cluster/MemberAdd", new MemberAddRequest { PeerURLs = { "nonsense" } }, EtcdErrors.MemberBadUrls, EtcdErrors.MemberBadUrls),
        new("etcdserverpb.Cluster/MemberRemove", new MemberRemoveRequest { ID = 5 }, Empty, Denied),
        new("etcdserverpb.Cluster/MemberUpdate", new MemberUpdateRequest { ID = 5, PeerURLs = { "http://127.0.0.1:1" } }, Empty, Denied),
        new("etcdserverpb.Cluster/MemberPromote", new MemberPromoteRequest { ID = 5 }, Empty, Denied),
        new("etcdserverpb.Cluster/MemberList", new MemberListRequest(), Empty, null),
        new("etcdserverpb.Cluster/MemberList", new MemberListRequest { Linearizable = true }, Empty, null),
        new("etcdserverpb.Maintenance/Alarm", new AlarmRequest(), Empty, null),
        new("etcdserverpb.Maintenance/Alarm", new AlarmRequest { Action = AlarmRequest.Types.AlarmAction.Activate, Alarm = (AlarmType)9 }, Empty, Denied),
        new("etcdserverpb.Maintenance/Alarm", new AlarmRequest { Action = AlarmRequest.Types.AlarmAction.Deactivate, Alarm = (AlarmType)9 }, Empty, Denied),
        new("etcdserverpb.Maintenance/Status", new StatusRequest(), Empty, null),
        new("etcdserverpb.Maintenance/Defragment", new DefragmentRequest(), Empty, Denied),
        new("etcdserverpb.Maintenance/Hash", new HashRequest(), Empty, Denied),
        new("etcdserverpb.Maintenance/HashKV", new HashKVRequest(), Empty, Denied),
        new("etcdserverpb.Maintenance/Snapshot", new SnapshotRequest(), Empty, Denied),
        new("etcdserverpb.Maintenance/Downgrade", new DowngradeRequest { Version = "3.6.0" }, Empty, Denied),
        new("etcdserverpb.Maintenance/MoveLeader", new MoveLeaderRequest { TargetID = 5 }, Empty, Denied),
        new("v3lockpb.Lock/Lock", new LockRequest { Name = Secret }, Empty, Denied, IsUnknown: true),
        new("v3lockpb.Lock/Lock", new LockRequest { Name = Secret, Lease = LeaseOfSecret }, Empty, Denied, IsUnknown: true),
        new("v3lockpb.Lock/Unlock", new UnlockRequest { Key = ByteString.CopyFromUtf8("other") }, Empty, Denied, IsUnknown: true),
        new("v3electionpb.Election/Campaign", new CampaignRequest { Name = Secret, Value = Secret }, Empty, Denied, IsUnknown: true),
        new("v3electionpb.Election/Proclaim", new ProclaimRequest { Leader = new LeaderKey { Key = Secret, Lease = LeaseOfSecret } }, Empty, Denied, IsUnknown: true),
        new("v3electionpb.Election/Leader", new LeaderRequest { Name = Secret }, Empty, Denied, IsUnknown: true),
        new("v3electionpb.Election/Observe", new LeaderRequest { Name = Secret }, Empty, Denied, IsUnknown: true),
        new("v3electionpb.Election/Resign", new ResignRequest { Leader = new LeaderKey { Key = Secret, Rev = 1 } }, Empty, Denied, IsUnknown: true),
        new("etcdserverpb.Auth/AuthStatus", new AuthStatusRequest(), null, null),
        new("etcdserverpb.Auth/Authenticate", new AuthenticateRequest { Name = "bob", Password = "wrong" }, EtcdErrors.AuthFailed, EtcdErrors.AuthFailed),
        new("etcdserverpb.Auth/AuthEnable", new AuthEnableRequest(), Empty, Denied),
        new("etcdserverpb.Auth/UserAdd", new AuthUserAddRequest { Name = "new", Password = "x" }, Empty, Denied),
        new("etcdserverpb.Auth/UserGet", new AuthUserGetRequest { Name = "alice" }, Empty, Denied),
        new("etcdserverpb.Auth/UserGet", new AuthUserGetRequest { Name = "bob" }, Empty, null),
        new("etcdserverpb.Auth/UserList", new AuthUserListRequest(), Empty, Denied),
        new("etcdserverpb.Auth/UserGrantRole", new AuthUserGrantRoleRequest { User = "new", Role = "app" }, Empty, Denied),
        new("etcdserverpb.Auth/UserRevokeRole", new AuthUserRevokeRoleRequest { Name = "new", Role = "app" }, Empty, Denied),
        new("etcdserverpb.Auth/RoleAdd", new AuthRoleAddRequest { Name = "new" }, Empty, Denied),
        new("etcdserverpb.Auth/RoleGet", new AuthRoleGetRequest { Role = "app" }, Empty, Denied),
        new("etcdserverpb.Auth/RoleList", new AuthRoleListRequest(), Empty, Denied),
        new("etcdserverpb.Auth/RoleGrantPermission", new AuthRoleGrantPermissionRequest { Name = "new", Perm = new Permission { Key = Secret } }, Empty, Denied),
        new("etcdserverpb.Auth/RoleRevokePermission", new AuthRoleRevokePermissionRequest { Role = "new", Key = Secret }, Empty, Denied),
        new("etcdserverpb.Auth/RoleDelete", new AuthRoleDeleteRequest { Role = "new" }, Empty, Denied),
        new("etcdserverpb.Auth/UserChangePassword", new AuthUserChangePasswordRequest { Name = "new", Password = "y" }, Empty, Denied),
        new("etcdserverpb.Auth/UserDelete", new AuthUserDeleteRequest { Name = "new" }, Empty, Denied),
        new("etcdserverpb.Lease/LeaseRevoke", new LeaseRevokeRequest { ID = LeaseOfSecret }, Empty, Denied),
        new("etcdserverpb.Auth/AuthDisable", new AuthDisableRequest(), Empty, Denied),
    ];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void Every_call_is_in_the_matrix()
    {
        FileDescriptor[] files = [RpcReflection.Descriptor, V3LockReflection.Descriptor, V3ElectionReflection.Descriptor];
        IEnumerable<string> all = files.SelectMany(f => f.Services).SelectMany(s => s.Methods).Select(m => $"/{m.Service.FullName}/{m.Name}");
        Assert.Equal(all.Order(StringComparer.Ordinal), Rows.Select(r => "/" + r.Method).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Nobody_and_those_without_rights_are_refused_and_root_is_not()
    {
        await using AuthHost host = await AuthHost.StartAsync();
        Metadata root = await host.SignInAsync("root");
        Metadata bob = await host.SignInAsync("bob");
        await host.Leases.LeaseGrantAsync(new LeaseGrantRequest { ID = LeaseOfSecret, TTL = 1000 }, root, cancellationToken: Cancel);
        await host.Kv.PutAsync(Put("secret", lease: LeaseOfSecret), root, cancellationToken: Cancel);
        var wrong = new List<string>();
        foreach (Row row in Rows)
        {
            Check(row, "nobody", row.Nobody, await CallAsync(host, row, []));
            if (row.Method is not ("etcdserverpb.Auth/Authenticate" or "etcdserverpb.Cluster/MemberAdd"))
            {
                // A wrong token is refused whatever is asked.
                Check(row, "a stranger", EtcdErrors.InvalidAuthToken, await CallAsync(host, row, [new("token", "stranger.1")]));
            }

            Check(row, "bob", row.Bob, await CallAsync(host, row, bob));
        }

        foreach (Row row in Rows)
        {
            string? answer = await CallAsync(host, row, row.Method == "etcdserverpb.Auth/AuthDisable" ? root : await AgainAsync(host));
            EtcdError[] refusals = [Empty, Denied, EtcdErrors.InvalidAuthToken, EtcdErrors.AuthOldRevision, EtcdErrors.UserNotFound];
            if (answer is not null && refusals.Any(r => answer.Contains(r.Text, StringComparison.Ordinal)))
            {
                wrong.Add($"{row.Method} {row.Request} by root: {answer}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));

        void Check(Row row, string who, EtcdError? expected, string? answer)
        {
            string? text = expected is null ? null : row.Method.Contains("Watch", StringComparison.Ordinal) ? expected.StatusText
                : $"{(row.IsUnknown ? StatusCode.Unknown : expected.WireCode)}: {expected.Text}";
            if (answer != text)
            {
                wrong.Add($"{row.Method} {row.Request} by {who}: expected {text ?? "an answer"}, was {answer ?? "an answer"}");
            }
        }
    }

    private static Task<Metadata> AgainAsync(AuthHost host) => host.SignInAsync("root");

    /// <summary>Sends one request and waits for the first response; null if there is one, else the error.</summary>
    private static async Task<string?> CallAsync(AuthHost host, Row row, Metadata headers)
    {
        string[] names = row.Method.Split('/');
        var bytes = new Marshaller<byte[]>(static b => b, static b => b);
        var method = new Method<byte[], byte[]>(MethodType.DuplexStreaming, names[0], names[1], bytes, bytes);
        using AsyncDuplexStreamingCall<byte[], byte[]> call = host.Invoker.AsyncDuplexStreamingCall(
            method, null, new CallOptions(headers, DateTime.UtcNow.AddSeconds(30), Cancel));
        try
        {
            await call.RequestStream.WriteAsync(row.Request.ToByteArray(), Cancel);
            await call.RequestStream.CompleteAsync();
            Assert.True(await call.ResponseStream.MoveNext(Cancel), "there is a response or an error");
            if (row.Method == "etcdserverpb.Watch/Watch")
            {
                WatchResponse created = WatchResponse.Parser.ParseFrom(call.ResponseStream.Current);
                return created.Canceled ? created.CancelReason : null;
            }

            return null;
        }
        catch (RpcException e)
        {
            return $"{e.StatusCode}: {e.Status.Detail}";
        }
    }
}
