using Etcd.Bench.Load;

namespace Etcd.Bench.Compare;

/// <summary>Which members of a cluster clients call.</summary>
internal enum LoadTarget
{
    /// <summary>All, each connection another one; the first connection is to the leader.</summary>
    All,

    /// <summary>The leader only.</summary>
    Leader,
}

/// <summary>What is compared, and how long.</summary>
internal sealed record CompareOptions
{
    public required IReadOnlyList<Cell> Cells { get; init; }

    /// <summary>Everything of a load but its endpoint, workload, clients and rate.</summary>
    public required LoadOptions Load { get; init; }

    public required int Passes { get; init; }

    public required TimeSpan WarmUp { get; init; }

    /// <summary>Processes that make up one side's server.</summary>
    public int Members { get; init; } = 1;

    /// <summary>Which of them clients call.</summary>
    public LoadTarget Target { get; init; }

    public bool RunEtcd { get; init; } = true;

    public bool RunOurs { get; init; } = true;

    /// <summary>The executable in our server's place; null builds Etcd.Server.</summary>
    public string? ServerPath { get; init; }

    public required string WorkFolder { get; init; }

    public string? JsonPath { get; init; }

    public string? MarkdownPath { get; init; }

    /// <summary>Offered loads that are given rather than found.</summary>
    public IReadOnlyDictionary<WorkloadKind, double> Rates { get; init; } = new Dictionary<WorkloadKind, double>();

    /// <summary>The command as it was typed, for the report.</summary>
    public required string Command { get; init; }
}
