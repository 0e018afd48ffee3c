using System.Globalization;
using System.Text;
using Etcd.Bench.Load;

namespace Etcd.Bench.Compare;

/// <summary>The report for people: what was run and where, then one table.</summary>
internal static class MarkdownReport
{
    public static string Render(Report report)
    {
        var text = new StringBuilder();
        WriteHeader(text, report);
        text.AppendLine(Table(report));
        return text.ToString();
    }

    public static string Table(Report report)
    {
        var text = new StringBuilder();
        Row(text, ["workload", "server", .. Report.Figures.Select(figure => figure.Title), "errors"]);
        Row(text, ["---", "---", .. Report.Figures.Select(_ => "---:"), "---:"]);
        foreach (Cell cell in report.Options.Cells)
            WriteCell(text, report, cell);
        return text.ToString();
    }

    private static void WriteHeader(StringBuilder text, Report report)
    {
        CompareOptions options = report.Options;
        LoadOptions load = options.Load;
        MachineFacts machine = report.Machine;
        text.AppendLine(CultureInfo.InvariantCulture, $"""
            {(options.Members == 1 ? "# Beside the real etcd" : $"## {options.Members} members beside the real etcd")}

            Written by `{options.Command}` on {machine.Time}. Medians of {options.Passes} passes; each pass starts a fresh server with an empty data folder, one {(options.Members == 1 ? "server" : "cluster")} at a time, the sides in turn. Ratios are {report.Sides[^1].Name} / {report.Sides[0].Name}.

            - Machine: {machine.Processor}, {machine.Processors} processors, {machine.Memory}; {machine.System}; {machine.Runtime}; load average before the run {machine.LoadBefore}. Generator and server share the processors.
            - Disk: {machine.Disk}.
            - {report.Quietness}.
            - Per pass: {load.KeySpace} keys put, warm-up {options.WarmUp.TotalSeconds:0.#} s of puts and ranges, then each workload for {load.Duration.TotalSeconds:0.#} s after a ramp of {load.Ramp.TotalSeconds:0.#} s on new connections.
            - Keys of {load.KeyBytes} bytes ({load.KeyOrder.ToString().ToLowerInvariant()} order), values of {load.ValueBytes} bytes. A client has one call at a time; clients share {(load.Connections > 0 ? $"{load.Connections} connections" : $"one connection each, up to {LoadOptions.ConnectionsDefaultMax}")}. Generator threads: {load.Threads}.
            """);
        foreach ((WorkloadKind workload, double rate) in report.Rates)
            text.AppendLine(CultureInfo.InvariantCulture, $"- Fixed load of {workload.ToString().ToLowerInvariant()}: {rate:0} calls/s offered in an open loop; latency counts from when a call was due.");
        if (options.Members > 1)
            text.AppendLine(CultureInfo.InvariantCulture, $"- A side is {options.Members} processes that reach each other and their clients over loopback; its CPU and RSS are their sum. {(options.Target == LoadTarget.Leader ? "Clients call the leader." : "Connections go to all members by turns, the first to the leader.")}");
        text.AppendLine("- CPU is user and system time of the process during the measured time, divided by the calls. RSS is read at the end of the workload; a server that did more puts by then holds more revisions.");
        foreach (Side side in report.Sides)
            text.AppendLine(CultureInfo.InvariantCulture, $"- {side.Name}: `{Path.GetFileName(side.Executable)}`");
        text.AppendLine();
    }

    private static void WriteCell(StringBuilder text, Report report, Cell cell)
    {
        string name = cell.Name;
        var medians = new List<Measurement>();
        foreach (Side side in report.Sides)
        {
            if (side.Median(cell) is not Measurement median)
                continue;
            medians.Add(median);
            Row(text, [name, side.Name, .. Report.Figures.Select(figure => Number(figure.Of(median), figure.Format)), Number(median.Errors, "0")]);
            name = "";
        }
        if (medians.Count == 2)
            Row(text, ["", "**ratio**", .. Report.Figures.Select(figure => $"**{Number(figure.Of(medians[1]) / figure.Of(medians[0]), "0.00")}**"), ""]);
    }

    private static void Row(StringBuilder text, IEnumerable<string> cells) =>
        text.Append("| ").AppendJoin(" | ", cells).AppendLine(" |");

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
