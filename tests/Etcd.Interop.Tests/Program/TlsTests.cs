using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Program;

/// <summary>Goal: https client URLs serve the real etcdctl and plain HTTP clients, and ask for client certificates if told to.</summary>
public sealed class TlsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_https_URL_serves_etcdctl_and_HTTP_1_1()
    {
        RealEtcd.Require();
        using var certificates = new Certificates();
        await using ServerProcess server = Create(certificates);
        await server.StartAsync("serving client traffic securely", Token);

        CommandResult put = await CtlAsync(server, certificates.Trust, "put", "k", "v");
        CommandResult get = await CtlAsync(server, certificates.Trust, "get", "k");
        using var http = new HttpClient(new HttpClientHandler { ServerCertificateCustomValidationCallback = (_, shown, _, _) => shown!.Thumbprint == certificates.ServerThumbprint });

        Assert.Equal("OK\n", put.Stdout);
        Assert.Equal("k\nv\n", get.Stdout);
        Assert.Equal("""{"health":"true","reason":""}""", await http.GetStringAsync($"https://{server.Endpoint}/health", Token));
    }

    [Fact]
    public async Task A_client_that_does_not_trust_the_server_fails_and_is_logged()
    {
        RealEtcd.Require();
        using var certificates = new Certificates();
        await using ServerProcess server = Create(certificates);
        await server.StartAsync("serving client traffic securely", Token);

        CommandResult put = await CtlInVainAsync(server, [], "put", "k", "v");

        Assert.NotEqual(0, put.ExitCode);
        await server.Process.WaitForLineAsync("rejected connection on client endpoint", Token);
    }

    [Fact]
    public async Task With_client_cert_auth_only_a_client_of_the_authority_is_served()
    {
        RealEtcd.Require();
        using var certificates = new Certificates();
        await using ServerProcess server = Create(certificates, "--client-cert-auth", "--trusted-ca-file", certificates.Authority);
        await server.StartAsync("serving client traffic securely", Token);

        CommandResult known = await CtlAsync(server, [.. certificates.Trust, .. certificates.Client], "put", "k", "v");
        CommandResult nobody = await CtlInVainAsync(server, certificates.Trust, "put", "k", "w");
        CommandResult stranger = await CtlInVainAsync(server, [.. certificates.Trust, .. certificates.Stranger], "put", "k", "w");
        CommandResult get = await CtlAsync(server, [.. certificates.Trust, .. certificates.Client], "get", "k");

        Assert.Equal("OK\n", known.Stdout);
        Assert.NotEqual(0, nobody.ExitCode);
        Assert.NotEqual(0, stranger.ExitCode);
        Assert.Equal("k\nv\n", get.Stdout);
        await server.Process.WaitForLineAsync("rejected connection on client endpoint", Token);
    }

    [Fact]
    public async Task An_https_URL_without_certificate_is_refused()
    {
        using var folder = new TempFolder();
        CommandResult result = await CapturedProcess.RunAsync(
            ServerProgram.Ours.Executable,
            ["--listen-client-urls", "https://127.0.0.1:0", "--advertise-client-urls", "https://127.0.0.1:0"],
            folder: folder.Path,
            cancellation: Token);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("TLS key/cert (--cert-file, --key-file) must be provided for client url https://127.0.0.1:0 with HTTPS scheme", result.Output, StringComparison.Ordinal);
    }

    private static ServerProcess Create(Certificates certificates, params string[] flags)
    {
        ServerProcess server = ServerProcess.Create(ServerProgram.Ours);
        server.Flags =
        [
            "--unsafe-no-fsync", "--listen-client-urls", $"https://{server.Endpoint}", "--advertise-client-urls", $"https://{server.Endpoint}",
            "--cert-file", certificates.Server, "--key-file", certificates.ServerKey, .. flags,
        ];
        return server;
    }

    private static Task<CommandResult> CtlAsync(ServerProcess server, IReadOnlyList<string> certificates, params string[] command) =>
        EtcdCtl.RunAsync($"https://{server.Endpoint}", [.. certificates, .. command], Token);

    /// <summary>A command that is to fail: it tries until its time is over.</summary>
    private static Task<CommandResult> CtlInVainAsync(ServerProcess server, IReadOnlyList<string> certificates, params string[] command) =>
        EtcdCtl.RunAsync($"https://{server.Endpoint}", [.. certificates, .. command], Token, timeout: "1s");

    /// <summary>An authority with a server and a client, and a client of another authority, as files.</summary>
    private sealed class Certificates : IDisposable
    {
        private readonly TestAuthority _ours = new();
        private readonly TestAuthority _other = new();
        private readonly TestCertificate _server;

        public Certificates()
        {
            _server = _ours.Issue("server", ["127.0.0.1"], ["localhost"]);
            Client = Show(_ours.Issue("client"));
            Stranger = Show(_other.Issue("stranger"));
        }

        public string Authority => _ours.File;

        public string Server => _server.File;

        public string ServerKey => _server.Key;

        public string ServerThumbprint => _server.Certificate.Thumbprint;

        public IReadOnlyList<string> Trust => ["--cacert", Authority];

        public IReadOnlyList<string> Client { get; }

        public IReadOnlyList<string> Stranger { get; }

        public void Dispose()
        {
            _ours.Dispose();
            _other.Dispose();
        }

        private static IReadOnlyList<string> Show(TestCertificate certificate) => ["--cert", certificate.File, "--key", certificate.Key];
    }
}
