using System.Net;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Http;

/// <summary>
/// Goal: the JSON gateway answers as etcd's. Method: the same requests to the real etcd and to ours, one after the other on fresh members
/// that say the same of themselves; statuses and JSON values are compared. Debian's 3.5.16 has the second version of grpc-gateway, as 3.6 and
/// 3.7 have; what ours adds to errors, for clients made for the first, is passed over.
/// </summary>
public sealed class GatewayComparisonTests
{
    private static readonly (string Path, string Body)[] Calls =
    [
        ("/v3/kv/put", """{"key":"Zm9v","value":"YmFy"}"""),
        ("/v3/kv/put", """{"key":"Zm9v","value":"YmF6","prev_kv":true}"""),
        ("/v3/kv/put", """{"key":"Zm9w","prevKv":true,"no_such_field":1}"""),
        ("/v3/kv/put", "{}"),
        ("/v3/kv/put", ""),
        ("/v3/kv/put", """{"key":"Zm9v","lease":"4711"}"""),
        ("/v3/kv/range", """{"key":"Zm9v"}"""),
        ("/v3/kv/range", """{"key":"Zm8=","range_end":"enp6","limit":1,"sort_order":"DESCEND","sort_target":"MOD"}"""),
        ("/v3/kv/range", """{"key":"AA==","range_end":"AA==","count_only":true}"""),
        ("/v3/kv/range", """{"key":"AA==","range_end":"AA==","keys_only":true,"serializable":true}"""),
        ("/v3/kv/range", """{"key":"bm9uZQ=="}"""),
        ("/v3/kv/range", """{"key":"Zm9v","revision":"2"}"""),
        ("/v3/kv/range", """{"key":"Zm9v","revision":1000}"""),
        ("/v3/kv/txn", """
            {"compare":[{"target":"VERSION","key":"Zm9v","result":"GREATER","version":"1"}],
             "success":[{"request_put":{"key":"YQ==","value":"MQ=="}},{"request_range":{"key":"YQ=="}},{"request_txn":{"success":[{"request_delete_range":{"key":"eA=="}}]}}],
             "failure":[{"requestRange":{"key":"Zm9v"}}]}
            """),
        ("/v3/kv/txn", """{"compare":[{"target":"CREATE","key":"Zm9v","createRevision":"0"}],"failure":[{"requestDeleteRange":{"key":"YQ==","prevKv":true}}]}"""),
        ("/v3/kv/txn", """{"success":[{"request_put":{"key":"YQ=="}},{"request_put":{"key":"YQ=="}}]}"""),
        ("/v3/kv/txn", "{}"),
        ("/v3/kv/deleterange", """{"key":"Zm9w","prev_kv":true}"""),
        ("/v3/kv/deleterange", """{"key":"bm9uZQ=="}"""),
        ("/v3/kv/compaction", """{"revision":"4"}"""),
        ("/v3/kv/compaction", """{"revision":"4"}"""),
        ("/v3/kv/compaction", """{"revision":"4000","physical":true}"""),
        ("/v3/kv/range", """{"key":"Zm9v","revision":"2"}"""),
        ("/v3/lease/grant", """{"TTL":"100","ID":"77"}"""),
        ("/v3/lease/grant", """{"TTL":100,"ID":77}"""),
        ("/v3/lease/grant", """{"TTL":"9000000001","ID":"78"}"""),
        ("/v3/kv/put", """{"key":"bGVhc2Vk","lease":"77"}"""),
        ("/v3/lease/leases", "{}"),
        ("/v3/kv/lease/leases", "{}"),
        ("/v3/lease/keepalive", """{"ID":"77"}"""),
        ("/v3/lease/keepalive", """{"ID":"78"}"""),
        ("/v3/lease/keepalive", """{"ID":"77"}{"ID":"78"} {"ID":77}"""),
        ("/v3/lock/lock", """{"name":"bG9jaw==","lease":"77"}"""),
        ("/v3/lock/lock", """{"name":"bG9jaw==","lease":"77"}"""),
        ("/v3/kv/range", """{"key":"bG9jay8=","range_end":"bG9jazA="}"""),
        ("/v3/lock/unlock", """{"key":"bG9jay80ZA=="}"""),
        ("/v3/lock/unlock", """{"key":"bG9jay80ZA=="}"""),
        ("/v3/lock/unlock", "{}"),
        ("/v3/lock/lock", """{"name":"bG9jaw==","lease":"4711"}"""),
        ("/v3/election/leader", """{"name":"ZWw="}"""),
        ("/v3/election/campaign", """{"name":"ZWw=","lease":"77","value":"bWU="}"""),
        ("/v3/election/campaign", """{"name":"ZWw=","lease":"77","value":"eW91"}"""),
        ("/v3/election/leader", """{"name":"ZWw="}"""),
        ("/v3/election/proclaim", """{"leader":{"name":"ZWw=","key":"ZWwvNGQ=","rev":"1","lease":"77"},"value":"eA=="}"""),
        ("/v3/election/proclaim", "{}"),
        ("/v3/election/resign", """{"leader":{"name":"ZWw=","key":"ZWwvNGQ=","rev":"1","lease":"77"}}"""),
        ("/v3/election/resign", "{}"),
        ("/v3/election/campaign", """{"name":"ZWw=","lease":"4711"}"""),
        ("/v3/lease/revoke", """{"ID":"77"}"""),
        ("/v3/kv/lease/revoke", """{"ID":"77"}"""),
        ("/v3/lease/timetolive", """{"ID":"77","keys":true}"""),
        ("/v3/cluster/member/list", "{}"),
        ("/v3/cluster/member/list", """{"linearizable":true}"""),
        ("/v3/cluster/member/remove", """{"ID":"1"}"""),
        ("/v3/cluster/member/promote", """{"ID":"1"}"""),
        ("/v3/maintenance/alarm", "{}"),
        ("/v3/maintenance/transfer-leadership", """{"targetID":"1"}"""),
        ("/v3/nothing", "{}"),
        ("/v3beta/kv/range", """{"key":"Zm9v","count_only":true}"""),
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Answers_are_etcds()
    {
        RealEtcd.Require();
        await using ServerProcess etcd = await ServerProcess.StartAsync(ServerProgram.Real, [], Token);
        await using ServerProcess ours = await ServerProcess.StartAsync(ServerProgram.Ours, ["--claimed-version", "3.5"], Token);
        using var http = new HttpClient();
        List<string> expected = [];
        List<string> actual = [];
        foreach ((string path, string body) in Calls)
        {
            expected.Add(await AskAsync(http, etcd, path, body));
            actual.Add(await AskAsync(http, ours, path, body));
        }

        Assert.Equal(expected, actual);
    }

    [Fact]
    public async Task What_is_no_request_is_refused_as_etcd_refuses_it()
    {
        RealEtcd.Require();
        await using ServerProcess etcd = await ServerProcess.StartAsync(ServerProgram.Real, [], Token);
        await using ServerProcess ours = await ServerProcess.StartAsync(ServerProgram.Ours, [], Token);
        using var http = new HttpClient();
        foreach (string body in new[] { "{", "x", "[]", """{"key":"*"}""", """{"key":1}""", """{"limit":"x"}""", """{"limit":1,"limit":2}""" })
        {
            foreach (ServerProcess server in new[] { etcd, ours })
            {
                using HttpResponseMessage answer = await http.PostAsync(server.ClientUrl + "/v3/kv/range", new StringContent(body), Token);
                JsonNode? error = JsonNode.Parse(await answer.Content.ReadAsStringAsync(Token));
                // The wording is the JSON library's.
                Assert.Equal((body, HttpStatusCode.BadRequest, 3), (body, answer.StatusCode, (int)error!["code"]!));
                Assert.NotEmpty((string)error["message"]!);
            }
        }
    }

    [Fact]
    public async Task A_watch_over_http_and_over_a_web_socket_tells_the_same()
    {
        RealEtcd.Require();
        await using ServerProcess etcd = await ServerProcess.StartAsync(ServerProgram.Real, [], Token);
        await using ServerProcess ours = await ServerProcess.StartAsync(ServerProgram.Ours, ["--claimed-version", "3.5"], Token);

        Assert.Equal(await WatchHttpAsync(etcd), await WatchHttpAsync(ours));
        Assert.Equal(await WatchSocketAsync(etcd), await WatchSocketAsync(ours));
    }

    [Fact]
    public async Task Pages_of_other_hosts_and_origins_are_treated_as_etcd_treats_them()
    {
        RealEtcd.Require();
        string[] flags = ["--cors", "http://page.example:80", "--host-whitelist", "etcd.example,127.0.0.1"];
        await using ServerProcess etcd = await ServerProcess.StartAsync(ServerProgram.Real, flags, Token);
        await using ServerProcess ours = await ServerProcess.StartAsync(ServerProgram.Ours, flags, Token);
        using var http = new HttpClient();
        foreach ((string method, string? host, string? origin) in new[]
        {
            ("GET", "evil.example", null), ("GET", "etcd.example:17", null), ("OPTIONS", "evil.example", "http://page.example:80"),
            ("OPTIONS", "etcd.example", "http://page.example:80"), ("GET", null, "http://page.example:80"), ("GET", null, "http://other.example:80"),
        })
        {
            List<string> answers = [];
            foreach (ServerProcess server in new[] { etcd, ours })
            {
                using var request = new HttpRequestMessage(new HttpMethod(method), server.ClientUrl + "/health");
                request.Headers.Host = host;
                if (origin is not null)
                {
                    request.Headers.Add("Origin", origin);
                }

                using HttpResponseMessage answer = await http.SendAsync(request, Token);
                string cors = string.Join('\n', answer.Headers.Where(h => h.Key.StartsWith("Access", StringComparison.Ordinal))
                    .Select(h => $"{h.Key}: {string.Join(',', h.Value)}").Order(StringComparer.Ordinal));
                answers.Add($"{(int)answer.StatusCode}\n{cors}\n{await answer.Content.ReadAsStringAsync(Token)}");
            }

            Assert.Equal(answers[0], answers[1]);
        }
    }

    private static async Task<string> AskAsync(HttpClient http, ServerProcess server, string path, string body)
    {
        using HttpResponseMessage answer = await http.PostAsync(server.ClientUrl + path, new StringContent(body), Token);
        string[] lines = (await answer.Content.ReadAsStringAsync(Token)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return $"{path} {body}\n{(int)answer.StatusCode} {answer.Content.Headers.ContentType}\n{string.Join('\n', lines.Select(JsonShape.Of))}";
    }

    private static async Task<string> WatchHttpAsync(ServerProcess server)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, server.ClientUrl + "/v3/watch")
        {
            Content = new StringContent("""{"create_request":{"key":"dw==","prev_kv":true}}"""),
        };
        using HttpResponseMessage answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token);
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(Token));
        List<string> seen = [JsonShape.Of((await lines.ReadLineAsync(Token))!)];
        await PutAndDeleteAsync(http, server);
        seen.Add(JsonShape.Of((await lines.ReadLineAsync(Token))!));
        seen.Add(JsonShape.Of((await lines.ReadLineAsync(Token))!));
        return string.Join('\n', seen);
    }

    private static async Task<string> WatchSocketAsync(ServerProcess server)
    {
        using var http = new HttpClient();
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new Uri(server.ClientUrl.Replace("http://", "ws://", StringComparison.Ordinal) + "/v3/watch"), Token);
        await SendAsync(socket, """{"create_request":{"key":"dw=="}}""");
        List<string> seen = [JsonShape.Of(await ReceiveAsync(socket))];
        await PutAndDeleteAsync(http, server);
        seen.Add(JsonShape.Of(await ReceiveAsync(socket)));
        seen.Add(JsonShape.Of(await ReceiveAsync(socket)));
        await SendAsync(socket, """{"cancel_request":{"watch_id":"0"}}""");
        seen.Add(JsonShape.Of(await ReceiveAsync(socket)));
        return string.Join('\n', seen);
    }

    private static async Task PutAndDeleteAsync(HttpClient http, ServerProcess server)
    {
        (await http.PostAsync(server.ClientUrl + "/v3/kv/put", new StringContent("""{"key":"dw==","value":"dg=="}"""), Token)).Dispose();
        (await http.PostAsync(server.ClientUrl + "/v3/kv/deleterange", new StringContent("""{"key":"dw=="}"""), Token)).Dispose();
    }

    private static async Task SendAsync(ClientWebSocket socket, string text) =>
        await socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, Token);

    private static async Task<string> ReceiveAsync(ClientWebSocket socket)
    {
        var buffer = new byte[64 * 1024];
        int length = 0;
        ValueWebSocketReceiveResult part;
        do
        {
            part = await socket.ReceiveAsync(buffer.AsMemory(length), Token);
            length += part.Count;
        }
        while (!part.EndOfMessage);
        return Encoding.UTF8.GetString(buffer, 0, length);
    }
}
