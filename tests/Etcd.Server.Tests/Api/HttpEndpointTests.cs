using System.Net;
using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Api;
using Etcd.Server.Api.Http;
using Etcd.Server.Apply;
using Etcd.Server.Apply.Alarms;
using Etcd.Server.Apply.Requests;
using Etcd.Server.Hosting;
using Etcd.Server.Hosting.Flags;
using Etcd.Server.Hosting.Listeners;
using Etcd.Server.Node;
using Etcd.Server.Primitives;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using static Etcd.Protocol.Etcdserverpb.AlarmRequest.Types;

namespace Etcd.Server.Tests.Api;

/// <summary>
/// Goal: the HTTP endpoints answer with etcd's status, headers and bytes. Method: a whole member, one request each; the endpoints alone for
/// states that a lone member does not get into.
/// </summary>
public sealed class HttpEndpointTests
{
    private const string PlainText = "text/plain; charset=utf-8";
    private const string LivezLines = "[+]serializable_read ok\nok\n";
    private const string ReadyzLines =
        "[+]data_corruption ok\n[+]serializable_read ok\n[+]linearizable_read ok\n[+]non_learner ok\nok\n";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string, string, string> Answers => new()
    {
        { "/health", PlainText, """{"health":"true","reason":""}""" },
        { "/health?serializable=true", PlainText, """{"health":"true","reason":""}""" },
        { "/health?exclude=NOSPACE&exclude=CORRUPT", PlainText, """{"health":"true","reason":""}""" },
        { "/version", "application/json", """{"etcdserver":"3.7.1","etcdcluster":"3.7.0","storage":"3.7.0"}""" },
        { "/livez", PlainText, "ok\n" },
        { "/livez?verbose", PlainText, LivezLines },
        { "/livez?exclude=serializable_read&verbose", PlainText, "ok\n" },
        { "/livez/serializable_read", PlainText, "ok\n" },
        { "/livez/serializable_read?verbose", PlainText, LivezLines },
        { "/readyz", PlainText, "ok\n" },
        { "/readyz?verbose", PlainText, ReadyzLines },
        { "/readyz?verbose&exclude=linearizable_read&exclude=no_such_check", PlainText, ReadyzLines.Replace("[+]linearizable_read ok\n", "", StringComparison.Ordinal) },
        { "/readyz/data_corruption", PlainText, "ok\n" },
        { "/readyz/serializable_read", PlainText, "ok\n" },
        { "/readyz/linearizable_read", PlainText, "ok\n" },
        { "/readyz/non_learner?verbose", PlainText, "[+]non_learner ok\nok\n" },
    };

