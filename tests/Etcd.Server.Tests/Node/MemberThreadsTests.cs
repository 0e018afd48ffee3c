using System.Collections.Concurrent;
using Etcd.Server.Apply;
using Etcd.Server.Hosting;
using Etcd.Server.Io;
using Etcd.Server.Lease;
using Etcd.Server.Membership;
using Etcd.Server.Node;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Server.Storage;
using Member = Etcd.Server.Membership.Member;

namespace Etcd.Server.Tests.Node;

/// <summary>
/// Three members with the threads that the program gives them, and clients on threads of their own: no wake-up is lost and nothing
/// is answered before it is there. Method: every client writes and reads in turn, through whichever member, without any tick that
/// would bring something forgotten along; a lost wake-up is a client that waits for ever.
/// </summary>
public sealed class MemberThreadsTests
{
    private const int Clients = 8;
    private const int RoundsPerClient = 250;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task NoWakeUpIsLostAndNoReadIsStale()
    {
        Member[] members = [.. Enumerable.Range(1, 3).Select(i => TestCluster.NewMember((ulong)i))];
        var network = new ConcurrentDictionary<MemberId, ThreadedMember>();
        foreach (Member member in members)
        {
            network[member.Id] = new ThreadedMember(member.Id, members, network);
        }

        try
        {
            foreach (ThreadedMember member in network.Values)
            {
                member.Start();
            }

            ThreadedMember first = network[members[0].Id];
            for (int i = 0; i < 30 && first.Node.LeadsIn == default; i++)
            {
                // One member's time passes, so it is the one that is elected.
                first.Node.Tick();
                await Task.Delay(20, Token);
            }

            Assert.NotEqual(default, first.Node.LeadsIn);
            ThreadedMember[] all = [.. network.Values];
            Task[] clients = [.. Enumerable.Range(0, Clients).Select(c => Task.Run(() => Work(c, all), Token))];
            await Task.WhenAll(clients).WaitAsync(TimeSpan.FromSeconds(60), Token);
            Assert.All(all, m => Assert.False(m.Node.Failed.IsFaulted));
        }
        finally
        {
            foreach (ThreadedMember member in network.Values)
            {
                member.Dispose();
            }
        }
    }

    private static async Task Work(int client, ThreadedMember[] members)
    {
        for (int round = 0; round < RoundsPerClient; round++)
        {
            ThreadedMember writer = members[(client + round) % members.Length];
            ThreadedMember reader = members[(client + (round / 3)) % members.Length];
            string value = $"{client}.{round}";
            ApplyOutcome outcome = await writer.Node.ProposeAsync(ThreadedMember.Put("k" + client, value));
            Assert.True(outcome.Revision > 1);
            await reader.Node.LinearizeAsync(Token);
            Assert.Equal(value, reader.Get("k" + client));
        }
    }

    private sealed class ThreadedMember : IPeerTransport, IDisposable
    {
        private readonly ConcurrentDictionary<MemberId, ThreadedMember> _network;
        private readonly BlockingCollection<Message> _arriving = [];
        private readonly MvccStore _store = new();
        private readonly MemberId _id;
        private readonly WorkerThread _log;
        private readonly WorkerThread _apply;
        private readonly Thread _reader;

        public ThreadedMember(MemberId id, Member[] members, ConcurrentDictionary<MemberId, ThreadedMember> network)
        {
            _id = id;
            _network = network;
            RecoveredMember recovered = MemberRecovery.Open(
                new Etcd.TestKit.Disk.SimDisk(), new MemberFolders("/wal", "/snap"), new MemberBirth(id, 7, members), Etcd.Server.Wal.WalOptions.Default);
            var leases = new LeaseManager(TimeProvider.System);
            var cluster = new ClusterState(7);
            var machine = new StateMachine(_store, leases, cluster);
            var random = new Random((int)id.Value);
            Node = new MemberNode(new MemberParts
            {
                Raft = new RaftNode(new RaftOptions { Id = id, Random = random.Next, CheckQuorum = false }, recovered.Log),
                Log = new WalLogStore(recovered.Wal),
                Snapshots = new SnapshotStore(recovered.Snapshots),
                Machine = machine,
                State = machine,
                Cluster = cluster,
                Leases = leases,
                Peers = this,
                Completions = new ThreadPoolCompletions(),
                Ids = new RequestIds(id, DateTimeOffset.UnixEpoch),
                Clock = TimeProvider.System,
                Options = new NodeOptions { RequestTimeout = TimeSpan.FromMinutes(5) },
            });
            _log = new WorkerThread("log", Node.RunLogOnce);
            _apply = new WorkerThread("apply", Node.RunApplyOnce);
            _reader = new Thread(Read) { IsBackground = true };
            Node.LogWork = _log.Wake;
            Node.ApplyWork = _apply.Wake;
        }

        public MemberNode Node { get; }

        public static RaftCommand Put(string key, string value) => RaftCommand.Create(
            RaftCommandKind.Put,
            Google.Protobuf.MessageExtensions.ToByteArray(new Etcd.Protocol.Etcdserverpb.PutRequest
            {
                Key = Google.Protobuf.ByteString.CopyFromUtf8(key),
                Value = Google.Protobuf.ByteString.CopyFromUtf8(value),
            }));

        public string? Get(string key) =>
            _store.TryGet(System.Text.Encoding.UTF8.GetBytes(key), out ReadOnlyMemory<byte> record, out _)
                ? System.Text.Encoding.UTF8.GetString(KeyValueFields.Parse(record.Span).Value)
                : null;

        public void Start()
        {
            _log.Start();
            _apply.Start();
            _reader.Start();
            Node.Start();
        }

        public void Dispose()
        {
            Node.Stop();
            _arriving.CompleteAdding();
            _reader.Join();
            _log.Dispose();
            _apply.Dispose();
        }

        public void Send(ReadOnlySpan<Message> messages)
        {
            foreach (Message message in messages)
            {
                ThreadedMember to = _network[message.To];
                if (!to._arriving.IsAddingCompleted)
                {
                    try
                    {
                        to._arriving.Add(message);
                    }
                    catch (InvalidOperationException)
                    {
                        // It ends.
                    }
                }
            }
        }

        public void SendSnapshot(in Message message, ISnapshotContent content) => content.Dispose();

        public void SetPeers(IReadOnlyList<PeerAddress> peers, IReadOnlyCollection<MemberId> removed)
        {
        }

        public DateTimeOffset? ActiveSince(MemberId member) => DateTimeOffset.MinValue;

        private void Read()
        {
            foreach (Message message in _arriving.GetConsumingEnumerable())
            {
                Node.Deliver(message);
            }
        }
    }
}
