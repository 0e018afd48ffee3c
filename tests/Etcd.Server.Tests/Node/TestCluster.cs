using System.Text;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Apply;
using Etcd.Server.Apply.Alarms;
using Etcd.Server.Apply.Space;
using Etcd.Server.Io;
using Etcd.Server.Lease;
using Etcd.Server.Membership;
using Etcd.Server.Node;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Server.Storage;
using Etcd.Server.Storage.Disk;
using Etcd.Server.Tests.Apply;
using Etcd.Server.Wal;
using Etcd.TestKit;
using Etcd.TestKit.Disk;
using Google.Protobuf;
using Member = Etcd.Server.Membership.Member;

namespace Etcd.Server.Tests.Node;

/// <summary>
/// Whole members (raft, WAL, snapshots, apply, store, leases) on simulated disks, with messages that the cluster carries from one
/// to the other. One thread, one clock, everything in a fixed order: a run is the same each time.
/// </summary>
internal sealed class TestCluster
{
    public const int CatchUpEntries = 20;

    /// <summary>Entries between two checkpoints of a member's store.</summary>
    public const int CheckpointEntries = 15;

    private readonly Queue<(MemberId From, Message Message)> _network = new();
    private readonly HashSet<(MemberId, MemberId)> _cut = [];

    public TestCluster(int members)
    {
        Member[] initial = [.. Enumerable.Range(1, members).Select(i => NewMember((ulong)i))];
        foreach (Member member in initial)
        {
            var node = new TestMember(this, member.Id, new MemberBirth(member.Id, 77, initial));
            Members.Add(member.Id, node);
            node.Boot();
        }
    }

    public SortedDictionary<MemberId, TestMember> Members { get; } = new(Comparer<MemberId>.Create((a, b) => a.Value.CompareTo(b.Value)));

    public FakeTimeProvider Clock { get; } = new();

    public Func<MemberId, Message, bool> Drops { get; set; } = static (_, _) => false;

    public TestMember this[int id] => Members[new MemberId((ulong)id)];

    public IEnumerable<TestMember> Running => Members.Values.Where(m => m.IsUp);

    public TestMember? Leader =>
        Running.Where(m => !m.Node.LeadsIn.Equals(default(Term))).MaxBy(m => m.Node.LeadsIn.Value);

    public static Member NewMember(ulong id, bool isLearner = false) =>
        new(new MemberId(id), [$"http://m{id}:2380"], isLearner, "", []);

    /// <summary>A member that is to join: added to the membership by the test.</summary>
    public TestMember Join(Member member)
    {
        var node = new TestMember(this, member.Id, new MemberBirth(member.Id, 77, []));
        Members.Add(member.Id, node);
        node.Boot();
        return node;
    }

    public void Cut(TestMember a, TestMember b)
    {
        _cut.Add((a.Id, b.Id));
        _cut.Add((b.Id, a.Id));
    }

    public void Isolate(TestMember one)
    {
        foreach (TestMember other in Members.Values.Where(m => m != one))
        {
            Cut(one, other);
        }
    }

    public void Heal() => _cut.Clear();

    public bool IsCut(MemberId from, MemberId to) => _cut.Contains((from, to));

    public void Post(MemberId from, in Message message) => _network.Enqueue((from, message));

    /// <summary>Runs everybody until nobody has anything to do.</summary>
    public void Run()
    {
        bool any;
        do
        {
            any = Carry();
            foreach (TestMember member in Running.ToArray())
            {
                any |= member.Step();
            }
        }
        while (any);
    }

    public void Tick(int times = 1)
    {
        for (int i = 0; i < times; i++)
        {
            Clock.Advance(TimeSpan.FromMilliseconds(Limits.HeartbeatMilliseconds));
            foreach (TestMember member in Running.Where(m => !m.IsPaused).ToArray())
            {
                member.Node.Tick();
            }

            Run();
        }
    }

    public TestMember Elect()
    {
        Run();
        for (int i = 0; i < 200; i++)
        {
            if (Leader is { } leader && Running.All(m => m.IsPaused || m.Node.Leader == leader.Id || IsCut(leader.Id, m.Id)))
            {
                return leader;
            }

            Tick();
        }

        throw new InvalidOperationException("no leader in 20 seconds");
    }

