using System.Globalization;
using Etcd.Server.Apply;
using Etcd.Server.Io;
using Etcd.Server.Lease;
using Etcd.Server.Membership;
using Etcd.Server.Node;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Server.Storage;
using Etcd.Server.Wal;
using Etcd.Simulation.Clients;
using Etcd.Simulation.Engine;
using Etcd.Simulation.Faults;

namespace Etcd.Simulation.Members;

/// <summary>
/// One run of a member's process: the real rooms put together as Hosting does it, on a simulated machine. Each step is an
/// event of its own, some time after its wake-up. The log's step is one event at the end of the time that its write and sync
/// take: until then nobody can tell whether it has begun, so this is the same as if it had blocked all the while.
/// </summary>
internal sealed class Life : ICompletions
{
    private const string Wal = "/member/wal";
    private const string Snap = "/member/snap";
    private readonly SimCluster _cluster;
    private readonly MemberNode _node;
    private readonly WriteAheadLog _wal;
    private readonly ObservedStateMachine _machine;
    private readonly RecoveredMember _recovered;
    private readonly Step _log;
    private readonly Step _apply;
    private readonly Step _store;
    private readonly SimPeers _peers;
    private readonly ObservedSnapshots _snapshots;
    private int _received;
    private ulong _visible;

    public Life(SimCluster cluster, Machine machine, SimRandom random)
    {
        _cluster = cluster;
        Machine = machine;
        SwarmOptions options = cluster.Options;
        _recovered = MemberRecovery.Open(
            machine.Disk,
            new MemberFolders(Wal, Snap),
            new MemberBirth(machine.Id, SimCluster.ClusterId, machine.IsFirst ? cluster.FirstMembers : []),
            new WalOptions { SegmentBytes = options.SegmentBytes, BufferBytes = 64 * 1024 });
        _wal = _recovered.Wal;
        Observe(_recovered.Log);
        Store = new MvccStore(_recovered.Store);
        Leases = new LeaseManager(machine.Clock);
        Members = new ClusterState(_recovered.ClusterId);
        var state = new StateMachine(Store, Leases, Members)
        {
            Checkpoints = new CheckpointOptions { Entries = options.CheckpointEntries },
        };
        _machine = new ObservedStateMachine(machine.Id, state, cluster.Consensus, cluster.History, cluster.Trace, OnChange);
        var whole = new ObservedState(state, OnInstalled);
        _snapshots = new ObservedSnapshots(new SnapshotStore(_recovered.Snapshots)) { LastOpened = _recovered.Log.Snapshot?.Index ?? default };
        _recovered.InstallInto(whole);
        Raft = cluster.Mutation.Wrap(machine, new RaftNode(
            new RaftOptions
            {
                Id = machine.Id,
                PreVote = options.PreVote,
                MessageBytesMax = options.MessageBytesMax,
                InflightMessagesMax = options.InflightMessagesMax,
                CatchUpEntries = options.CatchUpEntries,
                Random = random.Next,
            },
            _recovered.Log));
        _peers = new SimPeers(machine, this, cluster.Network);
        _node = new MemberNode(new MemberParts
        {
            Raft = Raft,
            AppliedTerm = _recovered.Log.Snapshot?.Term ?? default,
            Log = new ObservedLogStore(machine.Id, cluster.Mutation.Wrap(machine, new WalLogStore(_wal)), cluster.Consensus),
            Snapshots = _snapshots,
            Machine = _machine,
            State = whole,
            Cluster = Members,
            Leases = Leases,
            Peers = _peers,
            KnownPeers = cluster.KnownPeers(machine),
            Completions = this,
            Ids = new RequestIds(machine.Id, machine.Clock.GetUtcNow()),
            Clock = machine.Clock,
            Options = new NodeOptions { PendingRequestSlots = 64 },
        });
        _log = new Step(this, machine.SyncDelay, RunLog);
        _apply = new Step(this, machine.StepDelay, RunApply);
        _store = new Step(this, machine.SyncDelay, RunStore);
        var release = new LogRelease(machine.Disk, _wal, segmentsMax: 1);
        Store.DiskWork = _store.Wake;
        Store.CheckpointDurable = mark => release.OnCheckpoint(mark.Index, _node);
        _node.LogWork = _log.Wake;
        _node.ApplyWork = _apply.Wake;
    }

    public Machine Machine { get; }

    public IRaft Raft { get; }

    public MvccStore Store { get; }

    public LeaseManager Leases { get; }

    public ClusterState Members { get; }

    public MemberNode Node => _node;

    public IPeerInbox Inbox => _node;

