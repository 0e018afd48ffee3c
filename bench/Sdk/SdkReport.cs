using System.Globalization;
using System.Text;
using Etcd.Bench.Compare;

namespace Etcd.Bench.Sdk;

/// <summary>The figures of all passes, and what is written of them.</summary>
internal sealed class SdkReport(SdkOptions options, MachineFacts machine)
{
    // What other processes may take before the figures must not be trusted; the kernel's own threads need some.
    private const double OtherCpuPercentMax = 15;

    private readonly List<Cell> _cells = [];

    public void Add(string operation, int callers, IReadOnlyList<SdkFigures> raw, IReadOnlyList<SdkFigures> sdk) =>
        _cells.Add(new Cell(operation, callers, raw, sdk));

    public string Table()
    {
        var text = new StringBuilder();
        text.AppendLine("| call | callers | client | per second | p50 µs | p99 µs | CPU µs | bytes allocated | throughput of gRPC's | CPU of gRPC's | bytes more |");
        text.AppendLine("| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        foreach (Cell cell in _cells)
        {
            SdkFigures raw = SdkFigures.Median(cell.Raw), sdk = SdkFigures.Median(cell.Sdk);
            Row(text, cell, RawSubject.Title, raw, "| | |");
            Row(text, cell, SdkSubject.Title, sdk, string.Create(
                CultureInfo.InvariantCulture,
                $"| **{cell.Throughput:P0}** | {cell.Cpu:P0} | {sdk.Bytes - raw.Bytes:F0} |"));
        }

        return text.ToString();
    }

    /// <summary>The bar, and how far from it the worst figures are.</summary>
    public string Verdict()
    {
        var text = new StringBuilder();
        Cell slowest = _cells.MinBy(cell => cell.Throughput)!;
        text.Append(CultureInfo.InvariantCulture, $"Least throughput beside gRPC's: {slowest.Throughput:P0} ({slowest.Operation}, {slowest.Callers}); at least 90% is wanted.");
        if (_cells.Where(cell => cell.Operation == "put").MaxBy(cell => cell.BytesMore) is { } dearest)
            text.Append(CultureInfo.InvariantCulture, $" Most bytes more per put: {dearest.BytesMore:F0} ({dearest.Callers} callers); at most 1024 are wanted.");
        return text.ToString();
    }

    public string Render() => string.Create(CultureInfo.InvariantCulture, $"""
        # Etcd.Client beside the generated gRPC client

        Written by `{options.Command}` on {machine.Time}. Medians of {options.Passes} passes of each client, one after the other by turns, at one server of ours; the two ratios are the medians of the passes' ratios.

        - Machine: {machine.Processor}, {machine.Processors} processors, {machine.Memory}; {machine.System}; {machine.Runtime}; load average before the run {machine.LoadBefore}. Client and server share the processors.
        - Disk: {machine.Disk}.
        - {Quietness()}.
        - put and get: so many callers with one call at a time each, for {options.Seconds:0.#} s; values of {options.ValueBytes} bytes, 1000 keys, all on one client. Deadlines, retries and telemetry as users have them; nobody listens to the telemetry.
        - watch: so many watches of one key, all on one stream, and 20 puts at a time by the same client; figures are of events, and the time is from the put to its event.
        - CPU and bytes are those of the client's process; the server is a process of its own.
        - Of the bytes at many callers, some 20 KiB a call are .NET's HTTP/2 client's, for both sides alike: 16 KiB for an answer until it is read and 4 KiB for headers until they are sent, from the shared pool, which keeps 32 of a size for each processor and makes what is wanted beyond that anew.

        {Verdict()}

        {Table()}
        """);

    private string Quietness()
    {
        double[] shares = [.. _cells.SelectMany(cell => cell.Raw.Concat(cell.Sdk)).Select(figures => figures.OtherCpuPercent).Order()];
        double median = shares[shares.Length / 2];
        string text = string.Create(CultureInfo.InvariantCulture,
            $"Other processes and the kernel's threads took {median:0}% of the processors (median of the measurements; at most {shares[^1]:0}%)");
        return median > OtherCpuPercentMax ? text + ": THE MACHINE WAS NOT QUIET, do not trust the throughput" : text;
    }

    private static void Row(StringBuilder text, Cell cell, string client, SdkFigures figures, string comparison) =>
        text.AppendLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {cell.Operation} | {cell.Callers} | {client} | {figures.PerSecond:N0} | {figures.P50 / 1000:F0} | {figures.P99 / 1000:F0} | {figures.CpuMicroseconds:F1} | {figures.Bytes:F0} {comparison}"));

    private sealed record Cell(string Operation, int Callers, IReadOnlyList<SdkFigures> Raw, IReadOnlyList<SdkFigures> Sdk)
    {
        public double Throughput => SdkFigures.MedianRatio(Sdk, Raw, figures => figures.PerSecond);

        public double Cpu => SdkFigures.MedianRatio(Sdk, Raw, figures => figures.CpuMicroseconds);

        public double BytesMore => SdkFigures.Median(Sdk).Bytes - SdkFigures.Median(Raw).Bytes;
    }
}
