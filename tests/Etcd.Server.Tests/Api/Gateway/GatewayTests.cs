using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Etcd.Server.Api.Gateway;

namespace Etcd.Server.Tests.Api.Gateway;

/// <summary>
/// Goal: the API as JSON over HTTP and WebSockets, with etcd's paths, forms and statuses. Method: a whole member, requests as curl sends
/// them.
/// </summary>
public sealed class GatewayTests : IAsyncLifetime
{
    // Base64 of k, v, w and z.
    private const string K = "aw==";
    private const string V = "dg==";

    private ApiHost _host = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _host = await ApiHost.StartAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public void TheRoutesAreEtcds() => Assert.Equal(
        """
        /v3/auth/authenticate
        /v3/auth/disable
        /v3/auth/enable
        /v3/auth/role/add
        /v3/auth/role/delete
        /v3/auth/role/get
        /v3/auth/role/grant
        /v3/auth/role/list
        /v3/auth/role/revoke
        /v3/auth/status
        /v3/auth/user/add
        /v3/auth/user/changepw
        /v3/auth/user/delete
        /v3/auth/user/get
        /v3/auth/user/grant
        /v3/auth/user/list
        /v3/auth/user/revoke
        /v3/cluster/member/add
        /v3/cluster/member/list
        /v3/cluster/member/promote
        /v3/cluster/member/remove
        /v3/cluster/member/update
        /v3/election/campaign
        /v3/election/leader
        /v3/election/observe
        /v3/election/proclaim
        /v3/election/resign
        /v3/kv/compaction
        /v3/kv/deleterange
        /v3/kv/lease/leases
        /v3/kv/lease/revoke
        /v3/kv/lease/timetolive
        /v3/kv/put
        /v3/kv/range
        /v3/kv/txn
        /v3/lease/grant
        /v3/lease/keepalive
        /v3/lease/leases
        /v3/lease/revoke
        /v3/lease/timetolive
        /v3/lock/lock
        /v3/lock/unlock
        /v3/maintenance/alarm
        /v3/maintenance/defragment
        /v3/maintenance/downgrade
        /v3/maintenance/hash
        /v3/maintenance/hashkv
        /v3/maintenance/snapshot
        /v3/maintenance/status
        /v3/maintenance/transfer-leadership
        /v3/watch
        """.ReplaceLineEndings("\n"),
        string.Join('\n', GatewayRoutes.Paths.Order(StringComparer.Ordinal)));