    /// <summary>Requests that clients wait for.</summary>
    public List<SimClient.Request> Pending { get; } = [];

    /// <summary>The highest revision that it has shown to a reader.</summary>
    public long ShownRevision { get; set; }

    /// <summary>Why it cannot go on; null while it can.</summary>
    public Exception? Failure => _node.Failed.Exception?.GetBaseException();

    public ulong Applied => _node.Applied.Value;

    /// <summary>Whether it has applied its own removal.</summary>
    public bool IsRemoved => _node.Removed.IsCompleted;

    public void Start()
    {
        _node.Start();
        Ticking();
    }

    public string Describe() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Raft.Role} of term {Raft.Term.Value}, leader {Raft.Leader}, last {Raft.LastIndex.Value}, commit {Raft.Committed.Value}, applied {Applied}");

    /// <summary>Whether messages of a member are taken.</summary>
    public bool Takes(MemberId from) => _peers.Takes(from);

    /// <summary>A snapshot has arrived: it becomes durable under a name of its own, and then the node's.</summary>
    public void TakeSnapshot(Message message, byte[] content)
    {
        string path = Path.Combine(Snap, "received-" + (++_received).ToString(CultureInfo.InvariantCulture) + ".tmp");
        using (IDataFile file = Machine.Disk.Open(path, FileOpenMode.CreateOrTruncate))
        {
            file.WriteAt(content, 0);
            file.FullSync();
        }

        _node.DeliverSnapshot(message, path);
    }

    /// <summary>After each step: what the observer sees of it, and the clients whose requests are over.</summary>
    public void LookAfterStep()
    {
        _cluster.Consensus.OnStep(Machine.Id, Raft.Role, Raft.Term, Raft.Committed);
        ulong applied = Applied;
        if (applied < _visible)
        {
            throw new Checkers.SimulationFailure("apply order", $"{Machine.Name} shows {applied} after {_visible}");
        }

        _visible = applied;
        _cluster.History.OnVisible(Machine.Id, applied, Store.CurrentRevision);
        for (int i = 0; i < Pending.Count; i++)
        {
            SimClient.Request request = Pending[i];
            if (request.IsOver())
            {
                Pending.RemoveAt(i--);
            }
        }
    }

    /// <summary>The process is gone.</summary>
    public void End()
    {
        foreach (SimClient.Request request in Pending)
        {
            request.Lost();
        }

        Pending.Clear();
    }

    /// <summary>Answers are given in an event of their own.</summary>
    void ICompletions.Post(IThreadPoolWorkItem work) => Machine.DoAfter(this, Scheduler.Microsecond, work.Execute);

    private void Observe(RecoveredLog log)
    {
        if (Machine.HasBegun)
        {
            _cluster.Consensus.OnRecovered(Machine.Id, log.HardState, log.Snapshot?.Index ?? default, log.Snapshot?.Term ?? default, log.Entries);
        }
        else
        {
            Machine.HasBegun = true;
            _cluster.Consensus.OnBegin(Machine.Id, log.HardState, log.Entries);
        }
    }

    private void OnInstalled()
    {
        _machine.OnInstalled(_snapshots.LastOpened);
        _cluster.OnInstalled(Machine, _snapshots.LastOpened.Value, Members.Current);
    }

    private void OnChange(Entry entry, ConfChange change) => _cluster.OnConfigurationApplied(entry, change);

    private void RunLog()
    {
        if (_node.RunLogOnce())
        {
            _log.Wake();
        }
    }

    private void RunStore()
    {
        if (Store.RunDiskOnce())
        {
            _store.Wake();
        }
    }

    private void RunApply()
    {
        TimeSpan next = _node.RunApplyOnce();
        if (next != Timeout.InfiniteTimeSpan)
        {
            _apply.WakeAfter(Math.Max(next.Ticks, Machine.StepDelay()));
        }
    }

    private void Ticking() => Machine.DoAfter(this, Machine.Clock.ToReal(Limits.HeartbeatMilliseconds * Scheduler.Millisecond), () =>
    {
        _node.Tick();
        Ticking();
    });

    /// <summary>A step that runs some time after it was woken, once for all wake-ups until then.</summary>
    private sealed class Step(Life life, Func<long> delay, Action run)
    {
        private long _due = long.MaxValue;

        public void Wake() => WakeAfter(delay());

        public void WakeAfter(long after)
        {
            long due = life._cluster.Scheduler.Now + after;
            if (due < _due)
            {
                _due = due;
                life.Machine.DoAfter(life, after, () => Run(due));
            }
        }

        private void Run(long due)
        {
            if (due == _due)
            {
                _due = long.MaxValue;
                run();
            }
        }
    }
}
