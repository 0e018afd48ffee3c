using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Etcd.Server.Primitives;

namespace Etcd.Server.Tests.Peer;

/// <summary>
/// Goal: members that have certificates of one authority reach each other over TLS, and one of another authority reaches
/// nobody. Method: the flags' files, over loopback.
/// </summary>
public sealed class PeerTlsTests : IDisposable
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UtcNow;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("etcd-peer-tls-");

    [Fact]
    public async Task MembersOfOneAuthorityReachEachOther()
    {
        await using var rig = new LoopbackRig { Scheme = "https" };
        using X509Certificate2 authority = Authority();
        Use(rig, authority);
        await using IPeerSide one = await rig.StartAsync(1, 7, null);
        await using IPeerSide two = await rig.StartAsync(2, 7, null);
        one.Transport.SetPeers([rig.Address(2)], []);
        two.Transport.SetPeers([rig.Address(1)], []);

        // A message may arrive by a post before the streams stand; only those make a member active.
        await rig.UntilAsync("arrival and acquaintance", () =>
        {
            one.Transport.Send([MessageSamples.Heartbeat(1, 2, 3)]);
            return two.Inbox.Messages.Count > 0 && one.Transport.ActiveSince(new MemberId(2)) is not null;
        });
    }

    [Fact]
    public async Task AMemberOfAnotherAuthorityReachesNobody()
    {
        await using var rig = new LoopbackRig { Scheme = "https" };
        using X509Certificate2 ours = Authority();
        using X509Certificate2 theirs = Authority();
        Use(rig, ours);
        await using IPeerSide one = await rig.StartAsync(1, 7, null);
        Use(rig, theirs);
        await using IPeerSide two = await rig.StartAsync(2, 7, null);
        one.Transport.SetPeers([rig.Address(2)], []);
        two.Transport.SetPeers([rig.Address(1)], []);

        await rig.UntilAsync("the failures", () =>
        {
            one.Transport.Send([MessageSamples.Heartbeat(1, 2, 3)]);
            two.Transport.Send([MessageSamples.Heartbeat(2, 1, 3)]);
            return one.Inbox.Unreachable.Count > 2 && two.Inbox.Unreachable.Count > 2;
        });

        Assert.Empty(one.Inbox.Messages);
        Assert.Empty(two.Inbox.Messages);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private void Use(LoopbackRig rig, X509Certificate2 authority)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=member", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
        using X509Certificate2 certificate = request.Create(authority, Now.AddDays(-1), Now.AddDays(1), RandomNumberGenerator.GetBytes(8));
        string cert = Write(certificate.ExportCertificatePem());
        string secret = Write(key.ExportPkcs8PrivateKeyPem());
        string trusted = Write(authority.ExportCertificatePem());
        rig.Flags = o => o with { PeerCertFile = cert, PeerKeyFile = secret, PeerTrustedCaFile = trusted, PeerClientCertAuth = true };
    }

    private string Write(string text)
    {
        string path = Path.Combine(_folder.FullName, Guid.NewGuid() + ".pem");
        File.WriteAllText(path, text);
        return path;
    }

    private static X509Certificate2 Authority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN=authority {Guid.NewGuid()}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, critical: true));
        return request.CreateSelfSigned(Now.AddDays(-2), Now.AddDays(2));
    }
}
