using Etcd.Protocol.Authpb;
using Etcd.Protocol.Etcdserverpb;
using static Etcd.Behaviour.Cases.Requests;
using Kind = Etcd.Protocol.Authpb.Permission.Types.Type;

namespace Etcd.Behaviour.Cases;

/// <summary>Users, roles and rights. Each case has a server for itself.</summary>
internal static class AuthCases
{
    public static IReadOnlyList<Case> List { get; } =
    [
        new("auth users and roles", async talk =>
        {
            await talk.AskAsync(
                Status(), UserList(), RoleList(), User(""), User("u"), User("u"), User("certified", noPassword: true), UserGet("u"), UserGet("ghost"), UserGet(""),
                Role(""), Role("r"), Role("r"), RoleGet("r"), RoleGet("ghost"), Give("u", "r"), Give("u", "r"), Give("u", "ghost"), Give("ghost", "r"), Give("u", "root"), UserGet("u"), Status(),
                Take("u", "root"), Take("u", "root"), Take("ghost", "r"), Take("u", "ghost"), Change("u"), Change("certified"), Change("ghost"), Change("u", ""), UserList(), RoleList(), Status(),
                new AuthRoleDeleteRequest { Role = "ghost" }, new AuthRoleDeleteRequest { Role = "r" }, UserGet("u"), new AuthUserDeleteRequest { Name = "ghost" },
                new AuthUserDeleteRequest { Name = "u" }, Role("root"), RoleGet("root"), Permit("root", "k"), RoleGet("root"), new AuthRoleDeleteRequest { Role = "root" }, Status(), Put("k", "v"));
        })
        {
            IsApart = true,
        },
        new("auth permissions of a role", async talk =>
        {
            await talk.AskAsync(
                Role("r"), new AuthRoleGrantPermissionRequest { Name = "r" }, new AuthRoleGrantPermissionRequest { Name = "ghost" }, Permit("r", ""), Permit("ghost", ""), Permit("r", "b", "a"), Permit("r", "b", "b"),
                Permit("r", "", "\0"), Permit("ghost", "b"), Permit("r", "b"), Permit("r", "b", "d", Kind.Write), Permit("r", "b", "c"), Permit("r", "b", "d", Kind.Readwrite), Permit("r", "a", "\0", Kind.Readwrite),
                Permit("r", "c", kind: (Kind)9), RoleGet("r"), Permit("r", "b", kind: Kind.Write), RoleGet("r"), Unpermit("ghost", "b"), Unpermit("r", "b", "x"), Unpermit("r", ""), Unpermit("r", "b", "d"), RoleGet("r"),
                Unpermit("r", "b"), Unpermit("r", "a", "\0"), RoleGet("r"), Status());
        })
        {
            IsApart = true,
        },
        new("auth on and off", async talk =>
        {
            await talk.AskAsync(new AuthDisableRequest(), new AuthEnableRequest(), User("root"), new AuthEnableRequest(), Give("root", "root"));
            await talk.AsAsync("root");
            await talk.AsAsync();
            await talk.AskAsync(new AuthEnableRequest(), Status(), new AuthEnableRequest(), Put("k", "v"), Get("k"), UserList());
            await talk.AsAsync("root", "wrong");
            await talk.AsAsync("ghost");
            await talk.AsAsync("");
            await talk.AsAsync("root");
            await talk.AskAsync(
                new AuthEnableRequest(), Put("k", "v"), Get("k"), User("certified", noPassword: true), Take("root", "root"), new AuthUserDeleteRequest { Name = "root" }, Role("root"),
                new AuthRoleDeleteRequest { Role = "root" }, Status());
            talk.Session.Headers = [new("token", "made.up")];
            await talk.AskAsync(Get("k"), Put("k"), UserList(), Leases());
            await talk.AsAsync("certified");
            await talk.AsAsync("root");
            await talk.AskAsync(new AuthDisableRequest(), Get("k"), Status(), Take("root", "root"), new AuthUserDeleteRequest { Name = "root" }, Status());
        })
        {
            IsApart = true,
        },
        new("auth rights to keys", async talk =>
        {
            await SetUpAsync(talk);
            await talk.AsAsync("alice");
            await talk.AskAsync(
                Get("read"), Get("write"), Get("both"), Get("secret"), Get("app/", "app0"), Get("app/", "app/~"), Get("app/", "app1"), Get("app/", "\0"), All(), Get("both", "both"), Get("both", "a"), Get("secret", "a"),
                Get("read", with: r => r.Serializable = true), Get("secret", with: r => r.CountOnly = true),
                Put("read", "1"), Put("write", "1"), Put("both", "1", with: p => p.PrevKv = true), Put("secret", "1"), Put("write", "1", with: p => p.PrevKv = true), Put("write", with: p => p.IgnoreValue = true),
                Delete("read"), Delete("write"), Delete("write", prevKv: true), Delete("both", prevKv: true), Delete("app/", "app0", prevKv: true), Delete("app/", "app1"), Delete("\0", "\0"),
                Do(Get("read"), Put("write", "2")), Do(Get("read"), Get("secret")), Do(Put("both"), Put("secret")), Do(Do(Get("secret"))), Do(Do(Put("both", "3"), Do(Get("both")))), Do(Delete("write")),
                If([], [Get("read")], [Put("secret")]), Do(), Put("both", "2"));
            Watching line = talk.Watch();
            await line.CreateAsync(Watch("read"));
            await line.CreateAsync(Watch("app/", "app0"));
            await line.CreateAsync(Watch("secret"));
            await line.CreateAsync(Watch("app/", "\0"));
            await line.CreateAsync(Watch("\0", "\0"));
            await line.CreateAsync(Watch("write"));
            await talk.AsAsync("bob");
            await talk.AskAsync(Get("read"), Put("both"), Delete("both"), Do(Get("both")), Do(), UserGet("bob"), UserGet("alice"), RoleGet("app"));
            await talk.AsAsync();
            await talk.AskAsync(Get("read"), Put("both"), Delete("both"), Do(Get("both")), UserGet("bob"));
            await talk.AsAsync("root");
            await talk.AskAsync(All(), Put("secret", "root's"), Get("secret"));
        })
        {
            IsApart = true,
        },
        new("auth rights to leases", async talk =>
        {
            await SetUpAsync(talk);
            await talk.AsAsync();
            await talk.AskAsync(Grant(1), Revoke(1), TimeToLive(1, keys: true), Leases(), KeepAlive(1));
            await talk.AsAsync("alice");
            await talk.AskAsync(Grant(1), Grant(2), Put("both", "1", 1), TimeToLive(1, keys: true), Leases(), KeepAlive(1), Revoke(9), KeepAlive(9), TimeToLive(9, keys: true));
            await talk.AsAsync("root");
            await talk.AskAsync(Put("secret", "1", 1), Grant(3), Put("read", "1", 3));
            await talk.AsAsync("alice");
            await talk.AskAsync(
                TimeToLive(1, keys: true), TimeToLive(1), Leases(), KeepAlive(1), Revoke(1), Put("both", "2", 1), Do(Put("both", "2", 1)), Put("both", "2", 2), Put("both", "3", with: p => p.IgnoreLease = true),
                TimeToLive(3, keys: true), Revoke(3), Revoke(2));
            await talk.AsAsync("root");
            await talk.AskAsync(TimeToLive(1, keys: true), Revoke(1), Leases());
        })
        {
            IsApart = true,
        },
        new("auth rights that change", async talk =>
        {
            await SetUpAsync(talk);
            await talk.AsAsync("alice");
            Grpc.Core.Metadata alice = talk.Session.Headers;
            await talk.AskAsync(Put("both", "1"));
            await talk.AsAsync("root");
            Grpc.Core.Metadata root = talk.Session.Headers;
            await talk.AskAsync(Unpermit("app", "both"));
            talk.Session.Headers = alice;
            await talk.AskAsync(Put("both", "2"), Get("read"));
            talk.Session.Headers = root;
            await talk.AskAsync(Take("alice", "app"), Status());
            talk.Session.Headers = alice;
            await talk.AskAsync(Get("read"), UserGet("alice"), RoleGet("app"));
            talk.Session.Headers = root;
            await talk.AskAsync(Change("alice", "other"));
            talk.Session.Headers = alice;
            await talk.AskAsync(Get("read"));
            await talk.AsAsync("alice");
            await talk.AsAsync("alice", "other");
            await talk.AskAsync(Get("read"), UserGet("alice"));
            alice = talk.Session.Headers;
            talk.Session.Headers = root;
            await talk.AskAsync(new AuthUserDeleteRequest { Name = "alice" });
            talk.Session.Headers = alice;
            await talk.AskAsync(Get("read"));
        })
        {
            IsApart = true,
        },
    ];

