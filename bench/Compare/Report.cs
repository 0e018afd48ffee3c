namespace Etcd.Bench.Compare;

/// <summary>All that a comparison found.</summary>
internal sealed record Report(
    CompareOptions Options,
    MachineFacts Machine,
    IReadOnlyList<Side> Sides,
    IReadOnlyDictionary<Load.WorkloadKind, double> Rates)
{
    /// <summary>Each figure of the report, with its unit and number format.</summary>
    public static IReadOnlyList<Figure> Figures { get; } =
    [
        new("ops/s", "callsPerSecond", "0", m => m.CallsPerSecond),
        new("p50 ms", "p50Milliseconds", "0.000", m => m.P50Milliseconds),
        new("p99 ms", "p99Milliseconds", "0.000", m => m.P99Milliseconds),
        new("server CPU µs/op", "serverCpuMicrosecondsPerCall", "0.0", m => m.ServerMicrosecondsPerCall),
        new("generator CPU µs/op", "generatorCpuMicrosecondsPerCall", "0.0", m => m.GeneratorMicrosecondsPerCall),
        new("RSS MiB", "residentMebibytes", "0", m => m.ResidentMebibytes),
    ];
}

/// <summary>One column.</summary>
internal sealed record Figure(string Title, string JsonName, string Format, Func<Measurement, double> Of);
