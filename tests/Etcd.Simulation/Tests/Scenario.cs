using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Apply;
using Etcd.Server.Node;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Simulation.Checkers;
using Etcd.Simulation.Engine;
using Etcd.Simulation.Faults;
using Etcd.Simulation.Members;
using Etcd.Simulation.Mutations;
using Google.Protobuf;

namespace Etcd.Simulation.Tests;

/// <summary>
/// A cluster in the simulator with nothing going wrong by itself: a test says what happens. All checkers look on; what they
/// find is thrown.
/// </summary>
internal sealed class Scenario
{
    private int _requests;

    public Scenario(ulong seed, SwarmOptions? options = null, Mutation? mutation = null)
    {
        Cluster = new SimCluster(options ?? new SwarmOptions(), new SimRandom(seed), null, mutation) { ClientsRun = false };
        foreach (Machine machine in Cluster.Machines.ToArray())
        {
            machine.Start();
        }
    }

    public SimCluster Cluster { get; }

    public IEnumerable<Machine> Up => Cluster.Machines.Where(static m => m.Life is not null);

    /// <summary>Lets time pass.</summary>
    public void Run(long milliseconds)
    {
        long until = Cluster.Scheduler.Now + (milliseconds * Scheduler.Millisecond);
        while (Cluster.Scheduler.RunNext(until))
        {
        }
    }

    /// <summary>Lets time pass until something is so; fails if it does not come to that.</summary>
    public void RunUntil(string what, Func<bool> holds, long milliseconds = 60_000)
    {
        long until = Cluster.Scheduler.Now + (milliseconds * Scheduler.Millisecond);
        while (!holds())
        {
            Assert.True(Cluster.Scheduler.Now < until, "it does not come to this: " + what);
            Run(1);
        }
    }

    /// <summary>The leader that a majority follows, as soon as there is one among some machines.</summary>
    public Machine Leader(params Machine[] except)
    {
        Machine? leader = null;
        RunUntil("a leader", () =>
        {
            leader = Up.FirstOrDefault(m => !except.Contains(m) && !m.IsPaused && m.Life!.Raft.Role == RaftRole.Leader);
            return leader is not null;
        });
        return leader!;
    }

    /// <summary>Asks a member for a put.</summary>
    public Asked Put(Machine machine, string key, string value)
    {
        var put = new PutRequest { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFromUtf8(value) };
        RaftCommand command = RaftCommand.Create(RaftCommandKind.Put, put.ToByteArray());
        Life life = machine.Life!;
        var asked = new Asked();
        machine.Do(life, () =>
        {
            asked.Answer = life.Node.ProposeAsync(command);
            Cluster.History.OnAsk(command.Id);
        });
        asked.WhenAnswered = answer => Cluster.History.OnAnswer("test", command.Id, answer, null, isTxn: false);
        return asked;
    }

    /// <summary>Puts, and waits for the answer.</summary>
    public void PutAndWait(Machine machine, string key = "k")
    {
        Asked asked = Put(machine, key, "v" + ++_requests);
        RunUntil("an answer to a put", () => asked.IsAnswered);
    }

    /// <summary>
    /// Asks a member for a linearizable read. When it is confirmed, what it sees is checked against what had been acknowledged
    /// when it was asked for.
    /// </summary>
    public AskedRead Read(Machine machine, string key)
    {
        var read = new AskedRead(this, machine.Life!, key, Cluster.History.AcknowledgedRevision);
        machine.Do(machine.Life!, read.Ask);
        return read;
    }

    /// <summary>Asks a member for a change of the membership.</summary>
    public Task<ApplyOutcome> Change(Machine machine, ConfChangeCommand change)
    {
        Task<ApplyOutcome>? answer = null;
        Life life = machine.Life!;
        machine.Do(life, () => answer = life.Node.ProposeConfChangeAsync(change));
        return answer!;
    }

    /// <summary>All members have applied the same, and it is what the model says.</summary>
    public void Converge()
    {
        RunUntil("all members agree", () => Cluster.Machines.All(m =>
            !Cluster.Membership.IsMember(m.Id)
            || (m.Life is { } life && life.Applied == Cluster.Consensus.Committed && life.Raft.Committed.Value == life.Applied && !life.Raft.Leader.IsNone)));
        FinalChecker.Check(Cluster);
    }

    /// <summary>Cuts a machine off from all others.</summary>
    public void Isolate(Machine machine)
    {
        foreach (Machine other in Cluster.Machines.Where(other => other != machine))
        {
            Cluster.Network.Cut(machine.Id, other.Id);
            Cluster.Network.Cut(other.Id, machine.Id);
        }
    }

    public static MemberId IdOf(Machine machine) => machine.Id;

    internal sealed class Asked
    {
        private bool _seen;

        public Task<ApplyOutcome>? Answer { get; set; }

        public Action<ApplyOutcome> WhenAnswered { get; set; } = static _ => { };

        public bool IsAnswered
        {
            get
            {
                bool isAnswered = Answer is { IsCompletedSuccessfully: true };
                if (isAnswered && !_seen)
                {
                    _seen = true;
                    WhenAnswered(Answer!.Result);
                }

                return isAnswered;
            }
        }
    }

    internal sealed class AskedRead(Scenario scenario, Life life, string key, long notBefore)
    {
        private Task? _confirmed;
        private bool _seen;

        public bool IsOver => _confirmed is { IsCompleted: true };

        public bool IsConfirmed
        {
            get
            {
                bool isConfirmed = _confirmed is { IsCompletedSuccessfully: true };
                if (isConfirmed && !_seen)
                {
                    _seen = true;
                    Look();
                }

                return isConfirmed;
            }
        }

        public void Ask() => _confirmed = life.Node.LinearizeAsync(CancellationToken.None).AsTask();

        private void Look()
        {
            long revision = life.Store.CurrentRevision;
            ModelVersion? expected = scenario.Cluster.History.Model.At(key, revision);
            scenario.Cluster.History.OnRead("test", key, notBefore, revision, expected is { } e ? (e.Modified, e.Value!) : null, linearizable: true);
        }
    }
}