    /// <summary>
    /// Root; alice, who may read "read", write "write", both with "both" and all below "app/"; bob, who may nothing; and a value for each key.
    /// </summary>
    private static async Task SetUpAsync(Talk talk) => await talk.AskAsync(
        Put("read", "r"), Put("write", "w"), Put("both", "b"), Put("secret", "s"), Put("app/1", "1"), User("root"), Give("root", "root"), User("alice"), User("bob"), Role("app"),
        Permit("app", "read"), Permit("app", "write", kind: Kind.Write), Permit("app", "both", kind: Kind.Readwrite), Permit("app", "app/", "app0", Kind.Readwrite), Give("alice", "app"), new AuthEnableRequest());

    private static AuthStatusRequest Status() => new();

    private static AuthUserAddRequest User(string name, bool noPassword = false) => noPassword
        ? new AuthUserAddRequest { Name = name, Options = new UserAddOptions { NoPassword = true } }
        : new AuthUserAddRequest { Name = name, Password = "pw" };

    private static AuthUserGetRequest UserGet(string name) => new() { Name = name };

    private static AuthUserListRequest UserList() => new();

    private static AuthUserChangePasswordRequest Change(string name, string password = "new") => new() { Name = name, Password = password };

    private static AuthUserGrantRoleRequest Give(string user, string role) => new() { User = user, Role = role };

    private static AuthUserRevokeRoleRequest Take(string user, string role) => new() { Name = user, Role = role };

    private static AuthRoleAddRequest Role(string name) => new() { Name = name };

    private static AuthRoleGetRequest RoleGet(string name) => new() { Role = name };

    private static AuthRoleListRequest RoleList() => new();

    private static AuthRoleGrantPermissionRequest Permit(string role, string key, string end = "", Kind kind = Kind.Read) =>
        new() { Name = role, Perm = new Permission { PermType = kind, Key = B(key), RangeEnd = B(end) } };

    private static AuthRoleRevokePermissionRequest Unpermit(string role, string key, string end = "") =>
        new() { Role = role, Key = B(key), RangeEnd = B(end) };
}
