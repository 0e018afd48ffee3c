using System.Net;
using System.Net.Http.Headers;
using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Peer;
using Etcd.Server.Peer.Codec;
using Etcd.Server.Primitives;
using Google.Protobuf;

namespace Etcd.Server.Tests.Peer;

/// <summary>
/// Goal: the peer port answers as etcd's: statuses, texts, headers; and our own calls understand those answers. Method: HTTP
/// against one member, requests as etcd's members make them and as they do not.
/// </summary>
public sealed class PeerEndpointTests : IAsyncLifetime
{
    private readonly FakePeerServices _services = new();
    private readonly LoopbackRig _rig = new();
    private readonly HttpClient _http = new();
    private LoopbackRig.Side _side = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private IReadOnlyList<string> Urls => ["http://127.0.0.1:1", _side.Url];

    public async ValueTask InitializeAsync()
    {
        _rig.Services = _services;
        _side = (LoopbackRig.Side)await _rig.StartAsync(1, 7, null);
        _side.Transport.SetPeers([_rig.Address(2)], [new MemberId(3)]);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _side.DisposeAsync();
        await _rig.DisposeAsync();
    }

    [Theory]
    [InlineData("GET", "/raft/stream/message/2", "7", "1", 200, null)]
    [InlineData("GET", "/raft/stream/msgapp/2", "7", "1", 200, null)]
    [InlineData("GET", "/raft/stream/msgapp/2", "8", "1", 412, "cluster ID mismatch\n")]
    [InlineData("GET", "/raft/stream/msgapp/2", "7", "5", 412, "to field mismatch\n")]
    [InlineData("GET", "/raft/stream/msgapp/3", "7", "1", 410, "removed member\n")]
    [InlineData("GET", "/raft/stream/msgapp/4", "7", "1", 404, "error sender not found\n")]
    [InlineData("GET", "/raft/stream/msgapp/xyz", "7", "1", 404, "invalid from\n")]
    [InlineData("GET", "/raft/stream/other/2", "7", "1", 404, "invalid path\n")]
    [InlineData("POST", "/raft/stream/msgapp/2", "7", "1", 405, "Method Not Allowed\n")]
    [InlineData("GET", "/raft", "7", "1", 405, "Method Not Allowed\n")]
    [InlineData("POST", "/raft", "8", "1", 412, "cluster ID mismatch\n")]
    [InlineData("POST", "/raft/snapshot", "8", "1", 412, "cluster ID mismatch\n")]
    [InlineData("GET", "/raft/snapshot", "7", "1", 405, "Method Not Allowed\n")]
    [InlineData("GET", "/raft/nowhere", "7", "1", 404, "404 page not found\n")]
    public async Task RequestsAreAnsweredAsEtcdDoes(string method, string path, string cluster, string to, int status, string? text)
    {
        using HttpResponseMessage answer = await SendAsync(method, path, null, cluster, to);

        Assert.Equal(status, (int)answer.StatusCode);
        if (text is not null)
        {
            Assert.Equal(text, await answer.Content.ReadAsStringAsync(Cancel));
        }

        if (path.StartsWith("/raft/stream/", StringComparison.Ordinal) && method == "GET")
        {
            Assert.Equal("3.7.1", answer.Headers.GetValues("X-Server-Version").Single());
            Assert.Equal("7", answer.Headers.GetValues("X-Etcd-Cluster-ID").Single());
        }
    }

    [Fact]
    public async Task AnOldMemberIsRefused()
    {
        using HttpResponseMessage answer = await SendAsync("GET", "/raft/stream/message/2", null, "7", "1", version: "2.3.8");

        Assert.Equal(HttpStatusCode.PreconditionFailed, answer.StatusCode);
        Assert.Equal("incompatible version\n", await answer.Content.ReadAsStringAsync(Cancel));
    }

