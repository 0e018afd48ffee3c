using Etcd.Server.Hosting;
using Etcd.TestKit.Processes;

namespace Etcd.Server.Tests.Hosting;

/// <summary>What a certificate must be besides verified.</summary>
public sealed class CertificateRulesTests : IDisposable
{
    private readonly TestAuthority _authority = new();

    public void Dispose() => _authority.Dispose();

    [Theory]
    [InlineData("", "", true)]
    [InlineData("member", "", true)]
    [InlineData("other,member", "", true)]
    [InlineData("Member", "", false)]
    [InlineData("memb", "", false)]
    [InlineData("", "a.test", true)]
    [InlineData("", "x.b.test", true)]
    [InlineData("", "b.test", false)]
    [InlineData("", "127.0.0.1", true)]
    [InlineData("", "127.0.0.2", false)]
    [InlineData("", "member", false)]
    public void ANameOfTheListLetsIn(string names, string hosts, bool expected)
    {
        TestCertificate certificate = _authority.Issue("member", ["127.0.0.1"], ["a.test", "*.b.test"]);
        var rules = new CertificateRules(Words(names), Words(hosts), "");
        Assert.Equal(expected, rules.AllowName(certificate.Certificate));
    }

    [Fact]
    public void ACertificateOfTheListIsRevokedAndSoIsOneSentWithIt()
    {
        TestCertificate revoked = _authority.Issue("revoked");
        TestCertificate good = _authority.Issue("good");
        string list = _authority.Revoke(_authority.Issue("another"), revoked);
        var rules = new CertificateRules([], [], list);
        Assert.True(rules.IsRevoked([revoked.Certificate]));
        Assert.True(rules.IsRevoked([good.Certificate, revoked.Certificate]));
        Assert.False(rules.IsRevoked([good.Certificate]));

        // It is read anew for each connection; one that cannot be read lets nobody in.
        File.Copy(_authority.Revoke(good), list, overwrite: true);
        Assert.True(rules.IsRevoked([good.Certificate]));
        Assert.False(rules.IsRevoked([revoked.Certificate]));
        File.WriteAllText(list, "no list");
        Assert.True(rules.IsRevoked([revoked.Certificate]));
        File.Delete(list);
        Assert.True(rules.IsRevoked([revoked.Certificate]));
        Assert.False(new CertificateRules([], [], "").IsRevoked([revoked.Certificate]));
    }

    private static string[] Words(string text) => text.Split(',', StringSplitOptions.RemoveEmptyEntries);
}
