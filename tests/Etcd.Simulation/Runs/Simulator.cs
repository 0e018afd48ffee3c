using Etcd.Simulation.Checkers;
using Etcd.Simulation.Clients;
using Etcd.Simulation.Engine;
using Etcd.Simulation.Faults;
using Etcd.Simulation.Members;
using Etcd.Simulation.Mutations;
using Etcd.Simulation.Network;

namespace Etcd.Simulation.Runs;

/// <summary>
/// One run from one seed: a phase in which everything goes wrong that the options allow, and one in which nothing does any
/// more and the cluster must get on: first a majority alone, if the options say so, then all.
/// </summary>
internal sealed class Simulator
{
    /// <summary>In this time a majority that can talk must answer a request, and all members must agree.</summary>
    private const long HealingTime = 90 * Scheduler.Second;

    private readonly ulong _seed;
    private readonly SimCluster _cluster;
    private readonly FaultInjector _faults;
    private readonly SimRandom _random;
    private readonly List<SimClient> _clients = [];

    public Simulator(ulong seed, TextWriter? trace = null, Mutation? mutation = null, Func<SwarmOptions, SwarmOptions>? change = null)
    {
        _seed = seed;
        _random = new SimRandom(seed);
        SwarmOptions options = SwarmOptions.Draw(_random.Fork());
        _cluster = new SimCluster(change?.Invoke(options) ?? options, _random.Fork(), trace, mutation);
        _faults = new FaultInjector(_cluster, _random.Fork());
    }

    public SimCluster Cluster => _cluster;

    private Scheduler Scheduler => _cluster.Scheduler;

    /// <summary>Runs it. What must never happen is in the result and not thrown.</summary>
    public RunResult Run()
    {
        SimulationFailure? failure = null;
        try
        {
            RunPhases();
        }
        catch (SimulationFailure found)
        {
            failure = found;
        }
        catch (Exception e)
        {
            failure = new SimulationFailure("exception", e.ToString().ReplaceLineEndings(" | "), e);
        }

        return new RunResult(_seed, _cluster.Options, _cluster.Trace.Hash, TimeSpan.FromTicks(Scheduler.Now), failure, new RunCounts(
            Scheduler.Happened,
            _cluster.Network.Sent,
            (long)_cluster.Consensus.Committed,
            _cluster.History.Answers,
            _cluster.History.Reads,
            _cluster.Consensus.Elections,
            _faults.Count,
            _cluster.Network.SnapshotsDelivered,
            _cluster.Membership.Changes - _cluster.Options.Members));
    }

    private void RunPhases()
    {
        // With a source of its own, so that the other runs are the same with and without.
        var births = new SimRandom(~_seed);
        foreach (Machine machine in _cluster.Machines.ToArray())
        {
            if (births.Chance(_cluster.Options.BirthCrashes))
            {
                machine.Disk.CrashAtOperation = births.Next(1, 40);
            }

            machine.Start();
        }

        for (int i = 0; i < _cluster.Options.Clients; i++)
        {
            var client = new SimClient(_cluster, "c" + (i + 1), _random.Fork());
            _clients.Add(client);
            client.Start();
        }

        new SimOperator(_cluster, _random.Fork()).Start();
        _faults.Start();
        RunUntil(_cluster.Options.FaultSeconds * Scheduler.Second);
        Heal();
    }

    private void Heal()
    {
        _faults.Stop();
        _cluster.IsHealing = true;
        _cluster.Network.Options = new NetworkOptions { DelayMin = 500, DelayMax = 20_000 };
        _cluster.Network.Heal();
        var away = new List<Machine>();
        if (_cluster.Options.MinorityStaysAway)
        {
            HoldBack(away);
        }

        foreach (Machine machine in _cluster.Machines)
        {
            if (!away.Contains(machine) && (machine.HasBegun || _cluster.Membership.IsMember(machine.Id)))
            {
                machine.Release();
            }
        }

        if (away.Count > 0)
        {
            MakeProgress($"with {string.Join(' ', away.Select(m => m.Name))} away", away);
            foreach (Machine machine in away)
            {
                machine.Release();
            }
        }

        MakeProgress("with all members", []);
        _cluster.ClientsRun = false;
        Converge();
        FinalChecker.Check(_cluster);
    }

    /// <summary>Takes a minority of the voters away.</summary>
    private void HoldBack(List<Machine> away)
    {
        int most = (_cluster.Membership.Voters.Count - 1) / 2;
        foreach (Machine machine in _cluster.Machines)
        {
            if (away.Count < most && _cluster.Membership.Voters.Contains(machine.Id.Value) && _random.Chance(0.6))
            {
                machine.HoldDown();
                away.Add(machine);
            }
        }
    }

    /// <summary>Commands that are asked for from now on must be answered in time.</summary>
    private void MakeProgress(string circumstances, List<Machine> away)
    {
        long answers = _cluster.History.Answers;
        ulong committed = _cluster.Consensus.Committed;
        long began = Scheduler.Now;
        while (_cluster.History.Answers < answers + 3)
        {
            int awayVoters = away.Count(m => _cluster.Membership.Voters.Contains(m.Id.Value));
            if (awayVoters * 2 >= _cluster.Membership.Voters.Count && awayVoters > 0)
            {
                // A change of the members that was under way has made those who are away too many.
                return;
            }

            if (Scheduler.Now - began > HealingTime)
            {
                throw new SimulationFailure(
                    "progress",
                    $"{circumstances}: {_cluster.History.Answers - answers} answers in {HealingTime / Scheduler.Second} s; committed {committed} to {_cluster.Consensus.Committed}; {Describe()}");
            }

            RunUntil(Scheduler.Now + (50 * Scheduler.Millisecond));
        }
    }

    private void Converge()
    {
        long began = Scheduler.Now;
        while (!HasConverged())
        {
            if (Scheduler.Now - began > HealingTime)
            {
                throw new SimulationFailure("convergence", $"not all members agree after {HealingTime / Scheduler.Second} s: {Describe()}");
            }

            RunUntil(Scheduler.Now + (50 * Scheduler.Millisecond));
        }
    }

    private bool HasConverged()
    {
        foreach (Machine machine in _cluster.Machines)
        {
            if (_cluster.Membership.IsMember(machine.Id) && !HasConverged(machine.Life))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// Whether a member has everything, knows who leads, and has done the work of compactions: until then the hash of an empty
    /// store covers what is still there, as in etcd.
    /// </summary>
    private bool HasConverged(Life? life) =>
        life is not null
        && life.Applied == _cluster.Consensus.Committed
        && life.Raft.Committed.Value == life.Applied
        && !life.Raft.Leader.IsNone
        && life.Store.FinishedCompactRevision == life.Store.CompactRevision;

    private string Describe() =>
        string.Join("; ", _cluster.Machines.Select(m => $"{m.Name} {m.Id} {(m.Life is { } life ? life.Describe() : m.IsHeldDown ? "held down" : "down")}"));

    private void RunUntil(long time)
    {
        while (Scheduler.RunNext(time))
        {
        }
    }
}
