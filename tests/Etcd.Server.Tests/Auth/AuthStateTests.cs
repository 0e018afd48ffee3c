using Etcd.Protocol.Authpb;
using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Auth;
using Etcd.Server.Bolt;
using Etcd.Server.Tests.Apply;
using Google.Protobuf;
using static Etcd.Server.Tests.Auth.AuthBench;

namespace Etcd.Server.Tests.Auth;

/// <summary>
/// Goal: users and roles are replicated state: the same on all members, in snapshots, with etcd's errors, revision and bytes. Method: the
/// state machine alone.
/// </summary>
public sealed class AuthStateTests
{
    [Fact]
    public void Errors_come_in_etcds_order()
    {
        var bench = new AuthBench();
        Refused(EtcdErrors.RootUserNotExist, Enable());
        Refused(EtcdErrors.UserEmpty, AddUser(""));
        bench.Ok("", AddUser("root"));
        Refused(EtcdErrors.UserAlreadyExists, AddUser("root"));
        Refused(EtcdErrors.RootRoleNotExist, Enable());
        Refused(EtcdErrors.RoleNotFound, Grant("root", "app"));
        Refused(EtcdErrors.UserNotFound, Grant("ghost", "app"));
        Refused(EtcdErrors.RoleEmpty, AddRole(""));
        bench.Ok("", AddRole("app"));
        Refused(EtcdErrors.RoleAlreadyExists, AddRole("app"));
        Refused(EtcdErrors.PermissionNotGiven, new InternalRaftRequest { AuthRoleGrantPermission = new AuthRoleGrantPermissionRequest { Name = "ghost" } });
        Refused(EtcdErrors.InvalidAuthManagement, Permit("ghost", "", Permission.Types.Type.Read));
        Refused(EtcdErrors.InvalidAuthManagement, Permit("ghost", "b", Permission.Types.Type.Read, "a"));
        Refused(EtcdErrors.InvalidAuthManagement, Permit("ghost", "b", Permission.Types.Type.Read, "b"));
        Refused(EtcdErrors.RoleNotFound, Permit("ghost", "b", Permission.Types.Type.Read));
        Refused(EtcdErrors.RoleNotFound, Revoke("ghost", "b"));
        Refused(EtcdErrors.PermissionNotGranted, Revoke("app", "b"));
        Refused(EtcdErrors.UserNotFound, RevokeRole("ghost", "app"));
        Refused(EtcdErrors.RoleNotGranted, RevokeRole("root", "app"));
        Refused(EtcdErrors.UserNotFound, new InternalRaftRequest { AuthUserDelete = new AuthUserDeleteRequest { Name = "ghost" } });
        Refused(EtcdErrors.RoleNotFound, new InternalRaftRequest { AuthRoleDelete = new AuthRoleDeleteRequest { Role = "ghost" } });
        Refused(EtcdErrors.UserNotFound, Password("ghost", AuthBench.Hash));
        Refused(EtcdErrors.NoPasswordUser, Password("root", "not base64"));
        Refused(EtcdErrors.NoPasswordUser, new InternalRaftRequest { AuthUserAdd = new AuthUserAddRequest { Name = "x", HashedPassword = "!" } });
        Refused(EtcdErrors.AuthNotEnabled, SignIn("root"));
        bench.Ok("", Grant("root", "root"), Enable(), AuthStatus());
        bench.Ok("root", AddRole("root"), AddUser("certified", noPassword: true));
        RefusedToRoot(EtcdErrors.InvalidAuthManagement, new InternalRaftRequest { AuthUserDelete = new AuthUserDeleteRequest { Name = "root" } });
        RefusedToRoot(EtcdErrors.InvalidAuthManagement, RevokeRole("root", "root"));
        RefusedToRoot(EtcdErrors.InvalidAuthManagement, new InternalRaftRequest { AuthRoleDelete = new AuthRoleDeleteRequest { Role = "root" } });
        Refused(EtcdErrors.AuthFailed, SignIn("ghost"));
        Refused(EtcdErrors.AuthFailed, SignIn("certified"));
        Assert.Null(bench.Nobody(SignIn("root")).Error);
        bench.Ok("root", Disable());
        bench.Ok("", new InternalRaftRequest { AuthUserDelete = new AuthUserDeleteRequest { Name = "root" } });

        void Refused(EtcdError error, InternalRaftRequest command)
        {
            ulong revision = bench.Auth.Revision;
            Assert.Equal(error, bench.Nobody(command).Error);
            Assert.Equal(revision, bench.Auth.Revision);
        }

        void RefusedToRoot(EtcdError error, InternalRaftRequest command) => Assert.Equal(error, bench.As("root", command).Error);
    }

