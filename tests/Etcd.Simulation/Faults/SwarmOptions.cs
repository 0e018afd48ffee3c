using System.Globalization;
using System.Reflection;
using System.Text;
using Etcd.Simulation.Engine;
using Etcd.Simulation.Network;

namespace Etcd.Simulation.Faults;

/// <summary>
/// What one run is like: the size of the cluster, its settings, the load, and which faults happen how often. All of it is
/// drawn from the seed, each fault on or off by itself: runs in which a few faults are frequent find more than runs in which
/// everything is a little broken ("swarm testing", Groce et al.). Rates are events per simulated second, 0 for never;
/// times are milliseconds.
/// </summary>
internal sealed record SwarmOptions
{
    public int Members { get; init; } = 3;

    public int FaultSeconds { get; init; } = 20;

    public bool PreVote { get; init; } = true;

    public int MessageBytesMax { get; init; } = 1024 * 1024;

    public int InflightMessagesMax { get; init; } = 512;

    public int CatchUpEntries { get; init; } = 5000;

    public int SegmentBytes { get; init; } = 16 * 1024;

    /// <summary>Longest time between a wake-up and the step.</summary>
    public double StepMsMax { get; init; } = 0.1;

    public double SyncMsMin { get; init; } = 0.1;

    public double SyncMsMax { get; init; } = 5;

    public double NetMsMin { get; init; } = 0.1;

    public double NetMsMax { get; init; } = 10;

    public double Loss { get; init; }

    public double Doubling { get; init; }

    public double Reordering { get; init; }

    public int LinkQueueMax { get; init; } = 4096;

    public double SnapshotBreaks { get; init; }

    public double CrashRate { get; init; }

    /// <summary>Of the crashes: the machine loses power, and with it what was not synced.</summary>
    public double PowerShare { get; init; } = 0.5;

    /// <summary>Of the crashes: in the middle of what the disk is told to do, some operations from now.</summary>
    public double AtDiskShare { get; init; } = 0.5;

    public double AllCrashRate { get; init; }

    public double DownMsMax { get; init; } = 2000;

    public double PartitionRate { get; init; }

    public double OneWayShare { get; init; }

    public double PartitionMsMax { get; init; } = 5000;

    public double PauseRate { get; init; }

    public double PauseMsMax { get; init; } = 4000;

    /// <summary>How far a clock may be from the right rate, millionths.</summary>
    public int DriftPpm { get; init; }

    public double ClockJumpRate { get; init; }

    public double SlowDiskRate { get; init; }

    public double SyncFailRate { get; init; }

    public double NoSpaceRate { get; init; }

    public double MembershipRate { get; init; }

    public double TransferRate { get; init; }

    public int Clients { get; init; } = 3;

    public double ThinkMsMax { get; init; } = 200;

    public int Keys { get; init; } = 8;

    public int ValueBytesMax { get; init; } = 64;

    public bool Compacts { get; init; }

    /// <summary>Entries between two checkpoints of the store.</summary>
    public int CheckpointEntries { get; init; } = 10_000;

    public bool Leases { get; init; }

    /// <summary>How likely the power of a first member fails while it makes its log.</summary>
    public double BirthCrashes { get; init; }

    /// <summary>In the second phase a minority stays away until the majority has shown that it gets on.</summary>
    public bool MinorityStaysAway { get; init; }

    public NetworkOptions Network => new()
    {
        DelayMin = Ticks(NetMsMin),
        DelayMax = Ticks(NetMsMax),
        Loss = Loss,
        Doubling = Doubling,
        Reordering = Reordering,
        QueueMax = LinkQueueMax,
        SnapshotBreaks = SnapshotBreaks,
    };

