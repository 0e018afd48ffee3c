using System.Net;
using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Program;

/// <summary>Goal: the port that serves gRPC answers plain HTTP/1.1 too, with etcd's bytes.</summary>
public sealed class HttpTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Health_and_version_are_etcds_JSON()
    {
        await using ServerProcess server = await ServerProcess.StartAsync(ServerProgram.Ours, [], Token);
        using var http = new HttpClient();

        Assert.Equal("""{"health":"true","reason":""}""", await http.GetStringAsync(server.ClientUrl + "/health", Token));
        Assert.Equal("""{"health":"true","reason":""}""", await http.GetStringAsync(server.ClientUrl + "/health?serializable=true", Token));
        Assert.Equal(
            """{"etcdserver":"3.7.1","etcdcluster":"3.7.0","storage":"3.7.0"}""", await http.GetStringAsync(server.ClientUrl + "/version", Token));
        Assert.Equal(
            """{"etcdserver":"3.7.1","etcdcluster":"3.7.0","storage":"3.7.0"}""", await http.GetStringAsync($"http://{server.PeerEndpoint}/version", Token));
    }

    [Theory]
    [InlineData("GET", "/health", HttpStatusCode.OK)]
    [InlineData("POST", "/health", HttpStatusCode.MethodNotAllowed)]
    [InlineData("POST", "/version", HttpStatusCode.MethodNotAllowed)]
    [InlineData("GET", "/no-such-path", HttpStatusCode.NotFound)]
    public async Task Status_content_type_and_methods_are_etcds(string method, string path, HttpStatusCode status)
    {
        RealEtcd.Require();
        await using ServerProcess etcd = await ServerProcess.StartAsync(ServerProgram.Real, [], Token);
        await using ServerProcess ours = await ServerProcess.StartAsync(ServerProgram.Ours, [], Token);
        using var http = new HttpClient();
        using HttpResponseMessage expected = await http.SendAsync(new HttpRequestMessage(new HttpMethod(method), etcd.ClientUrl + path), Token);
        using HttpResponseMessage actual = await http.SendAsync(new HttpRequestMessage(new HttpMethod(method), ours.ClientUrl + path), Token);

        Assert.Equal(status, expected.StatusCode);
        Assert.Equal(status, actual.StatusCode);
        Assert.Equal(expected.Content.Headers.Allow, actual.Content.Headers.Allow);
        Assert.Equal(expected.Headers.Contains("X-Content-Type-Options"), actual.Headers.Contains("X-Content-Type-Options"));
        Assert.Equal(expected.Content.Headers.ContentType, actual.Content.Headers.ContentType);
        Assert.Equal(expected.Content.Headers.ContentLength, actual.Content.Headers.ContentLength);
        Assert.Equal(await expected.Content.ReadAsStringAsync(Token), await actual.Content.ReadAsStringAsync(Token));
    }
}
