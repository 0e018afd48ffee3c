namespace Etcd.Bench.Sdk;

/// <summary>What is measured of the client library.</summary>
internal sealed record SdkOptions
{
    /// <summary>The operations, a block of the report each.</summary>
    public required IReadOnlyList<string> Operations { get; init; }

    /// <summary>Callers at a time, or watches.</summary>
    public required IReadOnlyList<int> Callers { get; init; }

    /// <summary>Measurements of each client, one after the other by turns.</summary>
    public required int Passes { get; init; }

    public required double Seconds { get; init; }

    public required int ValueBytes { get; init; }

    public string? ServerPath { get; init; }

    public required string WorkFolder { get; init; }

    public string? MarkdownPath { get; init; }

    /// <summary>The command as it was typed, for the report.</summary>
    public required string Command { get; init; }
}
