using System.Net;

namespace Etcd.Server.Tests.Api;

/// <summary>Goal: the HTTP endpoints answer with etcd's status, headers and bytes. Method: a whole member, one request each.</summary>
public sealed class HttpEndpointTests
{
    private const string PlainText = "text/plain; charset=utf-8";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/health", PlainText, """{"health":"true","reason":""}""")]
    [InlineData("/health?serializable=true", PlainText, """{"health":"true","reason":""}""")]
    [InlineData("/version", "application/json", """{"etcdserver":"3.7.1","etcdcluster":"3.7.0","storage":"3.7.0"}""")]
    public async Task AGetIsAnswered(string path, string contentType, string body)
    {
        await using ApiHost host = await ApiHost.StartAsync();

        using HttpResponseMessage answer = await host.Http.GetAsync(path, Cancel);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(contentType, answer.Content.Headers.ContentType?.ToString());
        Assert.Equal(body.Length, answer.Content.Headers.ContentLength);
        Assert.Equal(body, await answer.Content.ReadAsStringAsync(Cancel));
    }

    [Theory]
    [InlineData("/health")]
    [InlineData("/version")]
    public async Task AnotherMethodIsRefused(string path)
    {
        await using ApiHost host = await ApiHost.StartAsync();

        using HttpResponseMessage answer = await host.Http.PostAsync(path, content: null, Cancel);

        Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.StatusCode);
        Assert.Equal(["GET"], answer.Content.Headers.Allow);
        Assert.Equal(PlainText, answer.Content.Headers.ContentType?.ToString());
        Assert.Equal(["nosniff"], answer.Headers.GetValues("X-Content-Type-Options"));
        Assert.Equal("Method Not Allowed\n", await answer.Content.ReadAsStringAsync(Cancel));
    }
}