    [Fact]
    public void The_revision_counts_what_etcd_counts()
    {
        var bench = new AuthBench();
        Assert.Equal(1u, bench.Auth.Revision);
        bench.Ok("", AddUser("root"), AddRole("app"), Grant("root", "root"));
        Assert.Equal(4u, bench.Auth.Revision);
        bench.Ok("", Grant("root", "root"));
        Assert.Equal(4u, bench.Auth.Revision);
        bench.Ok("", Enable());
        Assert.Equal(4u, bench.Auth.Revision);
        bench.Ok("root", Enable());
        Assert.Equal(4u, bench.Auth.Revision);
        bench.Ok("root", Permit("app", "k", Permission.Types.Type.Read), Permit("app", "k", Permission.Types.Type.Read));
        Assert.Equal(6u, bench.Auth.Revision);
        bench.Ok("root", Disable());
        Assert.Equal(7u, bench.Auth.Revision);
        bench.Ok("", Disable());
        Assert.Equal(7u, bench.Auth.Revision);
    }

    [Fact]
    public void The_records_are_etcds_bytes()
    {
        AuthBench bench = new AuthBench().WithUsers();
        bench.Ok("root", AddUser("certified", noPassword: true));
        Dictionary<string, byte[]> found = Records(bench.State);
        Assert.Equal([1], found["auth/authEnabled"]);
        Assert.Equal([0, 0, 0, 0, 0, 0, 0, 12], found["auth/authRevision"]);
        User alice = User.Parser.ParseFrom(found["authUsers/alice"]);
        Assert.Equal(("alice", "app"), (alice.Name.ToStringUtf8(), Assert.Single(alice.Roles)));
        Assert.Equal(AuthBench.Hash, Convert.ToBase64String(alice.Password.Span));
        Assert.NotNull(alice.Options);
        // name = "certified", no password, options { no_password: true }
        Assert.Equal("0A09" + Convert.ToHexString("certified"u8) + "22020801", Convert.ToHexString(found["authUsers/certified"]));
        Role app = Role.Parser.ParseFrom(found["authRoles/app"]);
        Assert.Equal(["app/", "both", "read", "write"], app.KeyPermission.Select(p => p.Key.ToStringUtf8()));
    }

    [Fact]
    public void It_is_in_snapshots_and_goes_on_from_there()
    {
        AuthBench bench = new AuthBench().WithUsers();
        var other = new AuthBench();
        other.Ok("", AddUser("old"));
        other.State.Install(bench.State.Export());
        Assert.Equal(bench.Auth.Revision, other.Auth.Revision);
        Assert.Equal(["alice", "bob", "root"], other.Auth.Users.Keys);
        Assert.Null(other.As("alice", Put("both")).Error);
        Assert.Equal(Denied, other.As("alice", Put("secret")).Error);
        Assert.Null(bench.As("alice", Put("both")).Error);
        Assert.Equal(Denied, bench.As("alice", Put("secret")).Error);
        StateBench.AssertSame(bench.State, other.State);
        Assert.Null(other.As("root", Disable()).Error);
        Assert.Equal([0], Records(other.State)["auth/authEnabled"]);
    }