    [Fact]
    public async Task AKeyIsPutReadAndDeleted()
    {
        (_, string put) = await PostAsync("/v3/kv/put", $$$"""{"key":"{{{K}}}","value":"{{{V}}}"}""");
        Assert.StartsWith("""{"header":{"cluster_id":""", put, StringComparison.Ordinal);
        Assert.Contains("\"revision\":\"2\"", put, StringComparison.Ordinal);

        (HttpStatusCode status, string range) = await PostAsync("/v3/kv/range", $$$"""{"key":"{{{K}}}"}""");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.EndsWith(
            $$$""","kvs":[{"key":"{{{K}}}","create_revision":"2","mod_revision":"2","version":"1","value":"{{{V}}}"}],"count":"1"}""",
            range,
            StringComparison.Ordinal);

        (_, string deleted) = await PostAsync("/v3/kv/deleterange", $$$"""{"key":"{{{K}}}","prev_kv":true}""");
        Assert.Contains("\"deleted\":\"1\",\"prev_kvs\":[{", deleted, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ATransactionIsRun()
    {
        (_, string txn) = await PostAsync(
            "/v3/kv/txn",
            $$$"""
            {"compare":[{"key":"{{{K}}}","result":"EQUAL","target":"CREATE","create_revision":"0"}],
             "success":[{"request_put":{"key":"{{{K}}}","value":"{{{V}}}"}},{"requestRange":{"key":"{{{K}}}"}}]}
            """);
        using JsonDocument json = JsonDocument.Parse(txn);
        Assert.True(json.RootElement.GetProperty("succeeded").GetBoolean());
        JsonElement responses = json.RootElement.GetProperty("responses");
        Assert.Equal("2", responses[0].GetProperty("response_put").GetProperty("header").GetProperty("revision").GetString());
        Assert.Equal(V, responses[1].GetProperty("response_range").GetProperty("kvs")[0].GetProperty("value").GetString());
    }

    [Theory]
    [InlineData("/v3/kv/put", "{}", HttpStatusCode.BadRequest, 3, "etcdserver: key is not provided")]
    [InlineData("/v3/kv/put", "", HttpStatusCode.BadRequest, 3, "etcdserver: key is not provided")]
    [InlineData("/v3/kv/range", """{"key":"aw==","revision":"99"}""", HttpStatusCode.BadRequest, 11, "etcdserver: mvcc: required revision is a future revision")]
    [InlineData("/v3/lease/revoke", """{"ID":"1"}""", HttpStatusCode.NotFound, 5, "etcdserver: requested lease not found")]
    [InlineData("/v3/lease/grant", """{"ID":"1","TTL":"9000000001"}""", HttpStatusCode.BadRequest, 11, "etcdserver: too large lease TTL")]
    [InlineData("/v3/election/leader", """{"name":"ZQ=="}""", HttpStatusCode.InternalServerError, 2, "election: no leader")]
    [InlineData("/v3/no/such", "{}", HttpStatusCode.NotFound, 5, "Not Found")]
    [InlineData("/v3/", "{}", HttpStatusCode.NotFound, 5, "Not Found")]
    public async Task ErrorsHaveCodeMessageAndStatus(string path, string body, HttpStatusCode status, int code, string message)
    {
        (HttpStatusCode got, string text) = await PostAsync(path, body);
        Assert.Equal(status, got);
        Assert.Equal($$$"""{"error":"{{{message}}}","code":{{{code}}},"message":"{{{message}}}"}""", text);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("x")]
    [InlineData("[]")]
    [InlineData("""{"key":17}""")]
    [InlineData("""{"limit":"many"}""")]
    public async Task WhatIsNoRequestIsInvalid(string body)
    {
        (HttpStatusCode status, string text) = await PostAsync("/v3/kv/range", body);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal(3, JsonDocument.Parse(text).RootElement.GetProperty("code").GetInt32());
        // It is still there.
        Assert.Equal(HttpStatusCode.OK, (await PostAsync("/v3/kv/range", $$$"""{"key":"{{{K}}}"}""")).Status);
    }

    [Fact]
    public async Task ARequestThatIsTooLargeIsRefusedAsGrpcRefusesIt()
    {
        string large = Convert.ToBase64String(new byte[1024 * 1024 * 3]);
        (HttpStatusCode status, string text) = await PostAsync("/v3/kv/put", $$$"""{"key":"{{{K}}}","value":"{{{large}}}"}""");
        Assert.Equal(HttpStatusCode.TooManyRequests, status);
        Assert.Contains("received message larger than max", text, StringComparison.OrdinalIgnoreCase);

        string huge = Convert.ToBase64String(new byte[1024 * 1024 * 8]);
        (status, text) = await PostAsync("/v3/kv/put", $$$"""{"key":"{{{K}}}","value":"{{{huge}}}"}""");
        Assert.Equal(HttpStatusCode.TooManyRequests, status);
        Assert.Contains("received message larger than max", text, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task AnotherMethodIsNotImplemented()
    {
        using HttpResponseMessage answer = await _host.Http.GetAsync("/v3/kv/range", Cancel);
        Assert.Equal(HttpStatusCode.NotImplemented, answer.StatusCode);
        Assert.Equal("""{"error":"Method Not Allowed","code":12,"message":"Method Not Allowed"}""", await answer.Content.ReadAsStringAsync(Cancel));
    }

    [Fact]
    public async Task ASuccessSaysThatItIsJson()
    {
        using HttpResponseMessage answer = await _host.Http.PostAsync("/v3/maintenance/status", new StringContent("{}"), Cancel);
        Assert.Equal("application/json", answer.Content.Headers.ContentType?.ToString());
        Assert.Equal(["application/grpc"], answer.Headers.GetValues("Grpc-Metadata-Content-Type"));
        Assert.NotNull(answer.Content.Headers.ContentLength);
    }

    [Fact]
    public async Task OldPathsLeadToTheSame()
    {
        await PostAsync("/v3beta/kv/put", $$$"""{"key":"{{{K}}}"}""");
        Assert.Contains("\"count\":\"1\"", (await PostAsync("/v3beta/kv/range", $$$"""{"key":"{{{K}}}"}""")).Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync("/v3/kv/lease/leases", "{}")).Status);
    }

    [Fact]
    public async Task UsersAreServed()
    {
        (HttpStatusCode status, string text) = await PostAsync("/v3/auth/user/add", """{"name":"u","options":{"no_password":true}}""");
        Assert.True(status == HttpStatusCode.OK, text);
        Assert.Contains("\"users\":[\"u\"]", (await PostAsync("/v3/auth/user/list", "{}")).Text, StringComparison.Ordinal);
        (status, text) = await PostAsync("/v3/auth/authenticate", """{"name":"u","password":"x"}""");
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal("""{"error":"etcdserver: authentication is not enabled","code":9,"message":"etcdserver: authentication is not enabled"}""", text);
    }

    [Fact]
    public async Task AWatchIsALineForEachResponse()
    {
        using HttpResponseMessage answer = await BeginAsync("/v3/watch", new StringContent($$$"""{"create_request":{"key":"{{{K}}}"}}"""));
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(Cancel));
        Assert.Contains("\"created\":true", await lines.ReadLineAsync(Cancel), StringComparison.Ordinal);
        Assert.Equal("application/json", answer.Content.Headers.ContentType?.ToString());

        await PostAsync("/v3/kv/put", $$$"""{"key":"{{{K}}}","value":"{{{V}}}"}""");
        await PostAsync("/v3/kv/deleterange", $$$"""{"key":"{{{K}}}"}""");

        string put = (await lines.ReadLineAsync(Cancel))!;
        Assert.StartsWith("""{"result":{"header":{""", put, StringComparison.Ordinal);
        Assert.EndsWith(
            $$$""","events":[{"kv":{"key":"{{{K}}}","create_revision":"2","mod_revision":"2","version":"1","value":"{{{V}}}"}}]}}""",
            put,
            StringComparison.Ordinal);
        Assert.EndsWith(
            $$$""","events":[{"type":"DELETE","kv":{"key":"{{{K}}}","mod_revision":"3"}}]}}""", await lines.ReadLineAsync(Cancel), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RequestsOfAStreamMayFollowOneAnother()
    {
        await PostAsync("/v3/lease/grant", """{"ID":7,"TTL":100}""");
        await using ChunkedCall call = await ChunkedCall.BeginAsync(_host, "/v3/lease/keepalive", """{"ID":"7"}""");
        Assert.EndsWith("\"ID\":\"7\",\"TTL\":\"100\"}}", await call.ReadAsync(), StringComparison.Ordinal);

        await call.WriteAsync("""{"ID":8}{"ID":"7"}""");
        Assert.EndsWith("\"ID\":\"8\"}}", await call.ReadAsync(), StringComparison.Ordinal);
        Assert.EndsWith("\"ID\":\"7\",\"TTL\":\"100\"}}", await call.ReadAsync(), StringComparison.Ordinal);
        await call.EndAsync();
        Assert.Null(await call.ReadAsync());
    }

    [Fact]
    public async Task AStreamThatFailsEndsWithAnError()
    {
        await PostAsync("/v3/lease/grant", """{"ID":7,"TTL":100}""");
        await using ChunkedCall call = await ChunkedCall.BeginAsync(_host, "/v3/lease/keepalive", """{"ID":"7"}""");
        Assert.Contains("result", await call.ReadAsync(), StringComparison.Ordinal);

        await call.WriteAsync("""{"ID":"seven"}""");

        Assert.Equal(
            """{"error":{"grpc_code":3,"http_code":400,"http_status":"Bad Request","code":3,"message":"invalid value for int64 field ID: \"seven\""}}""",
            await call.ReadAsync());
        Assert.Null(await call.ReadAsync());
    }

    [Fact]
    public async Task AStreamThatFailsAtOnceHasTheStatusOfItsError()
    {
        using HttpResponseMessage answer = await BeginAsync("/v3/watch", new StringContent("{"));
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("\"grpc_code\":3", await answer.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ASnapshotComesInLines()
    {
        using HttpResponseMessage answer = await BeginAsync("/v3/maintenance/snapshot", new StringContent("{}"));
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(Cancel));
        long bytes = 0;
        string? last = null;
        while (await lines.ReadLineAsync(Cancel) is { } line)
        {
            using JsonDocument json = JsonDocument.Parse(line);
            bytes += json.RootElement.GetProperty("result").GetProperty("blob").GetBytesFromBase64().Length;
            last = line;
        }

        Assert.True(bytes > 32 && last is not null && !last.Contains("remaining_bytes", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ALockIsWaitedForAndGivenUpWithTheConnection()
    {
        await PostAsync("/v3/lease/grant", """{"ID":10,"TTL":100}""");
        await PostAsync("/v3/lease/grant", """{"ID":11,"TTL":100}""");
        (_, string held) = await PostAsync("/v3/lock/lock", """{"name":"bA==","lease":"10"}""");
        Assert.EndsWith("\"key\":\"" + Convert.ToBase64String("l/a"u8) + "\"}", held, StringComparison.Ordinal);

        using var givesUp = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        Task<HttpResponseMessage> waiting = _host.Http.PostAsync("/v3/lock/lock", new StringContent("""{"name":"bA==","lease":11}"""), givesUp.Token);
        await UntilLineIsAsync("2");
        await givesUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        await UntilLineIsAsync("1");
    }

    [Fact]
    public async Task MetadataArePassedOn()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v3/kv/range") { Content = new StringContent($$$"""{"key":"{{{K}}}"}""") };
        request.Headers.Add("Grpc-Metadata-client-api-version", "3.9");
        request.Headers.Add("Grpc-Metadata-hasleader", "true");
        using HttpResponseMessage answer = await _host.Http.SendAsync(request, Cancel);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);

        MetricsTests.Page page = await MetricsTests.Page.ReadAsync(_host);
        Assert.Equal(1, page["etcd_server_client_requests_total", "3.9", "unary"]);
        Assert.Equal(1, page["grpc_server_handled_total", "OK", "Range", "etcdserverpb.KV", "unary"]);
    }

    [Fact]
    public async Task ATimeoutIsKept()
    {
        await PostAsync("/v3/lease/grant", """{"ID":10,"TTL":100}""");
        await PostAsync("/v3/lease/grant", """{"ID":11,"TTL":100}""");
        await PostAsync("/v3/lock/lock", """{"name":"bA==","lease":"10"}""");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v3/lock/lock") { Content = new StringContent("""{"name":"bA==","lease":"11"}""") };
        request.Headers.Add("Grpc-Timeout", "200m");
        using HttpResponseMessage answer = await _host.Http.SendAsync(request, Cancel);
        Assert.Equal(HttpStatusCode.GatewayTimeout, answer.StatusCode);
        await UntilLineIsAsync("1");
    }

    [Fact]
    public async Task AWatchGoesOverAWebSocket()
    {
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(SocketUri("/v3/watch"), Cancel);
        await SendAsync(socket, $$$"""{"create_request":{"key":"{{{K}}}"}}""");
        Assert.Contains("\"created\":true", await ReceiveAsync(socket), StringComparison.Ordinal);
        await PostAsync("/v3/kv/put", $$$"""{"key":"{{{K}}}","value":"{{{V}}}"}""");
        Assert.Contains($"\"value\":\"{V}\"", await ReceiveAsync(socket), StringComparison.Ordinal);

        await SendAsync(socket, """{"cancel_request":{"watch_id":"0"}}""");
        Assert.Contains("\"canceled\":true", await ReceiveAsync(socket), StringComparison.Ordinal);
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, Cancel);
        await ApiHost.UntilAsync("the stream's end", () => _host.Member.Watches.Statistics.Streams == 0);
    }

    [Fact]
    public async Task AWebSocketThatIsLostEndsItsCall()
    {
        using (var socket = new ClientWebSocket())
        {
            await socket.ConnectAsync(SocketUri("/v3/watch"), Cancel);
            await SendAsync(socket, $$$"""{"create_request":{"key":"{{{K}}}"}}""");
            await ReceiveAsync(socket);
            Assert.Equal(1, _host.Member.Watches.Statistics.Streams);
            socket.Abort();
        }

        await ApiHost.UntilAsync("the stream's end", () => _host.Member.Watches.Statistics.Streams == 0);
    }

    [Fact]
    public async Task ACallOfOneAnswerGoesOverAWebSocketToo()
    {
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("Bearer");
        socket.Options.AddSubProtocol("some.token");
        await socket.ConnectAsync(SocketUri("/v3/kv/range"), Cancel);
        Assert.Equal("Bearer", socket.SubProtocol);
        await SendAsync(socket, $$$"""{"key":"{{{K}}}"}""");
        Assert.StartsWith("""{"header":{""", await ReceiveAsync(socket), StringComparison.Ordinal);
        Assert.Equal(WebSocketMessageType.Close, (await socket.ReceiveAsync(new byte[10], Cancel)).MessageType);
    }

    [Fact]
    public async Task WithoutTheGatewayThereIsNone()
    {
        await using ApiHost host = await ApiHost.StartAsync(options => options with { EnableGrpcGateway = false });
        using HttpResponseMessage answer = await host.Http.PostAsync("/v3/kv/range", new StringContent("{}"), Cancel);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Equal("404 page not found\n", await answer.Content.ReadAsStringAsync(Cancel));
    }

    private static async Task SendAsync(ClientWebSocket socket, string text) =>
        await socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, Cancel);

    private static async Task<string> ReceiveAsync(ClientWebSocket socket)
    {
        var buffer = new byte[64 * 1024];
        WebSocketReceiveResult result = await socket.ReceiveAsync(buffer, Cancel);
        Assert.Equal((WebSocketMessageType.Text, true), (result.MessageType, result.EndOfMessage));
        return Encoding.UTF8.GetString(buffer, 0, result.Count);
    }

    private Uri SocketUri(string path) => new UriBuilder(new Uri(_host.Http.BaseAddress!, path)) { Scheme = "ws" }.Uri;

    private async Task<(HttpStatusCode Status, string Text)> PostAsync(string path, string body)
    {
        using HttpResponseMessage answer = await _host.Http.PostAsync(path, new StringContent(body), Cancel);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(Cancel));
    }

    private async Task UntilLineIsAsync(string count)
    {
        string text = "";
        for (int i = 0; i < 500 && !text.Contains($"\"count\":\"{count}\"", StringComparison.Ordinal); i++)
        {
            (_, text) = await PostAsync("/v3/kv/range", """{"key":"bC8=","range_end":"bDA=","count_only":true}""");
        }

        Assert.Contains($"\"count\":\"{count}\"", text, StringComparison.Ordinal);
    }

    private async Task<HttpResponseMessage> BeginAsync(string path, HttpContent content)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        return await _host.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
    }

    /// <summary>A request over HTTP/1.1 whose body is sent in pieces while the answer comes in, as HttpClient cannot.</summary>
    private sealed class ChunkedCall(TcpClient connection) : IAsyncDisposable
    {
        private readonly NetworkStream _stream = connection.GetStream();
        private readonly StreamReader _answer = new(connection.GetStream());

        public static async Task<ChunkedCall> BeginAsync(ApiHost host, string path, string first)
        {
            Uri place = host.Http.BaseAddress!;
            var connection = new TcpClient { NoDelay = true };
            await connection.ConnectAsync(place.Host, place.Port, Cancel);
            var call = new ChunkedCall(connection);
            await call.SendAsync($"POST {path} HTTP/1.1\r\nHost: {place.Authority}\r\nTransfer-Encoding: chunked\r\n\r\n");
            await call.WriteAsync(first);
            return call;
        }

        public Task WriteAsync(string text) => SendAsync($"{text.Length:x}\r\n{text}\r\n");

        public Task EndAsync() => SendAsync("0\r\n\r\n");

        /// <summary>The next line of the answer that is JSON; null at its end, which is a chunk of no length.</summary>
        public async Task<string?> ReadAsync()
        {
            string? line;
            do
            {
                line = await _answer.ReadLineAsync(Cancel);
            }
            while (line is not null && line != "0" && !line.StartsWith('{'));
            return line == "0" ? null : line;
        }

        public async ValueTask DisposeAsync()
        {
            await _stream.DisposeAsync();
            _answer.Dispose();
            connection.Dispose();
        }

        private async Task SendAsync(string text) => await _stream.WriteAsync(Encoding.ASCII.GetBytes(text), Cancel);
    }
}
