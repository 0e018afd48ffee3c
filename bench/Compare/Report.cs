using System.Globalization;

namespace Etcd.Bench.Compare;

/// <summary>All that a comparison found.</summary>
internal sealed record Report(
    CompareOptions Options,
    MachineFacts Machine,
    IReadOnlyList<Side> Sides,
    IReadOnlyDictionary<Load.WorkloadKind, double> Rates)
{
    // What other processes may take before the figures must not be trusted; the kernel's own threads need some.
    private const double OtherCpuPercentMax = 15;

    /// <summary>How quiet the machine was, over all measurements.</summary>
    public string Quietness
    {
        get
        {
            double[] shares = [.. Sides.SelectMany(side => side.Passes.Values).SelectMany(list => list).Select(m => m.OtherCpuPercent).Order()];
            string text = string.Create(CultureInfo.InvariantCulture,
                $"Other processes and the kernel's threads took {shares[shares.Length / 2]:0}% of the processors (median of the measurements; at most {shares[^1]:0}%)");
            return shares[shares.Length / 2] > OtherCpuPercentMax ? text + ": THE MACHINE WAS NOT QUIET, do not trust these figures" : text;
        }
    }

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