    [Fact]
    public async Task APostedMessageIsTakenOrRefused()
    {
        Assert.Equal((204, ""), await PostAsync("/raft", Encode(MessageSamples.Heartbeat(2, 1, 5))));
        Assert.Equal(5UL, Assert.Single(_side.Inbox.Messages).Commit.Value);
        Assert.Equal((400, "error unmarshalling raft message\n"), await PostAsync("/raft", [0xff, 0xff]));
        Assert.Equal((403, """{"message":"cannot process message to mismatch member"}"""), await PostAsync("/raft", Encode(MessageSamples.Heartbeat(2, 9, 5))));
        Assert.Equal((403, """{"message":"cannot process message from removed member"}"""), await PostAsync("/raft", Encode(MessageSamples.Heartbeat(3, 1, 5))));
        Assert.Single(_side.Inbox.Messages);
        // etcd_network_peer_received_failures_total: what could not be read, by where it came from.
        Assert.Equal(new("127.0.0.1", 1), Assert.Single(_side.Http.Metrics.ReceiveFailuresByAddress));
    }

    /// <summary>GHSA-6vch-q96h-7gc3's kind: a body that was promised and does not come holds nothing for long.</summary>
    [Theory]
    [InlineData("/raft")]
    [InlineData("/raft/snapshot")]
    [InlineData("/leases")]
    public async Task ABodyThatDoesNotGoOnIsGivenUp(string path)
    {
        await using var rig = new LoopbackRig { StreamTimeout = TimeSpan.FromMilliseconds(300), Services = _services };
        await using var side = (LoopbackRig.Side)await rig.StartAsync(1, 7, null);
        side.Transport.SetPeers([rig.Address(2)], []);
        var url = new Uri(side.Url);
        using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
        await socket.ConnectAsync(url.Host, url.Port, Cancel);
        await using var stream = new System.Net.Sockets.NetworkStream(socket);
        string head = $"POST {path} HTTP/1.1\r\nHost: {url.Authority}\r\nX-Server-From: 2\r\nX-Server-Version: 3.5.16\r\n"
            + "X-Min-Cluster-Version: 3.0.0\r\nX-Etcd-Cluster-ID: 7\r\nX-Raft-To: 1\r\nContent-Length: 1000\r\n\r\nabc";
        await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(head), Cancel);

        byte[] answer = new byte[16];
        Exception? end = await Record.ExceptionAsync(
            () => stream.ReadExactlyAsync(answer, Cancel).AsTask().WaitAsync(TimeSpan.FromSeconds(30), Cancel));

