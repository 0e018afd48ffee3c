using System.Collections.Concurrent;
using System.Diagnostics;
using Etcd.Protocol.Errors;
using Etcd.Server.Hosting.Flags;
using Etcd.Server.Hosting.Peers;
using Etcd.Server.Io.Os;
using Etcd.Server.Peer;
using Etcd.Server.Peer.Codec;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.TestKit.Processes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging.Abstractions;
using Pb = Etcd.Protocol.Raftpb;

namespace Etcd.Interop.Tests.Peers;

/// <summary>
/// Goal: members of the real etcd and this server's room of peers understand each other. Method: what real members send each
/// other is recorded, read and written again; this server's transport takes a real member's place; its calls ask real members.
/// </summary>
public sealed class RealPeersTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task RecordedStreamsAreReadAndWrittenAgainWithEqualMeaning()
    {
        RealEtcd.Require();
        await using var cluster = new RealCluster();
        // The third comes when the log no longer reaches back to its beginning: it gets a snapshot.
        string[] flags = ["--snapshot-count=20", "--experimental-snapshot-catchup-entries=5"];
        cluster.Launch(0, flags);
        cluster.Launch(1, flags);
        await cluster.WaitAsync(0, Cancel);
        await cluster.WaitAsync(1, Cancel);
        for (int i = 0; i < 60; i++)
        {
            await cluster.PutAsync(i % 2, $"key-{i}", new string('v', i * 100), Cancel);
        }

        cluster.Launch(2, flags);
        await cluster.WaitAsync(2, Cancel);
        for (int i = 0; i < 60; i++)
        {
            await cluster.PutAsync(i % 3, $"key-{i}", "again", Cancel);
        }

        // Signs of life come some seconds apart; all else is there by now.
        string[] kinds = ["entries", "App", "AppResp", "Heartbeat", "HeartbeatResp", "Prop", "snapshot", "link"];
        Dictionary<string, int> seen = [];
        await UntilAsync(() =>
        {
            seen = CheckAll(cluster.Recorders);
            return kinds.All(seen.ContainsKey);
        });
        TestContext.Current.TestOutputHelper?.WriteLine(string.Join(", ", seen.OrderBy(s => s.Key).Select(s => $"{s.Key} {s.Value}")));
    }

    [Fact]
    public async Task ThisServersTransportTakesARealMembersPlace()
    {
        RealEtcd.Require();
        await using RealCluster cluster = await StartAsync();
        PeerMembers known = await MembersAsync(cluster);
        Assert.Equal(3, known.Members.Count);
        Server.Membership.Member place = known.Members.Single(m => m.PeerUrls.Contains(cluster.PeerUrl(2)));
        int port = await cluster.ReplaceAsync(2);

        var inbox = new EchoInbox(place.Id);
        await using PeerTransport transport = NewTransport(place.Id, known.ClusterId, [$"http://127.0.0.1:{port}"]);
        var options = new ServerOptions { ListenPeerUrls = [EtcdUrl.Parse($"http://127.0.0.1:{port}")] };
        await using WebApplication server = PeerServer.Build(options, transport, new NoServices(), NullLoggerFactory.Instance);
        inbox.Transport = transport;
        transport.Start(inbox);
        await server.StartAsync(Cancel);
        transport.SetPeers([.. known.Members.Where(m => m.Id != place.Id).Select(m => new PeerAddress(m.Id, m.PeerUrls))], []);

        // Heartbeats come from a leader on its message stream; entries, once it believes this member alive, on the other.
        await UntilAsync(() => inbox.Received.Any(m => m.Type == MessageType.Heartbeat));
        await cluster.PutAsync(0, "a", "b", Cancel);
        await UntilAsync(() => inbox.Received.Any(m => m.Type == MessageType.App));
        string id = place.Id.ToString();
        await UntilAsync(async () =>
        {
            string metrics = await cluster.MetricsAsync(0, Cancel) + await cluster.MetricsAsync(1, Cancel);
            return metrics.Split('\n').Count(l => l.StartsWith("etcd_network_active_peers", StringComparison.Ordinal)
                && l.Contains($"Remote=\"{id}\"", StringComparison.Ordinal) && l.EndsWith(" 1", StringComparison.Ordinal)) == 2;
        });
        Assert.All(known.Members.Where(m => m.Id != place.Id), m => Assert.NotNull(transport.ActiveSince(m.Id)));
        Assert.Contains(known.Members, m => transport.Metrics[m.Id].ReceivedBytes > 0 && transport.Metrics[m.Id].SentBytes > 0);
        await transport.DisposeAsync();
        await server.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task OurCallsUnderstandRealMembers()
    {
        RealEtcd.Require();
        await using RealCluster cluster = await StartAsync();
        PeerMembers known = await MembersAsync(cluster);
        await using PeerTransport transport = NewTransport(new MemberId(1), known.ClusterId, []);
        IPeerCalls calls = transport.Calls;
        string[] all = [cluster.PeerUrl(0), cluster.PeerUrl(1), cluster.PeerUrl(2)];
        await cluster.PutAsync(0, "a", "b", Cancel);
        using HttpResponseMessage granted = await cluster.PostAsync(0, "/v3/lease/grant", new Dictionary<string, int> { ["TTL"] = 600, ["ID"] = 77 }, Cancel);
        Assert.True(granted.IsSuccessStatusCode);

        PeerVersions versions = await calls.VersionAsync(all, Cancel);
        Assert.Equal(("3.5.16", "3.5.0"), (versions.Server, versions.Cluster));
        Assert.False(await calls.IsDowngradeEnabledAsync(all, Cancel));
        Assert.Equal(["m0", "m1", "m2"], known.Members.Select(m => m.Name).Order());
        PeerHash hash = await calls.HashKvAsync(all, 2, Cancel);
        Assert.Equal(2, hash.CurrentRevision);
        Assert.NotEqual(0u, hash.Hash);
        Assert.Equal(EtcdErrors.FutureRevision, (await Assert.ThrowsAsync<EtcdErrorException>(() => calls.HashKvAsync(all, 1000, Cancel))).Error);
        // Whoever does not lead says so in a way that makes the next URL the one to ask.
        Assert.Equal(600, await calls.RenewAsync(all, new LeaseId(77), Cancel));
        PeerLease lease = await calls.LeaseTimeToLiveAsync(all, new LeaseId(77), withKeys: true, Cancel);
        Assert.Equal((600, 0), (lease.GrantedSeconds, lease.Keys.Count));
        Assert.Equal(EtcdErrors.MemberNotFound, (await Assert.ThrowsAsync<EtcdErrorException>(() => calls.PromoteAsync(all, new MemberId(5), null, Cancel))).Error);
    }

    /// <summary>Reads all that was recorded, writes it again and compares; returns how many there were of each kind.</summary>
    private static Dictionary<string, int> CheckAll(IReadOnlyList<Recorder> recorders)
    {
        RecordedExchange[] all = [.. recorders.SelectMany(r => r.Exchanges())];
        var seen = new Dictionary<string, int>();
        foreach (RecordedExchange exchange in all.Where(e => e.AnswerHead.StartsWith("HTTP/1.1 200", StringComparison.Ordinal)))
        {
            if (exchange.RequestLine.StartsWith("GET /raft/stream/msgapp/", StringComparison.Ordinal))
            {
                CheckStream(exchange.AnswerBody, MsgAppDecoder(exchange), new MsgAppStreamEncoder(), isMsgApp: true, seen);
            }
            else if (exchange.RequestLine.StartsWith("GET /raft/stream/message/", StringComparison.Ordinal))
            {
                CheckStream(exchange.AnswerBody, new MessageStreamDecoder(), new MessageStreamEncoder(), isMsgApp: false, seen);
            }
        }

        foreach (RecordedExchange exchange in all.Where(e => e.RequestLine.StartsWith("POST /raft HTTP", StringComparison.Ordinal)))
        {
            CheckMessage(exchange.RequestBody, MessageCodec.Read(exchange.RequestBody));
            Count(seen, "pipeline");
        }

        foreach (RecordedExchange exchange in all.Where(e => e.RequestLine.StartsWith("POST /raft/snapshot", StringComparison.Ordinal)))
        {
            Assert.Equal(StreamItem.Message, new MessageStreamDecoder(Limits.PeerSnapshotMessageBytesMax).Decode(exchange.RequestBody, out int taken, out Message message));
            CheckMessage(exchange.RequestBody.AsSpan(sizeof(ulong)..taken), message);
            Assert.Equal(MessageType.Snap, message.Type);
            Assert.Equal(3, message.Snapshot!.Configuration.Voters.Count);
            Assert.Contains("\"members\"", System.Text.Encoding.UTF8.GetString(message.Snapshot.Data.Span), StringComparison.Ordinal);
            Count(seen, "snapshot");
        }

        return seen;
    }

    private static async Task<RealCluster> StartAsync()
    {
        var cluster = new RealCluster();
        try
        {
            for (int i = 0; i < 3; i++)
            {
                cluster.Launch(i);
            }

            for (int i = 0; i < 3; i++)
            {
                await cluster.WaitAsync(i, Cancel);
            }

            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    private static async Task<PeerMembers> MembersAsync(RealCluster cluster)
    {
        await using PeerTransport transport = NewTransport(new MemberId(1), 1, []);
        return await transport.Calls.MembersAsync([cluster.PeerUrl(0)], Cancel);
    }

    private static PeerTransport NewTransport(MemberId id, ulong cluster, IReadOnlyList<string> urls) => new(
        new PeerTransportOptions
        {
            Identity = new PeerIdentity(id, cluster, urls, ClaimedVersion.V35),
            SnapshotFolder = Path.Combine(Path.GetTempPath(), "etcd-none"),
        },
        OsFileSystem.Instance,
        TimeProvider.System,
        NullLogger.Instance);

    private static Task UntilAsync(Func<bool> holds) => UntilAsync(() => Task.FromResult(holds()));

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        long started = Stopwatch.GetTimestamp();
        while (!await holds())
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < CapturedProcess.Patience);
            await Task.Delay(20, Cancel);
        }
    }

    /// <summary>The request names the asking member, who receives; the answering one sends.</summary>
    private static MsgAppStreamDecoder MsgAppDecoder(RecordedExchange exchange)
    {
        Assert.True(PeerIdentity.TryParseId(exchange.RequestLine.Split(' ')[1].Split('/')[^1], out MemberId local));
        string to = exchange.RequestHead.Split("\r\n").Single(l => l.StartsWith("X-Raft-To: ", StringComparison.OrdinalIgnoreCase))[11..];
        Assert.True(PeerIdentity.TryParseId(to, out MemberId remote));
        return new MsgAppStreamDecoder(local, remote);
    }

    private static void CheckStream(ReadOnlySpan<byte> bytes, IStreamDecoder decoder, IStreamEncoder encoder, bool isMsgApp, Dictionary<string, int> seen)
    {
        using var again = new SendBuffer();
        while (decoder.Decode(bytes, out int taken, out Message message) is var item and not StreamItem.Incomplete)
        {
            ReadOnlySpan<byte> original = bytes[..taken];
            bytes = bytes[taken..];
            again.Clear();
            if (item == StreamItem.LinkHeartbeat)
            {
                Count(seen, "link");
                encoder.EncodeHeartbeat(again);
            }
            else
            {
                encoder.Encode(message, again);
            }

            ReadOnlySpan<byte> ours = again.Written.Span;
            if (isMsgApp && original[0] != MsgAppForm.Whole)
            {
                // This form leaves no choice: the bytes are the same.
                Assert.Equal(Convert.ToHexString(original), Convert.ToHexString(ours));
                Count(seen, "entries");
                continue;
            }

            int head = sizeof(ulong) + (isMsgApp ? 1 : 0);
            Assert.Equal(isMsgApp ? MsgAppForm.Whole : original[0], ours[0]);
            Assert.Equal(Meaning(original[head..]), Meaning(ours[head..]));
            Count(seen, message.Type.ToString());
        }

        // What is left is the beginning of something: the recording ends anywhere.
    }

    private static void CheckMessage(ReadOnlySpan<byte> original, in Message message)
    {
        var ours = new byte[MessageCodec.Size(message)];
        MessageCodec.Write(ours, message);
        Assert.Equal(Meaning(original), Meaning(ours));
    }

    /// <summary>
    /// A message as the generated classes read it, with what 3.5 writes in addition taken away: an empty snapshot with every
    /// message, and empty bytes where there are none.
    /// </summary>
    private static string Meaning(ReadOnlySpan<byte> bytes)
    {
        Pb.Message message = Pb.Message.Parser.ParseFrom(bytes);
        if (message.Snapshot is { Metadata: null or { Index: 0 } })
        {
            message.Snapshot = null;
        }

        if (message.HasContext && message.Context.IsEmpty)
        {
            message.ClearContext();
        }

        foreach (Pb.Entry entry in message.Entries.Where(e => e.HasData && e.Data.IsEmpty))
        {
            entry.ClearData();
        }

        return message.ToString();
    }

    private static void Count(Dictionary<string, int> seen, string kind) => seen[kind] = seen.GetValueOrDefault(kind) + 1;

    /// <summary>Keeps what arrives, and answers heartbeats as a follower whose log is empty would.</summary>
    private sealed class EchoInbox(MemberId self) : IPeerInbox
    {
        private readonly ConcurrentQueue<Message> _received = [];

        public IPeerTransport? Transport { get; set; }

        public IEnumerable<Message> Received => _received;

        public void Deliver(in Message message)
        {
            _received.Enqueue(message);
            MessageType? answer = message.Type switch
            {
                MessageType.Heartbeat => MessageType.HeartbeatResp,
                MessageType.App => MessageType.AppResp,
                _ => null,
            };
            if (answer is { } type)
            {
                Transport!.Send([new Message
                {
                    Type = type,
                    From = self,
                    To = message.From,
                    Term = message.Term,
                    Index = message.Index,
                    Context = message.Context,
                    Reject = type == MessageType.AppResp,
                }]);
            }
        }

        public void DeliverSnapshot(in Message message, string file)
        {
        }

        public void ReportUnreachable(MemberId member)
        {
        }

        public void ReportSnapshot(MemberId member, bool arrived)
        {
        }
    }

    /// <summary>A member that real ones ask nothing in these tests.</summary>
    private sealed class NoServices : IPeerServices
    {
        public IReadOnlyList<Server.Membership.Member> Members => [];

        public string? ClusterVersion => "3.5.0";

        public ValueTask<IReadOnlyList<Server.Membership.Member>> PromoteAsync(MemberId learner, string? token, CancellationToken cancellation) => throw Refusal();

        public ValueTask<PeerHash> HashKvAsync(long revision, CancellationToken cancellation) => throw Refusal();

        public ValueTask<long> RenewAsync(LeaseId lease, CancellationToken cancellation) => throw Refusal();

        public ValueTask<PeerLease> LeaseTimeToLiveAsync(LeaseId lease, bool withKeys, CancellationToken cancellation) => throw Refusal();

        public ValueTask<bool> IsDowngradeEnabledAsync(CancellationToken cancellation) => throw Refusal();

        public ValueTask<PeerStateSource> StateAsync(CancellationToken cancellation) => throw Refusal();

        private static EtcdErrorException Refusal() => EtcdErrors.NotLeader.ToException();
    }
}