    /// <summary>Draws the options of a seed.</summary>
    public static SwarmOptions Draw(SimRandom random)
    {
        double Sometimes(double share, double from, double to) =>
            random.Chance(share) ? from * Math.Pow(to / from, random.NextDouble()) : 0;

        int members = random.Next(10) switch { < 6 => 3, < 8 => 5, 8 => 7, _ => 1 };
        bool smallLog = random.Chance(0.6);
        return new SwarmOptions
        {
            Members = members,
            FaultSeconds = random.Next(8, 25),
            PreVote = !random.Chance(0.15),
            MessageBytesMax = random.Pick([1024 * 1024, 1024 * 1024, 4096, 256]),
            InflightMessagesMax = random.Pick([512, 512, 16, 2]),
            CatchUpEntries = smallLog ? random.Next(1, 60) : 5000,
            SegmentBytes = random.Pick([4 * 1024, 16 * 1024, 64 * 1024]),
            StepMsMax = random.Pick([0.02, 0.1, 1.0, 20.0]),
            SyncMsMin = 0.05,
            SyncMsMax = random.Pick([0.5, 5.0, 20.0, 100.0]),
            NetMsMin = 0.05,
            NetMsMax = random.Pick([1.0, 5.0, 20.0, 80.0]),
            Loss = Sometimes(0.5, 0.001, 0.15),
            Doubling = Sometimes(0.3, 0.01, 0.2),
            Reordering = Sometimes(0.3, 0.01, 0.3),
            LinkQueueMax = random.Chance(0.2) ? random.Next(4, 32) : 4096,
            SnapshotBreaks = Sometimes(0.3, 0.1, 0.6),
            CrashRate = Sometimes(0.7, 0.05, 1.5),
            PowerShare = random.NextDouble(),
            AtDiskShare = random.NextDouble(),
            AllCrashRate = Sometimes(0.2, 0.03, 0.3),
            DownMsMax = random.Pick([50.0, 500.0, 3000.0, 10_000.0]),
            PartitionRate = Sometimes(0.5, 0.05, 1.0),
            OneWayShare = random.Chance(0.5) ? random.NextDouble() : 0,
            PartitionMsMax = random.Pick([500.0, 3000.0, 10_000.0]),
            PauseRate = Sometimes(0.4, 0.05, 1.0),
            PauseMsMax = random.Pick([200.0, 2000.0, 6000.0]),
            DriftPpm = random.Chance(0.3) ? random.Next(1000, 300_000) : 0,
            ClockJumpRate = Sometimes(0.2, 0.05, 0.5),
            SlowDiskRate = Sometimes(0.4, 0.05, 1.0),
            SyncFailRate = Sometimes(0.15, 0.02, 0.2),
            NoSpaceRate = Sometimes(0.1, 0.02, 0.1),
            MembershipRate = members > 1 ? Sometimes(0.3, 0.1, 0.6) : 0,
            TransferRate = members > 1 ? Sometimes(0.3, 0.05, 0.6) : 0,
            Clients = random.Next(1, 6),
            ThinkMsMax = random.Pick([20.0, 100.0, 400.0]),
            Keys = random.Pick([1, 4, 16]),
            ValueBytesMax = random.Pick([16, 64, 600]),
            Compacts = random.Chance(0.3),
            Leases = random.Chance(0.3),
            MinorityStaysAway = members > 2 && random.Chance(0.3),
            BirthCrashes = Sometimes(0.15, 0.1, 1),
            CheckpointEntries = random.Pick([5, 25, 100, 10_000]),
        };
    }

    public static long Ticks(double milliseconds) => (long)(milliseconds * Scheduler.Millisecond);

    /// <summary>What differs from the defaults, on one line.</summary>
    public override string ToString()
    {
        var defaults = new SwarmOptions();
        var text = new StringBuilder();
        foreach (PropertyInfo property in typeof(SwarmOptions).GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly))
        {
            if (property.Name is nameof(Network) || !property.CanWrite)
            {
                continue;
            }

            object? value = property.GetValue(this);
            if (!Equals(value, property.GetValue(defaults)))
            {
                text.Append(text.Length == 0 ? "" : " ").Append(CultureInfo.InvariantCulture, $"{property.Name}={value:0.###}");
            }
        }

        return text.ToString();
    }
}
