using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Etcd.Client.Tests.Suites;
using Etcd.TestKit.Members;
using Etcd.TestKit.Processes;

namespace Etcd.Client.Tests;

/// <summary>Goal: TLS as configured, and certificates from files that are replaced while the client runs.</summary>
public sealed class TlsTests : ClientSuite
{
    private readonly TempFolder _folder = new();
    private readonly TestAuthority _authority = new();

    protected override string Url => throw new NotSupportedException();

    [Fact]
    public async Task A_client_with_a_certificate_of_the_authority_is_served()
    {
        EtcdTlsOptions tls = Issue("client");
        InProcessMember member = await StartAsync(tls);

        EtcdClient client = NewClient(member.Url, options => options.Tls = tls);
        await client.Kv.PutAsync("k", "v", cancellationToken: Token);

        Assert.Equal("v", (await client.Kv.GetAsync("k", cancellationToken: Token))!.Value.ToString());
    }

    [Fact]
    public async Task A_server_of_another_authority_is_not_trusted()
    {
        using var other = new TestAuthority();
        EtcdTlsOptions tls = Issue("client");
        InProcessMember member = await StartAsync(tls);
        tls.CaFile = other.File;

        EtcdClient client = NewClient(member.Url, options =>
        {
            options.Tls = tls;
            options.Retry.MaxRetries = 2;
        });

        var refused = await Assert.ThrowsAsync<EtcdUnavailableException>(async () => await client.Kv.PutAsync("k", "v", cancellationToken: Token));
        Assert.False(refused.OutcomeUnknown);
    }

    [Fact]
    public async Task New_connections_use_the_certificate_that_is_in_the_file_now()
    {
        EtcdTlsOptions tls = Issue("first");
        using X509Certificate2 server = X509Certificate2.CreateFromPemFile(_folder.File("server.pem"), _folder.File("server.key"));
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        EtcdClient client = NewClient($"https://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}", options =>
        {
            options.Tls = tls;
            options.Timeout = Timeout.InfiniteTimeSpan;
        });
        using var stopped = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task calling = client.Kv.GetAsync("k", cancellationToken: stopped.Token).AsTask();

        string first = await ShownAsync(listener, server);
        Issue("second", tls.CertFile!, tls.KeyFile!);
        File.SetLastWriteTimeUtc(tls.CertFile!, DateTime.UtcNow.AddMinutes(1));
        var shown = new HashSet<string> { first };
        await UntilAsync(async () =>
        {
            shown.Add(await ShownAsync(listener, server));
            return shown.Contains("CN=second");
        });

        Assert.Equal("CN=first", first);
        Assert.Contains("CN=second", shown);
        await stopped.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => calling);
    }

    /// <summary>The certificate of the next client that shows one.</summary>
    private static async Task<string> ShownAsync(TcpListener listener, X509Certificate2 certificate)
    {
        while (true)
        {
            try
            {
                return await TakeAsync(listener, certificate);
            }
            catch (IOException)
            {
                // On a busy machine a client may give the connection up before the handshake is over.
            }
        }
    }

    private static async Task<string> TakeAsync(TcpListener listener, X509Certificate2 certificate)
    {
        using Socket socket = await listener.AcceptSocketAsync(Token);
        await using var stream = new SslStream(new NetworkStream(socket));
        await stream.AuthenticateAsServerAsync(
            new SslServerAuthenticationOptions
            {
                ServerCertificate = certificate,
                ClientCertificateRequired = true,
                ApplicationProtocols = [SslApplicationProtocol.Http2],
                EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null,
            },
            Token);
        return stream.RemoteCertificate!.Subject;
    }

    private EtcdTlsOptions Issue(string client)
    {
        Issue("localhost", _folder.File("server.pem"), _folder.File("server.key"));
        Issue(client, _folder.File("client.pem"), _folder.File("client.key"));
        return new EtcdTlsOptions
        {
            CaFile = _authority.File,
            CertFile = _folder.File("client.pem"),
            KeyFile = _folder.File("client.key"),
        };
    }

    private async Task<InProcessMember> StartAsync(EtcdTlsOptions tls) => Keep(await InProcessMember.StartAsync("https://127.0.0.1:0", options => options with
    {
        CertFile = _folder.File("server.pem"),
        KeyFile = _folder.File("server.key"),
        TrustedCaFile = tls.CaFile!,
        ClientCertAuth = true,
    }));

    private void Issue(string name, string certFile, string keyFile)
    {
        TestCertificate issued = _authority.Issue(name, [IPAddress.Loopback.ToString()], ["localhost"]);
        File.Copy(issued.Key, keyFile, overwrite: true);
        File.Copy(issued.File, certFile, overwrite: true);
    }
}
