using System.Net;
using System.Net.Sockets;
using Etcd.Server.Hosting.Peers;
using Etcd.TestKit.Processes;

namespace Etcd.Server.Tests.Peer;

/// <summary>From where a member may connect, by what its certificate says; names are looked up in a table.</summary>
public sealed class PeerSanCheckTests : IDisposable
{
    private static readonly PeerSanCheck Check = new(
        (address, _) => address.ToString() == "10.0.0.2"
            ? Task.FromResult<IReadOnlyList<string>>(["two.cluster.test."])
            : throw new SocketException((int)SocketError.HostNotFound),
        (name, _) => name == "one.test"
            ? Task.FromResult<IPAddress[]>([IPAddress.Parse("10.0.0.9"), IPAddress.Parse("10.0.0.1")])
            : throw new SocketException((int)SocketError.HostNotFound));

    private readonly TestAuthority _authority = new();

    public void Dispose() => _authority.Dispose();

    [Theory]
    [InlineData("10.0.0.1", "", "", true)]
    [InlineData("10.0.0.1", "10.0.0.1", "", true)]
    [InlineData("::ffff:10.0.0.1", "10.0.0.1", "", true)]
    [InlineData("10.0.0.1", "10.0.0.2", "", false)]
    [InlineData("10.0.0.1", "10.0.0.2", "one.test", true)]
    [InlineData("10.0.0.3", "", "one.test", false)]
    [InlineData("10.0.0.2", "", "two.cluster.test", true)]
    [InlineData("10.0.0.2", "", "*.cluster.test", true)]
    [InlineData("10.0.0.2", "", "*.other.test", false)]
    [InlineData("10.0.0.2", "", "unknown.test", false)]
    public async Task AMemberComesFromWhereItsCertificateSays(string from, string addresses, string hosts, bool expected)
    {
        TestCertificate certificate = _authority.Issue("member", addresses.Length > 0 ? [addresses] : null, hosts.Length > 0 ? [hosts] : null);
        string? refusal = await Check.RefuseAsync(certificate.Certificate, new IPEndPoint(IPAddress.Parse(from), 1), TestContext.Current.CancellationToken);
        Assert.Equal(expected, refusal is null);
    }

    [Fact]
    public async Task ARefusalSaysWhy()
    {
        var from = new IPEndPoint(IPAddress.Parse("10.0.0.3"), 1);
        Assert.Equal(
            "x509: certificate is valid for 10.0.0.1, not 10.0.0.3",
            await Check.RefuseAsync(_authority.Issue("m", ["10.0.0.1"]).Certificate, from, TestContext.Current.CancellationToken));
        Assert.StartsWith(
            "tls: \"10.0.0.3\" does not match any of DNSNames [\"a.test\"] (",
            await Check.RefuseAsync(_authority.Issue("m", null, ["a.test"]).Certificate, from, TestContext.Current.CancellationToken),
            StringComparison.Ordinal);
        Assert.Null(await Check.RefuseAsync(_authority.Issue("m", ["10.0.0.1"]).Certificate, new UnixDomainSocketEndPoint("/x"), TestContext.Current.CancellationToken));
    }
}
