namespace Etcd.Simulation.Network;

/// <summary>How bad the network is. Times in ticks of 100 ns, chances per message.</summary>
internal sealed record NetworkOptions
{
    /// <summary>Shortest way.</summary>
    public long DelayMin { get; init; }

    /// <summary>Longest way; most messages are nearer to the shortest.</summary>
    public long DelayMax { get; init; }

    /// <summary>A message is lost.</summary>
    public double Loss { get; init; }

    /// <summary>A message arrives twice. Proposals never do: a stream delivers once or not at all, and a proposal has no other guard.</summary>
    public double Doubling { get; init; }

    /// <summary>A message may be overtaken by later ones.</summary>
    public double Reordering { get; init; }

    /// <summary>Messages on their way on one link. Beyond: lost, and reported.</summary>
    public int QueueMax { get; init; } = 4096;

    /// <summary>The sender is told of a loss; otherwise it looks to it as if nothing had happened.</summary>
    public double ReportsLoss { get; init; } = 0.5;

    /// <summary>Bytes of a snapshot per second.</summary>
    public long SnapshotBytesPerSecond { get; init; } = 10_000_000;

    /// <summary>The transfer of a snapshot breaks on the way.</summary>
    public double SnapshotBreaks { get; init; }
}
