using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
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
        private readonly TempFolder _folder = new();

        public Certificates()
        {
            using X509Certificate2 authority = Issue("authority", null);
            using X509Certificate2 other = Issue("other", null);
            using X509Certificate2 server = Issue("server", authority);
            using X509Certificate2 client = Issue("client", authority);
            using X509Certificate2 stranger = Issue("stranger", other);
            ServerThumbprint = server.Thumbprint;
        }

        public string Authority => _folder.File("authority.pem");

        public string Server => _folder.File("server.pem");

        public string ServerKey => _folder.File("server.key");

        public string ServerThumbprint { get; }

        public IReadOnlyList<string> Trust => ["--cacert", Authority];

        public IReadOnlyList<string> Client => ["--cert", _folder.File("client.pem"), "--key", _folder.File("client.key")];

        public IReadOnlyList<string> Stranger => ["--cert", _folder.File("stranger.pem"), "--key", _folder.File("stranger.key")];

        public void Dispose() => _folder.Dispose();

        private X509Certificate2 Issue(string name, X509Certificate2? issuer)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(issuer is null, false, 0, critical: true));
            if (issuer is not null)
            {
                var names = new SubjectAlternativeNameBuilder();
                names.AddIpAddress(IPAddress.Loopback);
                names.AddDnsName("localhost");
                request.CertificateExtensions.Add(names.Build());
                request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
            }

            DateTimeOffset now = DateTimeOffset.UtcNow;
            X509Certificate2 certificate = issuer is null
                ? request.CreateSelfSigned(now.AddHours(-2), now.AddDays(2))
                : request.Create(issuer, now.AddHours(-1), now.AddDays(1), RandomNumberGenerator.GetBytes(8)).CopyWithPrivateKey(key);
            File.WriteAllText(_folder.File(name + ".pem"), certificate.ExportCertificatePem());
            File.WriteAllText(_folder.File(name + ".key"), key.ExportPkcs8PrivateKeyPem());
            return certificate;
        }
    }
}
