using System.Net;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Etcd.TestKit.Processes;

/// <summary>A certificate and its key as files.</summary>
/// <param name="File">The certificate, PEM.</param>
/// <param name="Key">Its key, PEM.</param>
/// <param name="Certificate">The certificate with its key.</param>
public sealed record TestCertificate(string File, string Key, X509Certificate2 Certificate);

/// <summary>An authority that issues certificates of any names for members and their clients, and revokes them: all as files in a folder that goes with it.</summary>
public sealed class TestAuthority : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly DateTimeOffset _now = DateTimeOffset.UtcNow;
    private readonly List<IDisposable> _owned = [];
    private readonly X509Certificate2 _authority;

    /// <summary>Makes one.</summary>
    public TestAuthority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN=authority {Guid.NewGuid()}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        _authority = request.CreateSelfSigned(_now.AddDays(-2), _now.AddDays(2));
        File = Write("authority.pem", _authority.ExportCertificatePem());
    }

    /// <summary>The authority's certificate, PEM.</summary>
    public string File { get; }

    /// <summary>Issues a certificate.</summary>
    /// <param name="commonName">Its common name.</param>
    /// <param name="addresses">The addresses of its host.</param>
    /// <param name="hosts">The names of its host.</param>
    public TestCertificate Issue(string commonName, string[]? addresses = null, string[]? hosts = null)
    {
        string name = $"{commonName}-{Guid.NewGuid():N}";
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={commonName}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
        var names = new SubjectAlternativeNameBuilder();
        foreach (string address in addresses ?? [])
        {
            names.AddIpAddress(IPAddress.Parse(address));
        }

        foreach (string host in hosts ?? [])
        {
            names.AddDnsName(host);
        }

        if (addresses is not null || hosts is not null)
        {
            request.CertificateExtensions.Add(names.Build());
        }

        // With the highest bit set a serial number needs a zero before it, which a comparison must not stumble over.
        byte[] serial = RandomNumberGenerator.GetBytes(8);
        serial[0] |= 0x80;
        using X509Certificate2 signed = request.Create(_authority, _now.AddDays(-1), _now.AddDays(1), [0, .. serial]);
        X509Certificate2 certificate = signed.CopyWithPrivateKey(key);
        _owned.Add(certificate);
        return new TestCertificate(
            Write(name + ".pem", certificate.ExportCertificatePem()), Write(name + ".key", key.ExportPkcs8PrivateKeyPem()), certificate);
    }

    /// <summary>A list that revokes certificates, DER; returns its path.</summary>
    public string Revoke(params IReadOnlyList<TestCertificate> certificates)
    {
        var list = new CertificateRevocationListBuilder();
        foreach (TestCertificate certificate in certificates)
        {
            list.AddEntry(certificate.Certificate);
        }

        string path = _folder.File($"{Guid.NewGuid():N}.crl");
        System.IO.File.WriteAllBytes(path, list.Build(_authority, BigInteger.One, _now.AddDays(1), HashAlgorithmName.SHA256));
        return path;
    }

    public void Dispose()
    {
        _owned.ForEach(o => o.Dispose());
        _authority.Dispose();
        _folder.Dispose();
    }

    private string Write(string name, string text)
    {
        string path = _folder.File(name);
        System.IO.File.WriteAllText(path, text);
        return path;
    }
}
