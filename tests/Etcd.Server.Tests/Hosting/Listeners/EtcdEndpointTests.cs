using Etcd.Server.Hosting.Listeners;

namespace Etcd.Server.Tests.Hosting.Listeners;

/// <summary>Listen URLs are read as etcd reads them, and refused in its words.</summary>
public sealed class EtcdEndpointTests
{
    [Theory]
    [InlineData("http://127.0.0.1:2379", "http", "127.0.0.1", 2379)]
    [InlineData(" https://[::1]:2379 ", "https", "::1", 2379)]
    [InlineData("http://localhost:0", "http", "localhost", 0)]
    [InlineData("unix:///run/etcd.sock", "unix", "/run/etcd.sock", 0)]
    [InlineData("unixs://localhost:2379", "unixs", "localhost:2379", 0)]
    public void A_listen_URL_is_taken_apart(string url, string scheme, string host, int port)
    {
        var endpoint = EtcdEndpoint.Parse(url);

        Assert.Equal((scheme, host, port), (endpoint.Scheme, endpoint.Host, endpoint.Port));
        Assert.Equal(url.Trim(), endpoint.ToString());
        Assert.Equal(scheme is "https" or "unixs", endpoint.IsTls);
        Assert.Equal(scheme is "unix" or "unixs", endpoint.IsUnixSocket);
    }

    [Theory]
    [InlineData("127.0.0.1:2379", "URL scheme must be http, https, unix, or unixs: 127.0.0.1:2379")]
    [InlineData("ftp://127.0.0.1:2379", "URL scheme must be http, https, unix, or unixs: ftp://127.0.0.1:2379")]
    [InlineData("http://127.0.0.1", "URL address does not have the form \"host:port\": http://127.0.0.1")]
    [InlineData("http://::1:2379", "URL address does not have the form \"host:port\": http://::1:2379")]
    [InlineData("http://127.0.0.1:99999", "URL address does not have the form \"host:port\": http://127.0.0.1:99999")]
    [InlineData("http://127.0.0.1:2379/path", "URL must not contain a path: http://127.0.0.1:2379/path")]
    [InlineData("http://etcd.example:2379", "expected IP in URL for binding (http://etcd.example:2379)")]
    [InlineData("http://:2379", "expected IP in URL for binding (http://:2379)")]
    [InlineData("unix://", "unix socket URL has no path: unix://")]
    public void Another_text_is_refused(string url, string message)
    {
        Assert.Equal(message, Assert.Throws<FormatException>(() => EtcdEndpoint.Parse(url)).Message);
    }
}
