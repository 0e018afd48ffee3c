using System.Net;
using Etcd.Server.Hosting.Flags;

namespace Etcd.Server.Tests.Api;

/// <summary>
/// Goal: pages in browsers reach a member only as its operator wants (CVE-2018-5702, CVE-2018-1098, CVE-2018-1099). Method: a whole
/// member with such flags, requests with the headers of a browser.
/// </summary>
public sealed class AccessRulesTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AHostThatIsNotOnTheListIsMisdirected()
    {
        await using ApiHost host = await ApiHost.StartAsync(options => options with { HostWhitelist = Set("etcd.example", "::1") });
        foreach (string path in new[] { "/version", "/health", "/metrics", "/v3/kv/range" })
        {
            using HttpResponseMessage answer = await AskAsync(host, path, "evil.example:2379");
            Assert.Equal(HttpStatusCode.MisdirectedRequest, answer.StatusCode);
            Assert.Equal(
                "\netcd received your request, but the Host header was unrecognized.\n\n"
                + "To fix this, choose one of the following options:\n"
                + "- Enable TLS, then any HTTPS request will be allowed.\n"
                + "- Add the hostname you want to use to the whitelist in settings.\n"
                + "  - e.g. etcd --host-whitelist \"evil.example\"\n\n"
                + "This requirement has been added to help prevent \"DNS Rebinding\" attacks (CVE-2018-5702).\n\n",
                await answer.Content.ReadAsStringAsync(Cancel));
        }

        Assert.Equal(HttpStatusCode.OK, (await AskAsync(host, "/version", "etcd.example")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(host, "/version", "etcd.example:80")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(host, "/version", "[::1]:2379")).StatusCode);
    }

    [Fact]
    public async Task ACallIsNoPagesRequest()
    {
        await using ApiHost host = await ApiHost.StartAsync(options => options with { HostWhitelist = Set("etcd.example") });
        using HttpResponseMessage put = await host.CallAsync("/etcdserverpb.KV/Put", [0x0a, 0x01, (byte)'k']);
        await put.Content.LoadIntoBufferAsync(Cancel);
        Assert.Equal("0", put.TrailingHeaders.GetValues("grpc-status").Single());
    }

    /// <summary>CVE-2018-5702's kind: a page whose name was bound anew to this address can say any type of its request.</summary>
    [Theory]
    [InlineData("/version")]
    [InlineData("/v3/kv/range")]
    public async Task APageDoesNotPassForACall(string path)
    {
        await using ApiHost host = await ApiHost.StartAsync(options => options with { HostWhitelist = Set("etcd.example") });
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent("{}"), Version = HttpVersion.Version11 };
        request.Content.Headers.ContentType = new("application/grpc");
        request.Headers.Host = "page.example";
        using HttpResponseMessage answer = await host.Http.SendAsync(request, Cancel);
        Assert.Equal(HttpStatusCode.MisdirectedRequest, answer.StatusCode);
    }

    [Theory]
    [InlineData("*", "http://page.example:80", "*")]
    [InlineData("", "http://page.example:80", "*")]
    [InlineData("http://page.example:80", "http://page.example:80", "http://page.example:80")]
    [InlineData("http://page.example:80", "http://other.example:80", null)]
    [InlineData("http://page.example:80", null, null)]
    public async Task OriginsAreAllowedByFlag(string flag, string? origin, string? allowed)
    {
        await using ApiHost host = await ApiHost.StartAsync(
            options => options with { Cors = flag.Length == 0 ? Set() : Set(flag) });
        using HttpResponseMessage answer = await AskAsync(host, "/version", null, origin);
        using HttpResponseMessage preflight = await AskAsync(host, "/v3/kv/range", null, origin, HttpMethod.Options);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal((HttpStatusCode.OK, 0L), (preflight.StatusCode, preflight.Content.Headers.ContentLength));
        foreach (HttpResponseMessage each in new[] { answer, preflight })
        {
            Assert.Equal(allowed is not null, each.Headers.Contains("Access-Control-Allow-Origin"));
            if (allowed is not null)
            {
                Assert.Equal([allowed], each.Headers.GetValues("Access-Control-Allow-Origin"));
                Assert.Equal(["POST, GET, OPTIONS, PUT, DELETE"], each.Headers.GetValues("Access-Control-Allow-Methods"));
                Assert.Equal(["accept, content-type, authorization"], each.Headers.GetValues("Access-Control-Allow-Headers"));
            }
        }
    }

    [Fact]
    public void TheFlagsAreEtcds()
    {
        ServerOptions options = ServerFlags.Parse(
            [
                "--cors", "http://b.example:80,http://a.example:80", "--host-whitelist", "a, b", "--enable-grpc-gateway=false",
                "--metrics", "extensive", "--listen-metrics-urls", "http://127.0.0.1:2381,http://localhost:2382",
            ],
            new Dictionary<string, string>()).Options;
        Assert.Equal(["http://a.example:80", "http://b.example:80"], options.Cors.Order(StringComparer.Ordinal));
        Assert.Equal(["a", "b"], options.HostWhitelist.Order(StringComparer.Ordinal));
        Assert.False(options.EnableGrpcGateway);
        Assert.Equal(MetricsDetail.Extensive, options.Metrics);
        Assert.Equal(["http://127.0.0.1:2381", "http://localhost:2382"], options.ListenMetricsUrls.Select(u => u.Text));

        ServerOptions defaults = ServerFlags.Parse([], new Dictionary<string, string>()).Options;
        Assert.Equal(["*"], defaults.Cors);
        Assert.Equal(["*"], defaults.HostWhitelist);
        Assert.True(defaults.EnableGrpcGateway);
        Assert.Empty(defaults.ListenMetricsUrls);
        Assert.Throws<FlagException>(() => ServerFlags.Parse(["--listen-metrics-urls", "https://127.0.0.1:1"], new Dictionary<string, string>()));
    }

    private static HashSet<string> Set(params string[] names) => new(names, StringComparer.Ordinal);

    private static Task<HttpResponseMessage> AskAsync(ApiHost host, string path, string? name, string? origin = null, HttpMethod? method = null)
    {
        var request = new HttpRequestMessage(method ?? HttpMethod.Get, path);
        request.Headers.Host = name;
        if (origin is not null)
        {
            request.Headers.Add("Origin", origin);
        }

        return host.Http.SendAsync(request, Cancel);
    }
}
