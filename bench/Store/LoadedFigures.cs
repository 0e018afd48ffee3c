using System.Globalization;
using System.Text;
using Etcd.Bench.Load;

namespace Etcd.Bench.Store;

/// <summary>Puts at a fixed rate while nothing else happens, or beside something.</summary>
/// <param name="Name">Beside what.</param>
/// <param name="CallsPerSecond">What was answered.</param>
/// <param name="P50Milliseconds">From when a put was due.</param>
/// <param name="P99Milliseconds">The same.</param>
/// <param name="MaxMilliseconds">The same.</param>
/// <param name="ServerMicrosecondsPerCall">CPU of the process, the work beside the puts too.</param>
/// <param name="OtherCpuPercent">What neither server nor generator took of the processors.</param>
/// <param name="WorkSeconds">How long the work beside took; zero if there was none.</param>
internal sealed record LoadedPhase(
    string Name,
    double CallsPerSecond,
    double P50Milliseconds,
    double P99Milliseconds,
    double MaxMilliseconds,
    double ServerMicrosecondsPerCall,
    double OtherCpuPercent,
    double WorkSeconds)
{
    public static LoadedPhase From(string name, LoadResult result, TimeSpan work) => new(
        name,
        result.CallsPerSecond,
        result.Latency.Percentile(50) / 1e6,
        result.Latency.Percentile(99) / 1e6,
        result.Latency.Max / 1e6,
        result.ServerMicrosecondsPerCall ?? double.NaN,
        result.OtherCpuShare * 100,
        work.TotalSeconds);
}

/// <summary>What compaction and Defragment did to the puts of one side.</summary>
internal sealed record LoadedFigures
{
    /// <summary>The most puts per second that the side did without a rate.</summary>
    public required double MaximumPerSecond { get; init; }

    /// <summary>What was offered.</summary>
    public required double Rate { get; init; }

    /// <summary>Revisions that the compaction dropped.</summary>
    public required long Revisions { get; init; }

    /// <summary>The phases, that without work beside first.</summary>
    public required IReadOnlyList<LoadedPhase> Phases { get; init; }

    /// <summary>The table in Markdown; the ratios are those to the side's first phase.</summary>
    public static string Table(IEnumerable<(string Side, LoadedFigures Figures)> found)
    {
        var table = new StringBuilder();
        table.AppendLine("| server | puts beside | work, s | puts/s | of those before | p50 ms | p99 ms | of that before | longest ms | server CPU µs/put |");
        table.AppendLine("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        foreach ((string side, LoadedFigures figures) in found)
        {
            string name = $"{side}, {figures.Rate.ToString("0", CultureInfo.InvariantCulture)}/s offered of {figures.MaximumPerSecond.ToString("0", CultureInfo.InvariantCulture)}/s";
            LoadedPhase before = figures.Phases[0];
            foreach (LoadedPhase p in figures.Phases)
            {
                string work = p.WorkSeconds > 0 ? p.WorkSeconds.ToString("0.0", CultureInfo.InvariantCulture) : "";
                table.AppendLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"| {name} | {p.Name} | {work} | {p.CallsPerSecond:0} | {p.CallsPerSecond / before.CallsPerSecond:0.00} | {p.P50Milliseconds:0.000} | {p.P99Milliseconds:0.000} | {p.P99Milliseconds / before.P99Milliseconds:0.00} | {p.MaxMilliseconds:0} | {p.ServerMicrosecondsPerCall:0.0} |"));
                name = "";
            }
        }

        return table.ToString();
    }
}
