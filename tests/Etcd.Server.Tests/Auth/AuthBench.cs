using Etcd.Protocol.Authpb;
using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Apply;
using Etcd.Server.Auth;
using Etcd.Server.Tests.Apply;
using Google.Protobuf;

namespace Etcd.Server.Tests.Auth;

/// <summary>A member's state, and commands of users to it.</summary>
internal sealed class AuthBench
{
    /// <summary>bcrypt's hash of "pw", base64.</summary>
    public static string Hash { get; } = Convert.ToBase64String(PasswordHash.Make("pw", PasswordHash.CostMin));

    public StateBench State { get; } = new();

    public AuthSnapshot Auth => State.Machine.Auth.Current;

    /// <summary>Applies a command on behalf of a user who was known at the current auth revision.</summary>
    public ApplyOutcome As(string user, InternalRaftRequest command, ulong? revision = null)
    {
        command.Header = new RequestHeader { ID = 1, Username = user, AuthRevision = user.Length == 0 ? 0 : revision ?? Auth.Revision };
        return State.Apply(command)!;
    }

    /// <summary>Applies a command of nobody.</summary>
    public ApplyOutcome Nobody(InternalRaftRequest command) => As("", command);

    public void Ok(string user, params IEnumerable<InternalRaftRequest> commands)
    {
        foreach (InternalRaftRequest command in commands)
            Assert.Null(As(user, command).Error);
    }

    /// <summary>
    /// Root; alice, who may read "read", write "write", both with "both" and all below "app/"; bob, who may nothing. Authentication is on.
    /// </summary>
    public AuthBench WithUsers()
    {
        Ok(
            "",
            AddUser("root"), Grant("root", "root"), AddUser("alice"), AddUser("bob"), AddRole("app"), Permit("app", "read", Permission.Types.Type.Read),
            Permit("app", "write", Permission.Types.Type.Write), Permit("app", "both", Permission.Types.Type.Readwrite),
            Permit("app", "app/", Permission.Types.Type.Readwrite, "app0"), Grant("alice", "app"), Enable());
        return this;
    }

    public static InternalRaftRequest Enable() => new() { AuthEnable = new AuthEnableRequest() };

    public static InternalRaftRequest Disable() => new() { AuthDisable = new AuthDisableRequest() };

    public static InternalRaftRequest AddUser(string name, bool noPassword = false) => new()
    {
        AuthUserAdd = new AuthUserAddRequest { Name = name, HashedPassword = noPassword ? "" : Hash, Options = new UserAddOptions { NoPassword = noPassword } },
    };

    public static InternalRaftRequest AddRole(string name) => new() { AuthRoleAdd = new AuthRoleAddRequest { Name = name } };

    public static InternalRaftRequest Grant(string user, string role) =>
        new() { AuthUserGrantRole = new AuthUserGrantRoleRequest { User = user, Role = role } };

    public static InternalRaftRequest Permit(string role, string key, Permission.Types.Type kind, string end = "") => new()
    {
        AuthRoleGrantPermission = new AuthRoleGrantPermissionRequest
        {
            Name = role,
            Perm = new Permission { PermType = kind, Key = ByteString.CopyFromUtf8(key), RangeEnd = ByteString.CopyFromUtf8(end) },
        },
    };

    public static InternalRaftRequest Put(string key, long lease = 0, bool prevKv = false) => new()
    {
        Put = new PutRequest { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFromUtf8("v"), Lease = lease, PrevKv = prevKv },
    };

    public static InternalRaftRequest Delete(string key, string end = "", bool prevKv = false) => new()
    {
        DeleteRange = new DeleteRangeRequest { Key = ByteString.CopyFromUtf8(key), RangeEnd = ByteString.CopyFromUtf8(end), PrevKv = prevKv },
    };

    public static InternalRaftRequest Txn(params IEnumerable<RequestOp> success) => new() { Txn = new TxnRequest { Success = { success } } };

    public static RequestOp Range(string key, string end = "") =>
        new() { RequestRange = new RangeRequest { Key = ByteString.CopyFromUtf8(key), RangeEnd = ByteString.CopyFromUtf8(end) } };

    public static RequestOp Op(InternalRaftRequest command) => command switch
    {
        { Put: { } put } => new RequestOp { RequestPut = put },
        { DeleteRange: { } delete } => new RequestOp { RequestDeleteRange = delete },
        { Txn: { } txn } => new RequestOp { RequestTxn = txn },
        _ => throw new ArgumentException("not an operation", nameof(command)),
    };

    /// <summary>A transaction within several others.</summary>
    public static InternalRaftRequest Nested(int depth, RequestOp op, bool inFailure = false)
    {
        TxnRequest txn = inFailure ? new TxnRequest { Failure = { op } } : new TxnRequest { Success = { op } };
        for (int i = 0; i < depth; i++)
            txn = i % 2 == 0 ? new TxnRequest { Failure = { new RequestOp { RequestTxn = txn } } } : new TxnRequest { Success = { new RequestOp { RequestTxn = txn } } };

        return new InternalRaftRequest { Txn = txn };
    }

    public static EtcdError Denied => EtcdErrors.PermissionDenied;
}