        // There is nobody to answer: the connection is let go.
        Assert.True(end is IOException, end?.ToString());
        Assert.Empty(side.Inbox.Messages);
    }

    [Fact]
    public async Task ASnapshotThatIsNoneIsRefused()
    {
        Assert.Equal(400, (await PostAsync("/raft/snapshot", [1, 2, 3])).Status);
        Assert.Equal((400, "failed to decode raft message (rafthttp: error limit exceeded)\n"), await PostAsync("/raft/snapshot", [0, 0, 0, 0, 4, 0, 0, 1, 9]));
        using var other = new SendBuffer();
        MessageStreamEncoder.Frame(MessageSamples.Heartbeat(2, 1, 5), other);
        Assert.Equal((400, "wrong raft message type\n"), await PostAsync("/raft/snapshot", other.Written.ToArray()));
        Assert.Empty(_side.Inbox.Snapshots);
    }

    [Fact]
    public async Task AProbeIsAnsweredWithTheTime()
    {
        string text = await _http.GetStringAsync(new Uri(_side.Url + "/raft/probing"), Cancel);

        Assert.Matches("""^\{"OK":true,"Now":"20\d\d-\d\d-\d\dT[0-9:.]+Z"\}\n$""", text);
    }

    [Fact]
    public async Task MembersAndVersionsAreJson()
    {
        using HttpResponseMessage members = await SendAsync("GET", "/members", null, "7", "1");
        Assert.Equal("7", members.Headers.GetValues("X-Etcd-Cluster-ID").Single());
        Assert.Equal("application/json", members.Content.Headers.ContentType!.MediaType);
        Assert.Equal(
            """[{"id":1311768467294899695,"peerURLs":["http://127.0.0.1:2380"],"name":"one","clientURLs":["http://127.0.0.1:2379"]},{"id":2,"peerURLs":["http://127.0.0.1:2382","http://h:1"],"isLearner":true}]""" + "\n",
            await members.Content.ReadAsStringAsync(Cancel));
        Assert.Equal(
            """{"etcdserver":"3.7.1","etcdcluster":"3.7.0","storage":"3.7.0"}""", await _http.GetStringAsync(new Uri(_side.Url + "/version"), Cancel));
    }

    [Fact]
    public async Task OurCallsUnderstandOurAnswers()
    {
        IPeerCalls calls = _side.Http.Calls;

        PeerMembers members = await calls.MembersAsync(Urls, Cancel);
        Assert.Equal(7UL, members.ClusterId);
        Assert.Equal([FakePeerServices.One.Id, FakePeerServices.Learner.Id], members.Members.Select(m => m.Id));
        Assert.True(members.Members[1].IsLearner);
        Assert.Equal(new PeerVersions("3.7.1", "3.7.0", "3.7.0"), await calls.VersionAsync(Urls, Cancel));
        Assert.True(await calls.IsDowngradeEnabledAsync(Urls, Cancel));
        Assert.Equal(43, await calls.RenewAsync(Urls, new LeaseId(42), Cancel));
        PeerLease lease = await calls.LeaseTimeToLiveAsync(Urls, new LeaseId(42), withKeys: true, Cancel);
        Assert.Equal((-1, 42, "01 0203"), (lease.RemainingSeconds, lease.GrantedSeconds, string.Join(' ', lease.Keys.Select(k => Convert.ToHexString(k.Span)))));
        Assert.Equal(new PeerHash(9, 4_000_000_000, 3, 4), await calls.HashKvAsync(Urls, 4, Cancel));
        Assert.Equal(2, (await calls.PromoteAsync(Urls, new MemberId(2), "secret", Cancel)).Count);
        Assert.Equal("secret", _services.Token);
    }

    [Fact]
    public async Task OurCallsUnderstandRefusals()
    {
        IPeerCalls calls = _side.Http.Calls;
        await RefusedAsync(EtcdErrors.LeaseNotFound, EtcdErrors.LeaseNotFound, () => calls.RenewAsync(Urls, new LeaseId(1), Cancel));
        await RefusedAsync(EtcdErrors.Timeout, EtcdErrors.TimeoutWaitAppliedIndex, () => calls.LeaseTimeToLiveAsync(Urls, new LeaseId(1), false, Cancel));
        await RefusedAsync(EtcdErrors.MemberNotFound, EtcdErrors.MemberNotFound, () => calls.PromoteAsync(Urls, new MemberId(1), null, Cancel));
        await RefusedAsync(EtcdErrors.MemberNotLearner, EtcdErrors.MemberNotLearner, () => calls.PromoteAsync(Urls, new MemberId(1), null, Cancel));
        await RefusedAsync(EtcdErrors.LearnerNotReady, EtcdErrors.LearnerNotReady, () => calls.PromoteAsync(Urls, new MemberId(1), null, Cancel));
        await RefusedAsync(EtcdErrors.Compacted, EtcdErrors.Compacted, () => calls.HashKvAsync(Urls, 1, Cancel));
        await RefusedAsync(EtcdErrors.FutureRevision, EtcdErrors.FutureRevision, () => calls.HashKvAsync(Urls, 1, Cancel));
        _services.Refusal = EtcdErrors.LessorNotPrimary;
        Assert.Contains("not a primary lessor", (await Assert.ThrowsAsync<PeerCallException>(() => calls.RenewAsync(Urls, new LeaseId(1), Cancel))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<PeerCallException>(() => calls.VersionAsync(["http://127.0.0.1:1"], Cancel));
    }

    [Fact]
    public async Task RefusalsHaveEtcdsStatusesAndTexts()
    {
        byte[] lease = new LeaseKeepAliveRequest { ID = 1 }.ToByteArray();
        Assert.Equal((400, "error unmarshalling request\n"), await PostAsync("/leases", [0xff]));
        Assert.Equal((413, "request body too large\n"), await PostAsync("/leases", new byte[70_000]));
        _services.Refusal = EtcdErrors.LeaseNotFound;
        Assert.Equal((404, "lease not found\n"), await PostAsync("/leases", lease));
        _services.Refusal = EtcdErrors.Timeout;
        Assert.Equal((408, "waiting for node to catch up its applied index has timed out\n"), await PostAsync("/leases", lease));
        _services.Refusal = EtcdErrors.LessorNotPrimary;
        Assert.Equal((400, "not a primary lessor\n"), await PostAsync("/leases", lease));
        Assert.Equal((500, "not a primary lessor\n"), await PostAsync("/leases/internal", []));
        _services.Refusal = EtcdErrors.MemberNotFound;
        Assert.Equal((404, "membership: ID not found\n"), await PostAsync("/members/promote/5", []));
        Assert.Equal((404, "member x not found in cluster\n"), await PostAsync("/members/promote/x", []));
        _services.Refusal = EtcdErrors.NoLeader;
        Assert.Equal((500, """{"message":"Internal Server Error"}"""), await PostAsync("/members/promote/5", []));
    }

    [Fact]
    public async Task ASilentStreamIsOpenedAgainAndProbesAreCounted()
    {
        await using var rig = new LoopbackRig { StreamTimeout = TimeSpan.FromMilliseconds(300) };
        await using var one = (LoopbackRig.Side)await rig.StartAsync(1, 7, null);
        await using var two = (LoopbackRig.Side)await rig.StartAsync(2, 7, null);
        one.Transport.SetPeers([rig.Address(2)], []);
        two.Transport.SetPeers([rig.Address(1)], []);
        await rig.UntilAsync("acquaintance", () => one.Transport.ActiveSince(new MemberId(2)) is not null);
        PeerCounters counters = one.Http.Metrics[new MemberId(2)];

        // Only signs of life go over both streams: one byte on one, 26 on the other.
        await rig.UntilAsync("signs of life", () => counters.SentBytes > 100 && counters.ReceivedBytes > 100);
        DateTimeOffset? since = one.Transport.ActiveSince(new MemberId(2));
        Assert.NotNull(since);
        Assert.Equal(1, counters.Active);
        Assert.Empty(one.Inbox.Messages);
        Assert.Equal(0, counters.Disconnects);
    }

    private async Task RefusedAsync(EtcdError refusal, EtcdError expected, Func<Task> call)
    {
        _services.Refusal = refusal;
        Assert.Equal(expected, (await Assert.ThrowsAsync<EtcdErrorException>(call)).Error);
    }

    private async Task<(int Status, string Text)> PostAsync(string path, byte[] body)
    {
        using HttpResponseMessage answer = await SendAsync("POST", path, body, "7", "1");
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(Cancel));
    }

    private async Task<HttpResponseMessage> SendAsync(
        string method, string path, byte[]? body, string cluster, string to, string version = "3.5.16")
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), _side.Url + path);
        request.Headers.Add("X-Server-From", "2");
        request.Headers.Add("X-Server-Version", version);
        request.Headers.Add("X-Min-Cluster-Version", "3.0.0");
        request.Headers.Add("X-Etcd-Cluster-ID", cluster);
        request.Headers.Add("X-Raft-To", to);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/protobuf");
        }

        return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
    }

    private static byte[] Encode(Etcd.Server.Raft.Message message)
    {
        var bytes = new byte[MessageCodec.Size(message)];
        MessageCodec.Write(bytes, message);
        return bytes;
    }
}