    /// <summary>etcd's issues 14571 and 11651: members that turned authentication on at other revisions went apart for good.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void The_same_log_gives_the_same_state_on_every_member_also_from_a_snapshot_on(int seed)
    {
        var random = new Random(seed);
        AuthBench[] members = [new(), new(), new()];
        int installAt = random.Next(50, 250);
        int refused = 0;
        for (int i = 0; i < 300; i++)
        {
            string user = random.Next(6) switch { 0 => "", 1 => "bob", 2 => "alice", 3 => "u1", _ => "root" };
            ulong revision = members[0].Auth.Revision - (ulong)(random.Next(5) == 0 ? 1 : 0);
            InternalRaftRequest command = RandomCommand(random);
            EtcdError? expected = members[0].As(user, command.Clone(), revision).Error;
            refused += expected is null ? 0 : 1;
            if (i == installAt)
            {
                members[1].State.Install(members[0].State.Export());
            }
            else
            {
                Assert.Equal(expected, members[1].As(user, command.Clone(), revision).Error);
            }

            Assert.Equal(expected, members[2].As(user, command.Clone(), revision).Error);
        }

        Assert.InRange(refused, 30, 290);
        StateBench.AssertSame(members[0].State, members[2].State);
        StateBench.AssertSame(members[0].State, members[1].State);
    }

    /// <summary>etcd's issues 13505, 13514, 13922: entries that change no key, or are refused, must move the index all the same.</summary>
    [Fact]
    public void Every_command_moves_the_index()
    {
        AuthBench bench = new AuthBench().WithUsers();
        ulong before = Index(bench.State);
        bench.As("bob", Put("secret"));
        bench.As("root", AddUser("alice"));
        bench.Nobody(AddUser("x"));
        Assert.Equal(before + 3, Index(bench.State));

        static ulong Index(StateBench state) => System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(Records(state)["meta/consistent_index"]);
    }

    /// <summary>Who is given a right must not read by it what was there before the entry that gives it.</summary>
    [Fact]
    public void New_rights_are_never_seen_with_old_keys()
    {
        AuthBench bench = new AuthBench().WithUsers();
        long before = bench.State.Store.CurrentRevision;
        Apply(Put("secret"), 1001);
        Assert.Equal(before, bench.State.Store.CurrentRevision);
        Apply(Grant("bob", "app"), 1002);
        Assert.Equal(before + 1, bench.State.Store.CurrentRevision);
        Assert.True(bench.Auth.HasRole("bob", "app"));

        void Apply(InternalRaftRequest command, ulong index)
        {
            command.Header = new RequestHeader { ID = index, Username = "root", AuthRevision = bench.Auth.Revision };
            var entry = new Raft.Entry(new Primitives.Term(3), new Primitives.LogIndex(index), Raft.EntryType.Normal, command.ToByteArray());
            Assert.Null(bench.State.Machine.Apply(entry, out _)!.Error);
        }
    }

    [Fact]
    public void A_second_range_from_the_same_key_is_kept_as_etcd_keeps_it()
    {
        AuthRole role = new AuthRole("r", [])
            .With(Of("b", "c")).With(Of("b", "d")).With(Of("a", "")).With(Of("b", "d"));
        Assert.Equal(["a-", "b-c", "b-d", "b-d"], role.Permissions.Select(Text));
        Assert.Equal(["a-", "b-c"], role.Without("b"u8.ToArray(), "d"u8.ToArray()).Permissions.Select(Text));

        static KeyPermission Of(string key, string end) => new(PermissionKind.Read, System.Text.Encoding.ASCII.GetBytes(key), System.Text.Encoding.ASCII.GetBytes(end));
        static string Text(KeyPermission p) => $"{System.Text.Encoding.ASCII.GetString(p.Key)}-{System.Text.Encoding.ASCII.GetString(p.RangeEnd)}";
    }

    [Fact]
    public void The_root_role_is_told_as_all_keys_whatever_it_was_granted()
    {
        var bench = new AuthBench();
        bench.Ok("", AddRole("root"), Permit("root", "k", Permission.Types.Type.Read));
        var answer = AuthRoleGetResponse.Parser.ParseFrom(
            bench.Nobody(new InternalRaftRequest { AuthRoleGet = new AuthRoleGetRequest { Role = "root" } }).Body.Span);
        Permission all = Assert.Single(answer.Perm);
        Assert.Equal((Permission.Types.Type.Readwrite, 0, "\0"), (all.PermType, all.Key.Length, all.RangeEnd.ToStringUtf8()));
    }

