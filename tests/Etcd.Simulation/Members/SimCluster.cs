using Etcd.Protocol.Raftpb;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Simulation.Checkers;
using Etcd.Simulation.Engine;
using Etcd.Simulation.Faults;
using Etcd.Simulation.Network;
using Google.Protobuf;
using ConfChange = Etcd.Protocol.Raftpb.ConfChange;
using Entry = Etcd.Server.Raft.Entry;
using EntryType = Etcd.Server.Raft.EntryType;
using HardState = Etcd.Server.Raft.HardState;
using Member = Etcd.Server.Membership.Member;
using MemberJson = Etcd.Server.Membership.MemberJson;

namespace Etcd.Simulation.Members;

/// <summary>All machines of a run, what connects them, and who watches them.</summary>
internal sealed class SimCluster
{
    private readonly SortedSet<ulong> _voters = [];
    private readonly SortedSet<ulong> _learners = [];
    private readonly HashSet<ulong> _appliedChanges = [];
    private readonly SimRandom _random;
    private int _lives;
    private int _machines;

    public SimCluster(SwarmOptions options, SimRandom random, TextWriter? trace, Func<Machine, IRaft, IRaft>? mutation = null)
    {
        Options = options;
        _random = random;
        Mutate = mutation ?? (static (_, raft) => raft);
        Trace = new Trace(Scheduler, trace);
        Consensus = new ConsensusChecker { FirstEntries = (ulong)options.Members };
        Network = new SimNetwork(Scheduler, random.Fork(), Trace, Consensus) { Options = options.Network };
        FirstEntries = new Entry[options.Members];
        var ids = new ulong[options.Members];
        for (int i = 0; i < options.Members; i++)
        {
            ids[i] = (ulong)(i + 1) * 0x1111;
            FirstEntries[i] = new Entry(new Term(1), new LogIndex((ulong)i + 1), EntryType.ConfChange, Change(ConfChangeType.ConfChangeAddNode, ids[i], false));
        }

        FirstState = new HardState(new Term(1), MemberId.None, new LogIndex((ulong)options.Members));
        foreach (ulong id in ids)
        {
            Add(new MemberId(id));
        }
    }

    public SwarmOptions Options { get; }

    public Scheduler Scheduler { get; } = new();

    public Trace Trace { get; }

    public ConsensusChecker Consensus { get; }

    public HistoryChecker History { get; } = new();

    public SimNetwork Network { get; }

    /// <summary>Where a mutation puts its wrong core around the right one.</summary>
    public Func<Machine, IRaft, IRaft> Mutate { get; }

    /// <summary>The machines that belong to the cluster, and those that were taken out and do not know it yet.</summary>
    public List<Machine> Machines { get; } = [];

    /// <summary>The log that the first members begin with: themselves.</summary>
    public Entry[] FirstEntries { get; }

    public HardState FirstState { get; }

    public bool ClientsRun { get; set; } = true;

    /// <summary>Whether the faults are over.</summary>
    public bool IsHealing { get; set; }

    /// <summary>The voters as of the last change that anyone has applied.</summary>
    public IReadOnlyCollection<ulong> Voters => _voters;

    /// <summary>The learners as of the last change that anyone has applied.</summary>
    public IReadOnlyCollection<ulong> Learners => _learners;

    /// <summary>Whether a member belongs to the cluster, as of the last change that anyone has applied.</summary>
    public bool IsMember(MemberId id) => _voters.Contains(id.Value) || _learners.Contains(id.Value);

    public int NextLife() => ++_lives;

    public Machine Add(MemberId id)
    {
        var machine = new Machine(this, id, "m" + ++_machines, _random.Fork());
        Machines.Add(machine);
        Network.Join(machine);
        return machine;
    }

    /// <summary>An entry that changes the membership was applied somewhere.</summary>
    public void OnConfigurationApplied(in Entry entry)
    {
        if (!_appliedChanges.Add(entry.Index.Value))
        {
            return;
        }

        ConfChange change = ConfChange.Parser.ParseFrom(entry.Data.Span);
        switch (change.Type)
        {
            case ConfChangeType.ConfChangeAddNode:
                _learners.Remove(change.NodeId);
                _voters.Add(change.NodeId);
                break;
            case ConfChangeType.ConfChangeAddLearnerNode:
                _learners.Add(change.NodeId);
                break;
            case ConfChangeType.ConfChangeRemoveNode:
                _learners.Remove(change.NodeId);
                _voters.Remove(change.NodeId);
                break;
        }

        Consensus.OnConfiguration([.. _voters.Select(static id => new MemberId(id))]);
    }

    public static byte[] Change(ConfChangeType type, ulong id, bool isLearner) => new ConfChange
    {
        Type = type,
        NodeId = id,
        Context = ByteString.CopyFrom(MemberJson.Encode(new Member(new MemberId(id), ["http://" + id], isLearner, "", []))),
    }.ToByteArray();
}
