using Etcd.Protocol.Authpb;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Hosting.Flags;
using Etcd.Server.Tests.Api;
using Google.Protobuf;
using Grpc.Core;
using Metadata = Grpc.Core.Metadata;

namespace Etcd.Server.Tests.Auth;

/// <summary>
/// A whole member with users: root; alice, who may read "read", write "write" and both below "app/"; bob, who may nothing; all with the
/// password "pw". Authentication is on.
/// </summary>
internal sealed class AuthHost : IAsyncDisposable
{
    private readonly ApiHost _host;

    private AuthHost(ApiHost host) => _host = host;

    public ApiHost Host => _host;

    public HttpClient Http => _host.Http;

    public CallInvoker Invoker => _host.Channel.CreateCallInvoker();

    public KV.KVClient Kv => new(_host.Channel);

    public Protocol.Etcdserverpb.Auth.AuthClient Auth => new(_host.Channel);

    public Protocol.Etcdserverpb.Lease.LeaseClient Leases => new(_host.Channel);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static async Task<AuthHost> StartAsync(Func<ServerOptions, ServerOptions>? configure = null)
    {
        var host = new AuthHost(await ApiHost.StartAsync(o => (configure ?? (static x => x))(o with { BcryptCost = 4 })));
        await host.SetUpAsync();
        return host;
    }

    public static PutRequest Put(string key, string value = "v", long lease = 0) =>
        new() { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFromUtf8(value), Lease = lease };

    public static RangeRequest Get(string key, string end = "") =>
        new() { Key = ByteString.CopyFromUtf8(key), RangeEnd = ByteString.CopyFromUtf8(end) };

    /// <summary>What a user sends with each call.</summary>
    public async Task<Metadata> SignInAsync(string user, string password = "pw") => new() { { "token", await TokenAsync(user, password) } };

    public async Task<string> TokenAsync(string user, string password = "pw") =>
        (await Auth.AuthenticateAsync(new AuthenticateRequest { Name = user, Password = password }, cancellationToken: Cancel)).Token;

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    private async Task SetUpAsync()
    {
        foreach (string name in new[] { "root", "alice", "bob" })
        {
            await Auth.UserAddAsync(new AuthUserAddRequest { Name = name, Password = "pw" }, cancellationToken: Cancel);
        }

        await Auth.RoleAddAsync(new AuthRoleAddRequest { Name = "app" }, cancellationToken: Cancel);
        foreach ((string key, string end, Permission.Types.Type kind) in new[]
        {
            ("read", "", Permission.Types.Type.Read), ("write", "", Permission.Types.Type.Write), ("app/", "app0", Permission.Types.Type.Readwrite),
        })
        {
            var permission = new Permission { PermType = kind, Key = ByteString.CopyFromUtf8(key), RangeEnd = ByteString.CopyFromUtf8(end) };
            await Auth.RoleGrantPermissionAsync(new AuthRoleGrantPermissionRequest { Name = "app", Perm = permission }, cancellationToken: Cancel);
        }

        await Auth.UserGrantRoleAsync(new AuthUserGrantRoleRequest { User = "root", Role = "root" }, cancellationToken: Cancel);
        await Auth.UserGrantRoleAsync(new AuthUserGrantRoleRequest { User = "alice", Role = "app" }, cancellationToken: Cancel);
        await Kv.PutAsync(Put("secret"), cancellationToken: Cancel);
        await Auth.AuthEnableAsync(new AuthEnableRequest(), cancellationToken: Cancel);
    }
}