    /// <summary>One of each command for root, which the members with users carry out.</summary>
    internal static IEnumerable<InternalRaftRequest> Administration() =>
    [
        AddUser("new"), AddRole("new"), Enable(), Grant("bob", "app"), Permit("app", "new", Permission.Types.Type.Read), RevokeRole("alice", "app"), Revoke("app", "read"),
        Password("alice", AuthBench.Hash), new InternalRaftRequest { AuthUserDelete = new AuthUserDeleteRequest { Name = "alice" } },
        new InternalRaftRequest { AuthRoleDelete = new AuthRoleDeleteRequest { Role = "app" } }, new InternalRaftRequest { AuthUserList = new AuthUserListRequest() },
        new InternalRaftRequest { AuthRoleList = new AuthRoleListRequest() }, Disable(),
    ];

    private static InternalRaftRequest RandomCommand(Random random)
    {
        string user = new[] { "root", "alice", "bob", "u1" }[random.Next(4)];
        string role = new[] { "root", "app", "r1" }[random.Next(3)];
        string key = "k" + random.Next(5);
        string end = random.Next(3) switch { 0 => "", 1 => "\0", _ => "k" + random.Next(6) };
        return random.Next(16) switch
        {
            0 => AddUser(user, random.Next(2) == 0),
            1 => new InternalRaftRequest { AuthUserDelete = new AuthUserDeleteRequest { Name = user } },
            2 => AddRole(role),
            3 => random.Next(3) == 0 ? new InternalRaftRequest { AuthRoleDelete = new AuthRoleDeleteRequest { Role = role } } : AddRole(role),
            4 or 5 => Grant(user, role),
            6 => RevokeRole(user, role),
            7 or 8 => Permit(role, key, (Permission.Types.Type)random.Next(3), end),
            9 => new InternalRaftRequest { AuthRoleRevokePermission = new AuthRoleRevokePermissionRequest { Role = role, Key = ByteString.CopyFromUtf8(key), RangeEnd = ByteString.CopyFromUtf8(end) } },
            10 => Enable(),
            11 => random.Next(4) == 0 ? Disable() : SignIn(user),
            12 => Delete(key, end),
            13 => Nested(random.Next(3), Op(Put(key, prevKv: true))),
            14 => Password(user, AuthBench.Hash),
            _ => Put(key),
        };
    }

    private static InternalRaftRequest SignIn(string name) => new() { Authenticate = new InternalAuthenticateRequest { Name = name, SimpleToken = "prefix" } };

    private static InternalRaftRequest AuthStatus() => new() { AuthStatus = new AuthStatusRequest() };

    private static InternalRaftRequest RevokeRole(string user, string role) => new() { AuthUserRevokeRole = new AuthUserRevokeRoleRequest { Name = user, Role = role } };

    private static InternalRaftRequest Revoke(string role, string key) =>
        new() { AuthRoleRevokePermission = new AuthRoleRevokePermissionRequest { Role = role, Key = ByteString.CopyFromUtf8(key) } };

    private static InternalRaftRequest Password(string user, string hash) =>
        new() { AuthUserChangePassword = new AuthUserChangePasswordRequest { Name = user, HashedPassword = hash } };

    private static Dictionary<string, byte[]> Records(StateBench state)
    {
        var found = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        var reader = new BoltReader(new MemoryStream(state.Export()));
        foreach (string bucket in reader.Buckets.Where(b => b != "key"))
        {
            BoltCursor cursor = reader.Open(bucket)!;
            while (cursor.MoveNext())
                found[$"{bucket}/{System.Text.Encoding.Latin1.GetString(cursor.Key)}"] = cursor.Value.ToArray();
        }

        return found;
    }
}
