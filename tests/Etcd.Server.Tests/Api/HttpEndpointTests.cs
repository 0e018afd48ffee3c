using System.Net;
using Etcd.Protocol.Etcdserverpb;
using Google.Protobuf;
using static Etcd.Protocol.Etcdserverpb.AlarmRequest.Types;

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

    [Fact]
    public async Task AnAlarmMakesTheMemberUnhealthyUnlessItIsExcluded()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        await AlarmAsync(host, AlarmAction.Activate, AlarmType.Corrupt, 0);
        await AlarmAsync(host, AlarmAction.Activate, AlarmType.Nospace, 5);

        // The first in the list counts: NOSPACE comes before CORRUPT.
        await AssertHealthAsync(host, "/health", "ALARM NOSPACE");
        await AssertHealthAsync(host, "/health?serializable=true", "ALARM NOSPACE");
        await AssertHealthAsync(host, "/health?exclude=NOSPACE", "ALARM CORRUPT");
        await AssertHealthAsync(host, "/health?exclude=NOSPACE&exclude=CORRUPT", null);
        await AssertHealthAsync(host, "/health?exclude=nospace", "ALARM NOSPACE");
        await AlarmAsync(host, AlarmAction.Deactivate, AlarmType.Nospace, 5);
        await AlarmAsync(host, AlarmAction.Deactivate, AlarmType.Corrupt, 0);
        await AlarmAsync(host, AlarmAction.Activate, (AlarmType)7, 5);
        await AssertHealthAsync(host, "/health", "ALARM UNKNOWN");
        await AssertHealthAsync(host, "/health?exclude=7", null);
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

    private static async Task AlarmAsync(ApiHost host, AlarmAction action, AlarmType type, ulong member)
    {
        var request = new AlarmRequest { Action = action, Alarm = type, MemberID = member };
        using HttpResponseMessage answer = await host.CallAsync("/etcdserverpb.Maintenance/Alarm", request.ToByteArray());
        await using Stream body = await answer.Content.ReadAsStreamAsync(Cancel);
        AlarmResponse response = AlarmResponse.Parser.ParseFrom(await ApiHost.ReadAsync(body));
        Assert.Equal([new AlarmMember { Alarm = type, MemberID = member }], response.Alarms);
        Assert.Equal(1, response.Header.Revision);
    }

    private static async Task AssertHealthAsync(ApiHost host, string path, string? reason)
    {
        using HttpResponseMessage answer = await host.Http.GetAsync(path, Cancel);
        string body = await answer.Content.ReadAsStringAsync(Cancel);
        Assert.Equal(
            reason is null
                ? (HttpStatusCode.OK, """{"health":"true","reason":""}""")
                : (HttpStatusCode.ServiceUnavailable, $$"""{"health":"false","reason":"{{reason}}"}""" + "\n"),
            (answer.StatusCode, body));
    }
}