    private bool Carry()
    {
        bool any = false;
        int count = _network.Count;
        for (int i = 0; i < count; i++)
        {
            (MemberId from, Message message) = _network.Dequeue();
            if (Members.TryGetValue(message.To, out TestMember? to) && to.IsPaused && to.IsUp)
            {
                _network.Enqueue((from, message));
                continue;
            }

            any = true;
            if (to is { IsUp: true } && !IsCut(from, message.To) && !Drops(from, message))
            {
                to.Node.Deliver(message);
            }
            else if (Members[from].IsUp)
            {
                Members[from].Node.ReportUnreachable(message.To);
            }
        }

        return any;
    }
}

/// <summary>One member of a <see cref="TestCluster"/>.</summary>
internal sealed class TestMember(TestCluster cluster, MemberId id, MemberBirth birth) : Etcd.Server.Peer.IPeerTransport
{
    public static readonly MemberFolders Folders = new("/member/wal", "/member/snap");
    public static readonly WalOptions Wal = new() { SegmentBytes = 64 * 1024 };

    private QueuedCompletions _completions = new();
    private WriteAheadLog? _wal;
    private int _lives;
    private int _received;

    public MemberId Id { get; } = id;

    public SimDisk Disk { get; set; } = new(new SimDiskOptions { Seed = (int)id.Value });

    public MemberNode Node { get; private set; } = null!;

    public MvccStore Store { get; private set; } = null!;

    public ClusterState State { get; private set; } = null!;

    public LeaseManager Leases { get; private set; } = null!;

    public StateMachine Machine { get; private set; } = null!;

    public RecoveredMember Recovered { get; private set; } = null!;

    public bool IsUp { get; private set; }

    /// <summary>Neither hears, nor ticks, nor runs.</summary>
    public bool IsPaused { get; set; }

    /// <summary>What the store is said to take.</summary>
    public FakeStoreSize Size { get; } = new();

    /// <summary>How much it may take, from the next boot on.</summary>
    public long QuotaBytes { get; set; } = -1;

    public SpaceQuota Quota { get; private set; } = null!;

    public AlarmBoard Alarms { get; private set; } = null!;

    /// <summary>What its last start found wrong with its store.</summary>
    public StoreException? Damage { get; private set; }

    /// <summary>How often work was given up because the disk is full.</summary>
    public int TimesFull { get; private set; }

    public int SnapshotsSent { get; private set; }

    public int SnapshotsInstalled { get; private set; }

    public IReadOnlyList<Etcd.Server.Peer.PeerAddress> Peers { get; private set; } = [];

    public void Boot()
    {
        Recovered = MemberRecovery.Open(Disk, Folders, birth, Wal);
        _wal = Recovered.Wal;
        _completions = new QueuedCompletions();
        Store = new MvccStore(Recovered.Store);
        Leases = new LeaseManager(cluster.Clock);
        State = new ClusterState(Recovered.ClusterId);
        Quota = new SpaceQuota(Size, QuotaBytes);
        StateMachine machine = Machine = new StateMachine(Store, Leases, State, quota: Quota)
        {
            Checkpoints = new CheckpointOptions { Entries = TestCluster.CheckpointEntries },
        };
        Alarms = machine.Alarms;
        Damage = Recovered.InstallInto(machine);
        machine.DiskFull = () => TimesFull++;
        var random = new Random((int)Id.Value * 1000 + ++_lives);
        Node = new MemberNode(new MemberParts
        {
            Raft = new RaftNode(
                new RaftOptions { Id = Id, Random = random.Next, CatchUpEntries = TestCluster.CatchUpEntries }, Recovered.Log),
            AppliedTerm = Recovered.Log.Snapshot?.Term ?? default,
            Damage = Damage,
            Log = new WalLogStore(_wal),
            Snapshots = new SnapshotStore(Recovered.Snapshots),
            Machine = machine,
            State = machine,
            Cluster = State,
            Leases = Leases,
            Peers = this,
            Completions = _completions,
            Ids = new RequestIds(Id, cluster.Clock.GetUtcNow().AddSeconds(_lives)),
            Clock = cluster.Clock,
        });
        var release = new LogRelease(Disk, _wal, segmentsMax: 1);
        Store.CheckpointDurable = mark => release.OnCheckpoint(mark.Index, Node);
        IsUp = true;
        Node.Start();
    }

    /// <summary>The power fails; <see cref="Boot"/> starts it again on what is left.</summary>
    public void Crash(CrashKind kind = CrashKind.NothingUnsynced)
    {
        IsUp = false;
        IsPaused = false;
        Disk = Disk.Crash(kind);
    }

