using System.Globalization;
using Etcd.Server.Apply;
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
/// event of its own, some time after its wake-up.
/// </summary>
internal sealed class Life
{
    public const string Folder = "/m";
    private readonly SimCluster _cluster;
    private readonly SmallOwner _node;
    private readonly WriteAheadLog _wal;
    private readonly ClusterState _members;
    private readonly Step _owner;
    private readonly Step _log;
    private readonly Step _apply;
    private readonly long _tick;

    public Life(SimCluster cluster, Machine machine, SimRandom random)
    {
        _cluster = cluster;
        Machine = machine;
        SwarmOptions options = cluster.Options;
        var walOptions = new WalOptions { SegmentBytes = options.SegmentBytes, BufferBytes = 64 * 1024 };
        string folder = Folder + "/wal";
        if (!machine.Disk.DirectoryExists(folder))
        {
            using WriteAheadLog created = WriteAheadLog.Create(machine.Disk, folder, new byte[] { 1 }, walOptions);
            created.Append(cluster.FirstState, cluster.FirstEntries);
            created.Sync();
            cluster.Consensus.OnBegin(machine.Id, cluster.FirstState, cluster.FirstEntries);
        }

        WalOpenResult found = WriteAheadLog.OpenForAppend(machine.Disk, folder, WalSnapshotMark.Beginning, walOptions);
        _wal = found.Log;
        cluster.Consensus.OnRecovered(machine.Id, found.HardState, default, default, found.Entries);
        Store = new MvccStore();
        Leases = new LeaseManager(machine.Clock);
        _members = new ClusterState(1);
        Raft = cluster.Mutate(machine, new RaftNode(
            new RaftOptions
            {
                Id = machine.Id,
                PreVote = options.PreVote,
                MessageBytesMax = options.MessageBytesMax,
                InflightMessagesMax = options.InflightMessagesMax,
                CatchUpEntries = 1_000_000,
                Random = random.Next,
            },
            new RecoveredLog(found.HardState, null, found.Entries, default, ConfState.Empty)));
        _node = new SmallOwner(
            Raft,
            new ObservedLogStore(machine.Id, new WalLogStore(_wal), cluster.Consensus),
            new ObservedStateMachine(machine.Id, new StateMachine(Store, Leases, _members), cluster.Consensus, cluster.History, cluster.Trace, OnApplied),
            Send,
            new RequestIds(machine.Id, machine.Clock.GetUtcNow().AddMilliseconds(cluster.NextLife())));
        _owner = new Step(this, machine.StepDelay, () => _node.RunOwner());
        _log = new Step(this, machine.SyncDelay, () => _node.RunLog());
        _apply = new Step(this, machine.StepDelay, () => _node.RunApply());
        _node.OwnerWork = _owner.Wake;
        _node.LogWork = _log.Wake;
        _node.ApplyWork = _apply.Wake;
        _tick = Limits.HeartbeatMilliseconds * Scheduler.Millisecond;
    }

    public Machine Machine { get; }

    public IRaft Raft { get; }

    public MvccStore Store { get; }

    public LeaseManager Leases { get; }

    public IPeerInbox Inbox => _node;

    /// <summary>Requests that clients wait for.</summary>
    public List<SimClient.Request> Pending { get; } = [];

    /// <summary>The highest revision that it has shown to a reader.</summary>
    public long ShownRevision { get; set; }

    /// <summary>Why it cannot go on; null while it can.</summary>
    public Exception? Failure => null;

    public ulong Applied => _node.Applied;

    public void Start()
    {
        _owner.Wake();
        Ticking();
    }

    public string Describe() => string.Create(
        CultureInfo.InvariantCulture, $"{Raft.Role} of term {Raft.Term.Value}, leader {Raft.Leader}, last {Raft.LastIndex.Value}, commit {Raft.Committed.Value}, applied {Applied}");

    public Task<ApplyOutcome> Propose(RaftCommand command) => _node.Propose(command);

    public Task Linearize() => _node.Linearize();

    public void TakeSnapshot(Message message, byte[] content) => throw new InvalidOperationException("not yet");

    /// <summary>After each step: what the observer sees of it, and the clients whose requests are over.</summary>
    public void LookAfterStep()
    {
        _cluster.Consensus.OnStep(Machine.Id, Raft.Role, Raft.Term, Raft.Committed);
        _cluster.History.OnVisible(Machine.Id, Applied, Store.CurrentRevision);
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

    private void Ticking() => Machine.DoAfter(this, Machine.Clock.ToReal(_tick), () =>
    {
        _node.Tick();
        Ticking();
    });

    private void Send(Message message)
    {
        if (Machine.IsAlive(this) && !Machine.Disk.HasCrashed)
        {
            _cluster.Network.Send(Machine, this, message);
        }
    }

    private void OnApplied(Entry entry)
    {
        if (entry.Type == EntryType.ConfChange)
        {
            _cluster.OnConfigurationApplied(entry);
        }
    }

    /// <summary>A step that runs some time after it was woken, once for all wake-ups until then.</summary>
    private sealed class Step(Life life, Func<long> delay, Action run)
    {
        private bool _woken;

        public void Wake()
        {
            if (!_woken)
            {
                _woken = true;
                life.Machine.DoAfter(life, delay(), Run);
            }
        }

        private void Run()
        {
            _woken = false;
            run();
        }
    }
}
