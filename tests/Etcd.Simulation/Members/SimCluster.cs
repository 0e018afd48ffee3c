using System.Globalization;
using Etcd.Server.Membership;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Simulation.Checkers;
using Etcd.Simulation.Engine;
using Etcd.Simulation.Faults;
using Etcd.Simulation.Mutations;
using Etcd.Simulation.Network;

namespace Etcd.Simulation.Members;

/// <summary>All machines of a run, what connects them, and who watches them.</summary>
internal sealed class SimCluster
{
    public const ulong ClusterId = 0xC1;
    private readonly SimRandom _random;
    private int _machines;

    public SimCluster(SwarmOptions options, SimRandom random, TextWriter? trace, Mutation? mutation = null)
    {
        Options = options;
        _random = random;
        Mutation = mutation ?? Mutation.None;
        Trace = new Trace(Scheduler, trace);
        Consensus = new ConsensusChecker { FirstEntries = (ulong)options.Members };
        History = new HistoryChecker(Scheduler, options.DriftPpm == 0 && options.ClockJumpRate == 0);
        Network = new SimNetwork(Scheduler, random.Fork(), Trace, Consensus) { Options = options.Network };
        for (int i = 0; i < options.Members; i++)
        {
            Machine machine = Add(isFirst: true);
            FirstMembers.Add(MemberOf(machine.Id, isLearner: false));
        }
    }

    public SwarmOptions Options { get; }

    public Scheduler Scheduler { get; } = new();

    public Trace Trace { get; }

    public ConsensusChecker Consensus { get; }

    public MembershipModel Membership { get; } = new();

    public HistoryChecker History { get; }

    public SimNetwork Network { get; }

    public Mutation Mutation { get; }

    /// <summary>The machines that belong to the cluster, those that join, and those that were taken out and do not know it yet.</summary>
    public List<Machine> Machines { get; } = [];

    /// <summary>Those who make the cluster.</summary>
    public List<Member> FirstMembers { get; } = [];

    public bool ClientsRun { get; set; } = true;

    /// <summary>Whether the faults are over.</summary>
    public bool IsHealing { get; set; }

    public static Member MemberOf(MemberId id, bool isLearner) =>
        new(id, ["http://" + id.Value.ToString(CultureInfo.InvariantCulture)], isLearner, "", []);

    /// <summary>A new machine; its member begins when it is started.</summary>
    public Machine Add(bool isFirst)
    {
        ulong number = (ulong)++_machines;
        var machine = new Machine(this, new MemberId(number * 0x1111), "m" + number.ToString(CultureInfo.InvariantCulture), _random.Fork()) { IsFirst = isFirst };
        Machines.Add(machine);
        Network.Join(machine);
        return machine;
    }

    /// <summary>Who a joining member is told the others are.</summary>
    public IReadOnlyList<PeerAddress> KnownPeers(Machine machine) =>
        [.. Machines.Where(other => other != machine).Select(other => new PeerAddress(other.Id, MemberOf(other.Id, false).PeerUrls))];

    /// <summary>Whether all members have an entry on their disks as committed, so that even a power failure lets none forget it.</summary>
    public bool IsSettled(ulong index) =>
        Membership.Voters.Concat(Membership.Learners).All(id => Consensus.Disk(new MemberId(id)).DurableState.Commit.Value >= index);

    /// <summary>An entry that changes the membership was applied somewhere.</summary>
    public void OnConfigurationApplied(in Entry entry, ConfChange change)
    {
        if (!Membership.Apply(entry, change))
        {
            return;
        }

        Consensus.OnConfiguration([.. Membership.Voters.Select(static id => new MemberId(id))]);
        foreach (Machine machine in Machines)
        {
            // Whoever was added begins.
            if (Membership.IsMember(machine.Id) && !machine.HasBegun && !machine.IsUp)
            {
                Machine joining = machine;
                Scheduler.After(_random.LogUniform(Scheduler.Millisecond, 2 * Scheduler.Second), joining.Start);
            }
        }
    }

    /// <summary>A member has replaced its state: it must know the members of that moment.</summary>
    public void OnInstalled(Machine machine, ulong index, ClusterState.Snapshot members)
    {
        (IReadOnlyList<ulong> voters, IReadOnlyList<ulong> learners) = Membership.At(index);
        if (!members.Members.Where(static m => !m.IsLearner).Select(static m => m.Id.Value).SequenceEqual(voters)
            || !members.Members.Where(static m => m.IsLearner).Select(static m => m.Id.Value).SequenceEqual(learners))
        {
            throw new SimulationFailure("membership", $"{machine.Name} installed the state at {index} with other members than there were");
        }
    }
}