    public bool Step()
    {
        if (IsPaused)
        {
            return false;
        }

        bool any = Node.RunLogOnce() | (Node.RunApplyOnce() == TimeSpan.Zero) | RunDisk() | _completions.Run();
        if (Node.Failed.Exception?.GetBaseException() is { } failure)
        {
            IsUp = false;
            if (failure is not SimulatedCrashException)
            {
                throw new InvalidOperationException($"member {Id} failed", failure);
            }
        }

        return any;
    }

    private bool RunDisk()
    {
        try
        {
            return Store.RunDiskOnce();
        }
        catch (Exception e)
        {
            Node.Fail(e);
            return false;
        }
    }

    /// <summary>
    /// Takes another member's state in the place of its own, as a member does that has found damage: what is applied waits, the state comes
    /// as it is at the other one, and is asked to be put in place. The caller runs the cluster.
    /// </summary>
    /// <param name="other">Whose.</param>
    /// <param name="meanwhile">Runs between the other's state and its arrival.</param>
    public Task<bool> TakeStateOf(TestMember other, Action? meanwhile = null)
    {
        Node.HoldApply(default);
        Task<ISnapshotContent> asked = other.Node.ExportAsync();
        other.Node.RunApplyOnce();
        string path = Folders.Snapshots + "/repair.tmp";
        using var state = (Server.Apply.Snapshots.StateExport)asked.Result;
        Node.HoldApply(state.Index);
        meanwhile?.Invoke();
        using (var file = new DataFileStream(Disk.Open(path, FileOpenMode.CreateOrTruncate)))
        {
            state.WriteTo(file);
        }

        return Node.ReplaceStateAsync(
            state.Index, state.Term, () => new DataFileStream(Disk.Open(path, FileOpenMode.Read)), CancellationToken.None);
    }

    public Task<ApplyOutcome> Put(string key, string value = "v", long lease = 0) => Node.ProposeAsync(RaftCommand.Create(
        RaftCommandKind.Put,
        new PutRequest { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFromUtf8(value), Lease = lease }.ToByteArray()));

    public Task<ApplyOutcome> Grant(long lease, long ttl) => Node.ProposeAsync(RaftCommand.Create(
        RaftCommandKind.LeaseGrant, new LeaseGrantRequest { ID = lease, TTL = ttl }.ToByteArray()));

    public string? Get(string key) => Store.TryGet(Encoding.UTF8.GetBytes(key), out ReadOnlyMemory<byte> record, out _)
        ? Encoding.UTF8.GetString(KeyValueFields.Parse(record.Span).Value)
        : null;

    public void Send(ReadOnlySpan<Message> messages)
    {
        foreach (Message message in messages)
        {
            Assert.NotEqual(Id, message.To);
            cluster.Post(Id, message);
        }
    }

    public void SendSnapshot(in Message message, ISnapshotContent content)
    {
        SnapshotsSent++;
        using (content)
        {
            if (!cluster.Members.TryGetValue(message.To, out TestMember? to) || !to.IsUp || cluster.IsCut(Id, message.To))
            {
                Node.ReportSnapshot(message.To, arrived: false);
                return;
            }

            try
            {
                to.Receive(message, content);
            }
            catch (SimulatedCrashException)
            {
                to.IsUp = false;
                Node.ReportSnapshot(message.To, arrived: false);
                return;
            }
        }

        Node.ReportSnapshot(message.To, arrived: true);
    }

    public void SetPeers(IReadOnlyList<Etcd.Server.Peer.PeerAddress> peers, IReadOnlyCollection<MemberId> removed) => Peers = peers;

    public DateTimeOffset? ActiveSince(MemberId member) =>
        cluster.IsCut(Id, member) || !cluster.Members[member].IsUp ? null : DateTimeOffset.MinValue;

    private void Receive(in Message message, ISnapshotContent content)
    {
        string path = $"{Folders.Snapshots}/received{++_received}.tmp";
        using (var file = new DataFileStream(Disk.Open(path, FileOpenMode.CreateOrTruncate)))
        {
            content.WriteTo(file);
        }

        using (IDataFile file = Disk.Open(path, FileOpenMode.ReadWrite))
        {
            file.FullSync();
        }

        SnapshotsInstalled++;
        Node.DeliverSnapshot(message, path);
    }
}
