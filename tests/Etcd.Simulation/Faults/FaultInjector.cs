using Etcd.Server.Raft;
using Etcd.Simulation.Engine;
using Etcd.Simulation.Members;

namespace Etcd.Simulation.Faults;

/// <summary>What goes wrong, and when. Each kind of fault happens by itself, at its own rate, until <see cref="Stop"/>.</summary>
internal sealed class FaultInjector(SimCluster cluster, SimRandom random)
{
    private bool _stopped;
    private int _partitions;

    private SwarmOptions Options => cluster.Options;

    /// <summary>How many faults there were.</summary>
    public int Count { get; private set; }

    public void Start()
    {
        Every(Options.CrashRate, Crash);
        Every(Options.AllCrashRate, CrashAll);
        Every(Options.PartitionRate, Partition);
        Every(Options.PauseRate, () => Some()?.Pause(Long(1, Options.PauseMsMax)));
        Every(Options.ClockJumpRate, JumpClock);
        Every(Options.SlowDiskRate, () => Some()?.SlowDisk(Long(100, 4000)));
        Every(Options.SyncFailRate, FailSync);
        Every(Options.NoSpaceRate, FillDisk);
        if (Options.DriftPpm > 0)
        {
            foreach (Machine machine in cluster.Machines)
            {
                machine.Clock.SetRate(1_000_000 + random.Next(-Options.DriftPpm, Options.DriftPpm + 1));
            }
        }
    }

    /// <summary>No more faults; what they left is repaired.</summary>
    public void Stop()
    {
        _stopped = true;
        foreach (Machine machine in cluster.Machines)
        {
            machine.Clock.SetRate(1_000_000);
        }
    }

    private void Every(double rate, Action fault)
    {
        if (rate <= 0)
        {
            return;
        }

        long next = (long)(-Math.Log(1 - random.NextDouble()) / rate * Scheduler.Second);
        cluster.Scheduler.After(next, () =>
        {
            if (!_stopped)
            {
                Count++;
                fault();
                Every(rate, fault);
            }
        });
    }

    private void Crash()
    {
        if (Some() is not { } machine)
        {
            return;
        }

        if (random.Chance(Options.AtDiskShare))
        {
            machine.Disk.CrashAtOperation = machine.Disk.Operations + random.LogUniform(1, 60);
        }
        else if (random.Chance(Options.PowerShare))
        {
            machine.PowerFailure();
        }
        else
        {
            machine.Kill();
        }
    }

    private void CrashAll()
    {
        foreach (Machine machine in cluster.Machines.ToArray())
        {
            if (machine.IsUp)
            {
                machine.PowerFailure();
            }
        }
    }

    /// <summary>Some members cannot reach the others for a while, in one direction or in both.</summary>
    private void Partition()
    {
        if (cluster.Machines.Count < 2)
        {
            return;
        }

        bool oneWay = random.Chance(Options.OneWayShare);
        bool isolateOne = random.Chance(0.4);
        int alone = cluster.Machines.IndexOf(Some()!);
        bool[] side = [.. cluster.Machines.Select((_, i) => isolateOne ? i == alone : random.Next(2) == 0)];
        for (int from = 0; from < side.Length; from++)
        {
            for (int to = 0; to < side.Length; to++)
            {
                if (side[from] != side[to] && !(oneWay && side[from]))
                {
                    cluster.Network.Cut(cluster.Machines[from].Id, cluster.Machines[to].Id);
                }
            }
        }

        int partition = ++_partitions;
        if (cluster.Trace.IsOn)
        {
            cluster.Trace.Say("net", $"{(oneWay ? "one-way " : "")}partition: {string.Join(' ', cluster.Machines.Where((_, i) => side[i]).Select(m => m.Name))} from the others");
        }

        // A partition that comes while another lasts adds to it; the last one's end ends all.
        cluster.Scheduler.After(Long(50, Options.PartitionMsMax), () =>
        {
            if (partition == _partitions)
            {
                cluster.Network.Heal();
            }
        });
    }

    private void JumpClock()
    {
        if (Some() is not { } machine)
        {
            return;
        }

        if (random.Chance(0.3))
        {
            machine.Clock.JumpSteady(Long(10, 20_000));
        }
        else
        {
            machine.Clock.JumpDate(random.Chance(0.5) ? Long(10, 3_600_000) : -Long(10, 3_600_000));
        }
    }

    private void FailSync()
    {
        if (Some() is { } machine)
        {
            machine.Disk.FailSyncAtOperation = machine.Disk.Operations + random.Next(1, 10);
        }
    }

    private void FillDisk()
    {
        if (Some() is not { } machine)
        {
            return;
        }

        machine.Disk.CapacityBytes = machine.Disk.UsedBytes + random.Next(0, 2 * Options.SegmentBytes);
        cluster.Scheduler.After(Long(200, 5000), () => machine.Disk.CapacityBytes = long.MaxValue);
    }

    /// <summary>A machine; every second time one whose member leads, because that is where it matters most.</summary>
    private Machine? Some()
    {
        if (cluster.Machines.Count == 0)
        {
            return null;
        }

        return random.Chance(0.5) && cluster.Machines.FirstOrDefault(static m => m.Life?.Raft.Role == RaftRole.Leader) is { } leader
            ? leader
            : random.Pick(cluster.Machines);
    }

    private long Long(double fromMs, double toMs) => random.LogUniform(SwarmOptions.Ticks(fromMs), SwarmOptions.Ticks(Math.Max(fromMs, toMs)));
}