    [Fact]
    public async Task AGetIsAnswered()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        foreach ((string path, string contentType, string body) in Answers.Select(row => row.Data))
        {
            using HttpResponseMessage answer = await host.Http.GetAsync(path, Cancel);

            Assert.Equal((path, HttpStatusCode.OK), (path, answer.StatusCode));
            Assert.Equal(contentType, answer.Content.Headers.ContentType?.ToString());
            Assert.Equal(body.Length, answer.Content.Headers.ContentLength);
            Assert.Equal((path, body), (path, await answer.Content.ReadAsStringAsync(Cancel)));
        }
    }

    [Fact]
    public async Task AnotherMethodIsRefused()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        foreach (string path in new[] { "/health", "/version", "/livez", "/readyz", "/readyz/non_learner" })
        {
            using HttpResponseMessage answer = await host.Http.PostAsync(path, content: null, Cancel);

            Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.StatusCode);
            Assert.Equal(["GET"], answer.Content.Headers.Allow);
            Assert.Equal(PlainText, answer.Content.Headers.ContentType?.ToString());
            Assert.Equal(["nosniff"], answer.Headers.GetValues("X-Content-Type-Options"));
            Assert.Equal("Method Not Allowed\n", await answer.Content.ReadAsStringAsync(Cancel));
        }
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
    [InlineData("/livez/no_such_check")]
    [InlineData("/readyz/")]
    [InlineData("/health/")]
    public async Task WhatIsNoCheckIsNotFound(string path)
    {
        await using ApiHost host = await ApiHost.StartAsync();
        using HttpResponseMessage answer = await host.Http.GetAsync(path, Cancel);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Equal("404 page not found\n", await answer.Content.ReadAsStringAsync(Cancel));
    }

    [Theory]
    [InlineData("", """{"health":"false","reason":"ALARM NOSPACE"}""")]
    [InlineData("?exclude=NOSPACE", """{"health":"false","reason":"ALARM CORRUPT"}""")]
    [InlineData("?serializable=true&exclude=CORRUPT", """{"health":"false","reason":"ALARM NOSPACE"}""")]
    public async Task AnAlarmMakesAMemberUnhealthy(string query, string body)
    {
        await using ApiHost host = await ApiHost.StartAsync();
        ApiContext api = host.Member.Api with { Alarms = new Raised(host.Member.Api.Alarms, AlarmKind.NoSpace, AlarmKind.Corrupt) };

        Assert.Equal((503, body + "\n"), await AskAsync(query, http => HealthEndpoint.Handle(http, api)));
        Assert.Equal((200, """{"health":"true","reason":""}"""), await AskAsync(
            "?exclude=CORRUPT&exclude=NOSPACE", http => HealthEndpoint.Handle(http, api)));
    }

    [Fact]
    public async Task CorruptDataMakeAMemberNotReadyAndNotDead()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        WebApplication app = Serve(host.Member.Api with { Alarms = new Raised(host.Member.Api.Alarms, AlarmKind.Corrupt) });
        await using (app)
        {
            using HttpClient http = await ClientAsync(app);
            using HttpResponseMessage ready = await http.GetAsync("/readyz", Cancel);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
            Assert.Equal(["nosniff"], ready.Headers.GetValues("X-Content-Type-Options"));
            Assert.Equal(
                "[-]data_corruption failed: alarm activated: CORRUPT\n[+]serializable_read ok\n[+]linearizable_read ok\n[+]non_learner ok\n\n",
                await ready.Content.ReadAsStringAsync(Cancel));
            Assert.Equal("ok\n", await http.GetStringAsync("/readyz?exclude=data_corruption", Cancel));
            Assert.Equal("ok\n", await http.GetStringAsync("/livez", Cancel));
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await http.GetAsync("/readyz/data_corruption", Cancel)).StatusCode);
        }
    }

    [Fact]
    public async Task AMemberWithoutALeaderIsAliveAndNotHealthy()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        ApiContext api = host.Member.Api with
        {
            Status = new Leaderless(host.Member),
            Reads = new Unread(host.Member, EtcdErrors.Timeout),
        };
        await using WebApplication app = Serve(api);
        using HttpClient http = await ClientAsync(app);

        Assert.Equal("""{"health":"false","reason":"RAFT NO LEADER"}""" + "\n", await BodyAsync(http, "/health"));
        Assert.Equal("""{"health":"true","reason":""}""", await BodyAsync(http, "/health?serializable=true"));
        Assert.Equal("ok\n", await BodyAsync(http, "/livez"));
        Assert.Equal("[-]linearizable_read failed: etcdserver: request timed out\n\n", await BodyAsync(http, "/readyz/linearizable_read"));
        Assert.Equal("[-]non_learner failed: not supported for learner\n\n", await BodyAsync(http, "/readyz/non_learner"));
    }

    [Fact]
    public async Task AReadThatFailsMakesAMemberUnhealthy()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        ApiContext api = host.Member.Api with { Reads = new Unread(host.Member, EtcdErrors.LeaderChanged) };
        Assert.Equal(
            (503, """{"health":"false","reason":"RANGE ERROR:etcdserver: leader changed"}""" + "\n"),
            await AskAsync("", http => HealthEndpoint.Handle(http, api)));
    }

    [Fact]
    public async Task APortForMetricsServesThoseAndHealthAndNothingElse()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        await using WebApplication metrics = Serve(host.Member.Api);
        using HttpClient http = await ClientAsync(metrics);

        Assert.Contains("etcd_server_has_leader 1\n", await http.GetStringAsync("/metrics", Cancel), StringComparison.Ordinal);
        Assert.Equal("""{"health":"true","reason":""}""", await http.GetStringAsync("/health", Cancel));
        Assert.Equal("ok\n", await http.GetStringAsync("/readyz", Cancel));
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("/version", Cancel)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await http.PostAsync("/v3/kv/range", null, Cancel)).StatusCode);
    }

    private static async Task<string> BodyAsync(HttpClient http, string path)
    {
        using HttpResponseMessage answer = await http.GetAsync(path, Cancel);
        return await answer.Content.ReadAsStringAsync(Cancel);
    }

    private static async Task<(int Status, string Body)> AskAsync(string query, Func<HttpContext, Task> endpoint)
    {
        var http = new DefaultHttpContext();
        using var body = new MemoryStream();
        http.Request.Method = "GET";
        http.Request.QueryString = new QueryString(query);
        http.Response.Body = body;
        await endpoint(http);
        return (http.Response.StatusCode, System.Text.Encoding.UTF8.GetString(body.ToArray()));
    }

    private static WebApplication Serve(ApiContext api)
    {
        var options = new ServerOptions { ListenMetricsUrls = [EtcdUrl.Parse("http://127.0.0.1:0")] };
        WebApplicationBuilder builder = ClientServer.NewBuilder(NullLoggerFactory.Instance, options.ListenMetricsUrls, options, tls: null);
        builder.Services.AddRoutingCore();
        WebApplication app = builder.Build();
        app.MapEtcdMetrics(api);
        return app;
    }

    private static async Task<HttpClient> ClientAsync(WebApplication app)
    {
        await app.StartAsync(Cancel);
        return new HttpClient { BaseAddress = new Uri(app.Services.GetRequiredService<IBoundEndpoints>().Endpoints[0].ToString()) };
    }

    private sealed class Raised(IAlarms alarms, params AlarmKind[] kinds) : IAlarms
    {
        IReadOnlyList<RaisedAlarm> IAlarms.Raised { get; } = [.. kinds.Select(kind => new RaisedAlarm(new MemberId(1), kind))];

        public long QuotaBytes => alarms.QuotaBytes;

        public bool HasRoomForLease => alarms.HasRoomForLease;

        public bool HasRoomFor(in PutRequestView put) => alarms.HasRoomFor(in put);

        public bool HasRoomFor(TxnRequestTree txn, int requestBytes) => alarms.HasRoomFor(txn, requestBytes);

        public Task<ApplyOutcome> RefuseAsync() => alarms.RefuseAsync();
    }

    private sealed class Unread(IReads reads, EtcdError error) : IReads
    {
        public Server.Storage.MvccStore Store => reads.Store;

        public ValueTask LinearizeAsync(CancellationToken cancellation) => ValueTask.FromException(error.ToException());

        public Task WhenCompactedAsync(long revision) => reads.WhenCompactedAsync(revision);

        public Task<Server.Apply.Snapshots.StateExport> ExportAsync() => reads.ExportAsync();

        public Task DefragmentAsync() => reads.DefragmentAsync();
    }

    private sealed class Leaderless(IMemberStatus status) : IMemberStatus
    {
        public MemberId MemberId => status.MemberId;

        public ulong ClusterId => status.ClusterId;

        public Term Term => status.Term;

        public MemberId Leader => MemberId.None;

        public LogIndex Committed => status.Committed;

        public LogIndex Applied => status.Applied;

        public long Revision => status.Revision;

        public long StoreBytes => status.StoreBytes;

        public long StoreBytesInUse => status.StoreBytesInUse;

        public IReadOnlyList<Server.Membership.Member> Members => status.Members;

        public string? ClusterVersion => status.ClusterVersion;

        public string ServerVersion => status.ServerVersion;

        public bool IsLearner => true;

        public Task Started => status.Started;

        public CancellationToken LeaderLost => status.LeaderLost;
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
