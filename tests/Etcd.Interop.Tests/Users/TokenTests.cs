using System.Security.Cryptography;
using Etcd.Protocol.Etcdserverpb;
using Etcd.TestKit.Processes;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Metadata = Grpc.Core.Metadata;

namespace Etcd.Interop.Tests.Users;

/// <summary>Goal: tokens of either kind, certificates and the log, as an operator sets them up. Method: processes; tokens of one server shown to the other.</summary>
public sealed class TokenTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("RS256")]
    [InlineData("PS384")]
    [InlineData("ES256")]
    [InlineData("HS512")]
    public async Task A_web_token_of_either_server_is_known_to_the_other(string algorithm)
    {
        RealEtcd.Require();
        using var folder = new TempFolder();
        string secret = Path.Combine(folder.Path, "key.pem");
        await File.WriteAllTextAsync(secret, NewKey(algorithm), Token);
        string flag = $"--auth-token=jwt,sign-method={algorithm},priv-key={secret},ttl=10m";
        await using ServerProcess ours = await ServerProcess.StartAsync(ServerProgram.Ours, [flag, "--bcrypt-cost=4"], Token);
        await using ServerProcess real = await ServerProcess.StartAsync(ServerProgram.Real, [flag, "--bcrypt-cost=4"], Token);
        await Setup.WriteAsync(ours.Endpoint);
        await Setup.WriteAsync(real.Endpoint);
        await Setup.RequireAsync(ours.Endpoint);
        using GrpcChannel toOurs = GrpcChannel.ForAddress(ours.ClientUrl);
        using GrpcChannel toReal = GrpcChannel.ForAddress(real.ClientUrl);
        foreach ((GrpcChannel from, GrpcChannel to) in new[] { (toOurs, toReal), (toReal, toOurs), (toOurs, toOurs) })
        {
            Metadata alice = new() { { "token", await SignInAsync(from) } };
            await new KV.KVClient(to).PutAsync(Put("app/k"), alice, cancellationToken: Token);
            var denied = await Assert.ThrowsAsync<RpcException>(async () => await new KV.KVClient(to).PutAsync(Put("secret"), alice, cancellationToken: Token));
            Assert.Equal(StatusCode.PermissionDenied, denied.StatusCode);
        }

        // It names a revision of users and rights that is over.
        Metadata old = new() { { "token", await SignInAsync(toOurs) } };
        await Setup.OkAsync(ours.Endpoint, "--user root:toor role add new");
        var stale = await Assert.ThrowsAsync<RpcException>(async () => await new KV.KVClient(toOurs).PutAsync(Put("app/k"), old, cancellationToken: Token));
        Assert.Equal("etcdserver: revision of auth store is old", stale.Status.Detail);

        // Nobody keeps it: a member that starts again knows it still.
        Metadata young = new() { { "token", await SignInAsync(toOurs) } };
        await ours.KillAsync(Token);
        await ours.StartAsync(Token);
        using GrpcChannel again = GrpcChannel.ForAddress(ours.ClientUrl);
        await new KV.KVClient(again).PutAsync(Put("app/k"), young, cancellationToken: Token);
    }

    [Theory]
    [InlineData("--auth-token=nonsense", "auth: invalid auth options")]
    [InlineData("--auth-token=jwt", "auth: invalid auth signature method")]
    [InlineData("--auth-token=jwt,sign-method=RS256", "auth: missing key data")]
    [InlineData("--auth-token=jwt,sign-method", "auth: invalid auth options")]
    [InlineData("--auth-token=jwt,sign-method=EdDSA,priv-key=/dev/null", "Ed25519")]
    public async Task What_is_no_token_keeps_a_member_from_starting(string flag, string reason)
    {
        using var folder = new TempFolder();
        CommandResult result = await CapturedProcess.RunAsync(
            ServerProgram.Ours.Executable,
            ["--listen-client-urls", $"http://127.0.0.1:{FreePorts.Take()}", "--advertise-client-urls", "http://127.0.0.1:1", "--listen-peer-urls", $"http://127.0.0.1:{FreePorts.Take()}", flag],
            folder: folder.Path,
            cancellation: Token);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(reason, result.Output, StringComparison.Ordinal);
    }

    /// <summary>etcd 3.6.7: tokens stood in the log. Whatever the level, neither they nor passwords nor hashes do.</summary>
    [Fact]
    public async Task Neither_tokens_nor_passwords_get_into_the_log()
    {
        RealEtcd.Require();
        await using ServerProcess ours = await ServerProcess.StartAsync(ServerProgram.Ours, ["--log-level=debug", "--bcrypt-cost=4"], Token);
        await Setup.WriteAsync(ours.Endpoint);
        using GrpcChannel channel = GrpcChannel.ForAddress(ours.ClientUrl);
        string token = await SignInAsync(channel);
        await new KV.KVClient(channel).PutAsync(Put("app/k"), [new("token", token)], cancellationToken: Token);
        var kv = new KV.KVClient(channel);
        await Assert.ThrowsAsync<RpcException>(async () => await kv.PutAsync(Put("app/k"), [new("token", "stolen" + token)], cancellationToken: Token));
        await Setup.FailsAsync(ours.Endpoint, "--user alice:not-the-password get app/k");
        await Setup.OkAsync(ours.Endpoint, "--user root:toor user add new:a-new-password");
        // One that makes no sense, and has a password all the same.
        await new Protocol.Etcdserverpb.Auth.AuthClient(channel).UserAddAsync(
            new AuthUserAddRequest { Name = "both", Password = "given-in-vain", Options = new Protocol.Authpb.UserAddOptions { NoPassword = true } },
            [new("token", await SignInAsync(channel, "root", "toor"))],
            cancellationToken: Token);
        await ours.TerminateAsync(Token);
        string log = string.Join('\n', ours.Process.Lines);
        Assert.Contains("invalid authentication was requested", log, StringComparison.Ordinal);
        Assert.All([token, "stolen", "not-the-password", "a-new-password", "given-in-vain", "toor", "$2a$"], secret => Assert.DoesNotContain(secret, log, StringComparison.Ordinal));
        // What is on the disk has no password in it either.
        foreach (string file in Directory.EnumerateFiles(ours.DataFolder, "*", SearchOption.AllDirectories))
        {
            string content = System.Text.Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file, Token));
            Assert.All(["not-the-password", "a-new-password", "given-in-vain", "toor"], secret => Assert.DoesNotContain(secret, content, StringComparison.Ordinal));
        }
    }

    /// <summary>With --client-cert-auth the common name is the user; the gateway's clients must sign in all the same.</summary>
    [Fact]
    public async Task A_certificates_common_name_is_a_user()
    {
        RealEtcd.Require();
        using var authority = new TestAuthority();
        TestCertificate server = authority.Issue("server", ["127.0.0.1"]);
        TestCertificate alice = authority.Issue("alice");
        TestCertificate stranger = authority.Issue("stranger");
        await using ServerProcess ours = ServerProcess.Create(ServerProgram.Ours, "--unsafe-no-fsync", "--bcrypt-cost=4");
        await ours.StartAsync(Token);
        await Setup.WriteAsync(ours.Endpoint);
        await ours.TerminateAsync(Token);
        string url = "https://" + ours.Endpoint;
        ours.Flags =
        [
            "--unsafe-no-fsync", "--listen-client-urls", url, "--advertise-client-urls", url, "--cert-file", server.File, "--key-file", server.Key,
            "--client-cert-auth", "--trusted-ca-file", authority.File,
        ];
        await ours.StartAsync("serving client traffic securely", Token);
        Assert.Equal("app/k\nv\n", (await CtlAsync(alice, "get", "app/k")).Stdout);
        Assert.Equal("OK\n", (await CtlAsync(alice, "put", "app/k", "v")).Stdout);
        Assert.Contains("etcdserver: permission denied", (await CtlAsync(alice, "get", "secret")).Output, StringComparison.Ordinal);
        Assert.Contains("etcdserver: permission denied", (await CtlAsync(stranger, "get", "app/k")).Output, StringComparison.Ordinal);
        // A token says more than the certificate.
        Assert.Equal("secret\ns\n", (await CtlAsync(alice, "--user", "root:toor", "get", "secret")).Stdout);

        using var handler = new HttpClientHandler { ServerCertificateCustomValidationCallback = static (_, _, _, _) => true };
        handler.ClientCertificates.Add(alice.Certificate);
        using var http = new HttpClient(handler);
        using var body = new StringContent($$"""{"key":"{{Convert.ToBase64String("app/k"u8)}}"}""");
        using HttpResponseMessage answer = await http.PostAsync($"{url}/v3/kv/range", body, Token);
        Assert.Contains("etcdserver: user name is empty", await answer.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);

        Task<CommandResult> CtlAsync(TestCertificate certificate, params string[] arguments) => CapturedProcess.RunAsync(
            RealEtcd.Ctl, ["--endpoints", url, "--cacert", authority.File, "--cert", certificate.File, "--key", certificate.Key, .. arguments], cancellation: Token);
    }

    private static string NewKey(string algorithm)
    {
        if (algorithm.StartsWith("HS", StringComparison.Ordinal))
        {
            return "a secret that both know";
        }

        using AsymmetricAlgorithm key = algorithm.StartsWith("ES", StringComparison.Ordinal) ? ECDsa.Create(ECCurve.NamedCurves.nistP256) : RSA.Create(2048);
        return key is RSA rsa ? rsa.ExportRSAPrivateKeyPem() : ((ECDsa)key).ExportECPrivateKeyPem();
    }

    private static PutRequest Put(string key) => new() { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFromUtf8("v") };

    private static async Task<string> SignInAsync(GrpcChannel channel, string user = "alice", string password = "pw") =>
        (await new Protocol.Etcdserverpb.Auth.AuthClient(channel).AuthenticateAsync(
            new AuthenticateRequest { Name = user, Password = password }, cancellationToken: Token)).Token;
}
