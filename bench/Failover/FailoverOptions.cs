namespace Etcd.Bench.Failover;

/// <summary>How often leaders are killed, and of what.</summary>
internal sealed record FailoverOptions
{
    public required int Kills { get; init; }

    public required int Members { get; init; }

    public bool RunEtcd { get; init; } = true;

    public bool RunOurs { get; init; } = true;

    /// <summary>The executable in our server's place; null builds Etcd.Server.</summary>
    public string? ServerPath { get; init; }

    public required string WorkFolder { get; init; }

    public string? MarkdownPath { get; init; }

    /// <summary>The command as it was typed, for the report.</summary>
    public required string Command { get; init; }
}
