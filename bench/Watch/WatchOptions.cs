namespace Etcd.Bench.Watch;

/// <summary>What is measured of watches.</summary>
internal sealed record WatchOptions
{
    /// <summary>How many watchers one put goes to, a line of the report each.</summary>
    public required IReadOnlyList<int> Watchers { get; init; }

    public required int Puts { get; init; }

    /// <summary>Watchers that begin in the past.</summary>
    public required int Behind { get; init; }

    /// <summary>How many revisions back they begin.</summary>
    public required int History { get; init; }

    /// <summary>Puts per second beside them; 0 for half of the most that the first side did.</summary>
    public required double PutRate { get; init; }

    public required int Passes { get; init; }

    public required TimeSpan WarmUp { get; init; }

    public bool RunEtcd { get; init; } = true;

    public bool RunOurs { get; init; } = true;

    public string? ServerPath { get; init; }

    public required string WorkFolder { get; init; }

    public string? MarkdownPath { get; init; }

    /// <summary>The command as it was typed, for the report.</summary>
    public required string Command { get; init; }
}
