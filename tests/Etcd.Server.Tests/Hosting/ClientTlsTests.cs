using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Etcd.Server.Hosting;
using Etcd.Server.Hosting.Flags;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Etcd.Server.Tests.Hosting;

/// <summary>
/// Goal: the flags of the client port's TLS let in whom etcd lets in. Method: a small hierarchy of certificates; the settings
/// that Kestrel gets are asked about each.
/// </summary>
public sealed class ClientTlsTests : IDisposable
{
    private const string ClientUsage = "1.3.6.1.5.5.7.3.2";
    private const string ServerUsage = "1.3.6.1.5.5.7.3.1";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("etcd-tls-");
    private readonly X509Certificate2 _root = Issue("root", null, null);
    private readonly X509Certificate2 _intermediate;

    public ClientTlsTests() => _intermediate = Issue("intermediate", _root, null);

    public void Dispose()
    {
        _intermediate.Dispose();
        _root.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public void WithoutAuthoritiesNoCertificateIsAskedFor() =>
        Assert.Equal(ClientCertificateMode.NoCertificate, Settings(trusted: false, clientCertAuth: false).ClientCertificateMode);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ToNameAuthoritiesIsToAskForCertificates(bool clientCertAuth) =>
        Assert.Equal(ClientCertificateMode.RequireCertificate, Settings(trusted: true, clientCertAuth).ClientCertificateMode);

    [Theory]
    [InlineData(ClientUsage, true)]
    [InlineData(null, true)]
    [InlineData(ServerUsage, false)]
    public void ACertificateMustBeOneForClients(string? usage, bool expected)
    {
        using X509Certificate2 client = Issue("client", _root, usage ?? "");

        Assert.Equal(expected, IsLetIn(client));
    }

    [Fact]
    public void ACertificateMayLeadToAnAuthorityByWhatTheClientSendsWithIt()
    {
        using X509Certificate2 client = Issue("client", _intermediate, ClientUsage);

        Assert.False(IsLetIn(client));
        Assert.True(IsLetIn(client, _intermediate));
    }

    [Fact]
    public void ACertificateOfAnotherAuthorityIsNotLetIn()
    {
        using X509Certificate2 other = Issue("root", null, null);
        using X509Certificate2 client = Issue("client", other, ClientUsage);

        Assert.False(IsLetIn(client, other));
    }

    /// <summary>
    /// GHSA-3wh4-j44w-pg92: the list of revoked certificates was not looked at on a listener for HTTP beside the one for gRPC. Here each
    /// listener has the same rules.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ARevokedCertificateIsLetInNowhere(bool metrics)
    {
        using X509Certificate2 client = Issue("client", _root, ClientUsage);
        using X509Certificate2 revoked = Issue("client", _root, ClientUsage);
        var list = new CertificateRevocationListBuilder();
        list.AddEntry(revoked);
        string path = Path.Combine(_folder.FullName, "revoked.crl");
        File.WriteAllBytes(path, list.Build(_root, System.Numerics.BigInteger.One, Now.AddDays(1), HashAlgorithmName.SHA256));
        HttpsConnectionAdapterOptions settings = Settings(trusted: true, clientCertAuth: true, path, metrics);
        bool IsIn(X509Certificate2 shown)
        {
            using var sent = new X509Chain();
            return settings.ClientCertificateValidation!(shown, sent, SslPolicyErrors.None);
        }

        Assert.True(IsIn(client));
        Assert.False(IsIn(revoked));
        // One that was revoked later is not let in either, and neither is anybody when the list cannot be read.
        File.WriteAllText(path, "no list");
        Assert.False(IsIn(client));
    }

    [Fact]
    public void TheServerSendsTheWholeChainOfItsFile()
    {
        HttpsConnectionAdapterOptions settings = Settings(trusted: false, clientCertAuth: false);

        Assert.Contains(_intermediate.Thumbprint, settings.ServerCertificateChain!.Select(c => c.Thumbprint));
    }

    private bool IsLetIn(X509Certificate2 client, params X509Certificate2[] sentWithIt)
    {
        using var sent = new X509Chain();
        sent.ChainPolicy.ExtraStore.AddRange(sentWithIt);
        return Settings(trusted: true, clientCertAuth: true).ClientCertificateValidation!(client, sent, SslPolicyErrors.None);
    }

    private HttpsConnectionAdapterOptions Settings(bool trusted, bool clientCertAuth, string crl = "", bool metrics = false)
    {
        using X509Certificate2 server = Issue("server", _intermediate, ServerUsage);
        string certificates = Write("server.crt", server.ExportCertificatePem() + "\n" + _intermediate.ExportCertificatePem());
        var options = new ServerOptions
        {
            ListenClientUrls = [EtcdUrl.Parse("https://127.0.0.1:0")],
            ListenMetricsUrls = [EtcdUrl.Parse("https://127.0.0.1:0")],
            ClientCrlFile = crl,
            CertFile = certificates,
            KeyFile = Write("server.key", server.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem()),
            TrustedCaFile = trusted ? Write("ca.crt", _root.ExportCertificatePem()) : "",
            ClientCertAuth = clientCertAuth,
        };
        var settings = new HttpsConnectionAdapterOptions();
        ClientTls.For(options, metrics ? options.ListenMetricsUrls : options.ListenClientUrls)!.Configure(settings);
        return settings;
    }

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder.FullName, name);
        File.WriteAllText(path, text);
        return path;
    }

    /// <summary>One time for all: a certificate may not outlive its issuer, not even by the second between two readings.</summary>
    private static DateTimeOffset Now { get; } = DateTimeOffset.UtcNow;

    /// <summary>Makes a certificate: an authority where no usage is given, of itself where no issuer is.</summary>
    private static X509Certificate2 Issue(string name, X509Certificate2? issuer, string? usage)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(usage is null, false, 0, critical: true));
        if (!string.IsNullOrEmpty(usage))
        {
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], critical: false));
        }

        if (issuer is null)
        {
            return request.CreateSelfSigned(Now.AddDays(-2), Now.AddDays(2));
        }

        using X509Certificate2 signed = request.Create(issuer, Now.AddDays(-1), Now.AddDays(1), RandomNumberGenerator.GetBytes(8));
        return signed.CopyWithPrivateKey(key);
    }
}
