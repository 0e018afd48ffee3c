using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Etcd.TestKit.Processes;
using Etcd.TestKit.Processes.Clusters;

namespace Etcd.Interop.Tests.Clusters;

/// <summary>
/// Goal: the flags of the peer port's TLS make a cluster of those that they let in, and of nobody else. Method: processes with
/// certificates of one authority; strangers knock with an HTTP client.
/// </summary>
public sealed class PeerTlsTests : IDisposable
{
    private const string Rejected = "rejected connection on peer endpoint";
    private static readonly string[] Loopback = ["127.0.0.1"];

    private readonly TestAuthority _authority = new();
    private readonly TestAuthority _other = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _authority.Dispose();
        _other.Dispose();
    }

    [Fact]
    public async Task Three_members_with_certificates_of_one_authority_are_a_cluster_and_a_stranger_is_not_of_it()
    {
        IReadOnlyList<MemberPlace> places = MemberPlace.OnLoopback(3);
        await using ServerCluster cluster = ServerCluster.Create(
            ServerProgram.Tested,
            places,
            "--unsafe-no-fsync",
            "--peer-client-cert-auth",
            $"--peer-trusted-ca-file={_authority.File}",
            "--peer-cert-allowed-cn=member");
        string all = string.Join(',', places.Select(p => $"{p.Name}=https://{p.Peer}"));
        foreach (ClusterMember member in cluster.Members)
        {
            member.InitialCluster = all;
            member.Flags = [.. member.Flags, .. Flags(member, _authority.Issue("member", Loopback))];
        }

        await cluster.StartAsync(Token);
        await Load.PutAsync(cluster, "k", 100, Token);
        await MemberContents.RequireEqualAsync(cluster, Token);
        foreach (ClusterMember member in cluster.Members)
        {
            await Load.RequireAsync(member, "k", 100, Token);
        }

        // The same member with a certificate that bears another name: whom it calls and who calls it turn it away.
        ClusterMember stranger = cluster.Members[2];
        ClusterMember[] others = [.. cluster.Members.Take(2)];
        await stranger.TerminateAsync(Token);
        stranger.Flags = [.. stranger.Flags, .. Flags(stranger, _authority.Issue("stranger", Loopback))];
        await stranger.LaunchAsync();
        await others[0].Process.WaitForLineAsync(Rejected, Token);
        await others[1].Process.WaitForLineAsync(Rejected, Token);
        await cluster.WaitForLeaderAsync(Token, others);
        await Load.PutAsync(cluster, "l", 100, Token, others);
        await cluster.WaitUntilAsync("the stranger to serve alone", async () => await stranger.StatusAsync(Token) is { Leader: 0 }, Token);

        static string[] Flags(ClusterMember member, TestCertificate certificate) =>
        [
            $"--listen-peer-urls=https://{member.Place.Peer}", $"--initial-advertise-peer-urls=https://{member.Place.Peer}",
            $"--peer-cert-file={certificate.File}", $"--peer-key-file={certificate.Key}",
        ];
    }

    [Theory]
    [InlineData("")]
    [InlineData("another authority")]
    [InlineData("another name", "--peer-cert-allowed-cn=member,other")]
    [InlineData("another host", "--peer-cert-allowed-hostname=member.test")]
    [InlineData("revoked", "--peer-crl-file=CRL")]
    [InlineData("from elsewhere")]
    public async Task Who_is_not_as_the_flags_say_is_turned_away(string flaw, params string[] flags)
    {
        TestCertificate member = _authority.Issue("member", Loopback, ["member.test"]);
        TestCertificate knocks = flaw switch
        {
            "another authority" => _other.Issue("member", Loopback, ["member.test"]),
            "another name" => _authority.Issue("stranger", Loopback),
            "another host" => _authority.Issue("member", Loopback, ["stranger.test"]),
            "from elsewhere" => _authority.Issue("member", ["10.11.12.13"]),
            _ => _authority.Issue("member", Loopback, ["member.test"]),
        };
        string revoked = _authority.Revoke(_authority.Issue("member"), knocks);
        await using ServerProcess server = Create(member, [.. flags.Select(f => f.Replace("CRL", revoked, StringComparison.Ordinal))]);
        await server.StartAsync(Token);

        Assert.Equal(flaw.Length == 0, await IsLetInAsync(server, member, knocks));
        if (flaw.Length > 0)
        {
            await server.Process.WaitForLineAsync(Rejected, Token);
            Assert.True(await IsLetInAsync(server, member, member));
        }
    }

    [Fact]
    public async Task Where_a_member_comes_from_is_not_looked_at_if_the_flag_says_so()
    {
        TestCertificate member = _authority.Issue("member", Loopback);
        await using ServerProcess server = Create(member, "--peer-skip-client-san-verification");
        await server.StartAsync(Token);

        Assert.True(await IsLetInAsync(server, member, _authority.Issue("member", ["10.11.12.13"])));
    }

    private ServerProcess Create(TestCertificate member, params string[] flags)
    {
        ServerProcess server = ServerProcess.Create(ServerProgram.Tested);
        server.Flags =
        [
            "--unsafe-no-fsync", $"--listen-peer-urls=https://{server.PeerEndpoint}", $"--peer-cert-file={member.File}", $"--peer-key-file={member.Key}",
            "--peer-client-cert-auth", $"--peer-trusted-ca-file={_authority.File}", .. flags,
        ];
        return server;
    }

    /// <summary>Whether the peer port answers one who shows that certificate.</summary>
    private static async Task<bool> IsLetInAsync(ServerProcess server, TestCertificate member, TestCertificate shown)
    {
        using X509Certificate2 certificate = X509CertificateLoader.LoadPkcs12(shown.Certificate.Export(X509ContentType.Pkcs12), null);
        using var handler = new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                ClientCertificateContext = SslStreamCertificateContext.Create(certificate, null, offline: true),
                RemoteCertificateValidationCallback = (_, theirs, _, _) => theirs!.GetCertHashString() == member.Certificate.Thumbprint,
            },
        };
        using var http = new HttpClient(handler);
        try
        {
            string version = await http.GetStringAsync(new Uri($"https://{server.PeerEndpoint}/version"), Token);
            Assert.Contains("etcdserver", version, StringComparison.Ordinal);
            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
