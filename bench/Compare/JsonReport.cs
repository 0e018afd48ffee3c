using System.Text.Json;
using Etcd.Bench.Load;

namespace Etcd.Bench.Compare;

/// <summary>The report for programs: the medians, their ratios, and every pass.</summary>
internal static class JsonReport
{
    public static void Write(Report report, string path)
    {
        using FileStream file = File.Create(path);
        using var json = new Utf8JsonWriter(file, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteString("command", report.Options.Command);
        json.WriteNumber("members", report.Options.Members);
        json.WriteNumber("passes", report.Options.Passes);
        json.WriteNumber("secondsPerWorkload", report.Options.Load.Duration.TotalSeconds);
        WriteMachine(json, report.Machine);
        json.WriteStartObject("fixedLoadCallsPerSecond");
        foreach ((WorkloadKind workload, double rate) in report.Rates)
            json.WriteNumber(workload.ToString().ToLowerInvariant(), rate);
        json.WriteEndObject();
        json.WriteStartArray("workloads");
        foreach (Cell cell in report.Options.Cells)
            WriteCell(json, report, cell);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteMachine(Utf8JsonWriter json, MachineFacts machine)
    {
        json.WriteStartObject("machine");
        json.WriteString("time", machine.Time);
        json.WriteString("processor", machine.Processor);
        json.WriteNumber("processors", machine.Processors);
        json.WriteString("memory", machine.Memory);
        json.WriteString("system", machine.System);
        json.WriteString("runtime", machine.Runtime);
        json.WriteString("disk", machine.Disk);
        json.WriteString("loadAverageBefore", machine.LoadBefore);
        json.WriteEndObject();
    }

    private static void WriteCell(Utf8JsonWriter json, Report report, Cell cell)
    {
        json.WriteStartObject();
        json.WriteString("workload", cell.Workload.ToString().ToLowerInvariant());
        json.WriteNumber("clients", cell.Clients);
        json.WriteBoolean("fixedLoad", cell.FixedLoad);
        var medians = new List<Measurement>();
        foreach (Side side in report.Sides)
        {
            if (side.Median(cell) is not Measurement median)
                continue;
            medians.Add(median);
            json.WriteStartObject(side.Name);
            WriteFigures(json, "median", median);
            json.WriteStartArray("passes");
            foreach (Measurement pass in side.Passes[cell])
                WriteFigures(json, null, pass);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        if (medians.Count == 2)
            WriteRatios(json, medians[0], medians[1]);
        json.WriteEndObject();
    }

    private static void WriteFigures(Utf8JsonWriter json, string? name, Measurement measurement)
    {
        if (name is null)
            json.WriteStartObject();
        else
            json.WriteStartObject(name);
        foreach (Figure figure in Report.Figures)
            json.WriteNumber(figure.JsonName, Math.Round(figure.Of(measurement), 4));
        json.WriteNumber("otherProcessesCpuPercent", Math.Round(measurement.OtherCpuPercent, 1));
        json.WriteNumber("errors", measurement.Errors);
        json.WriteEndObject();
    }

    private static void WriteRatios(Utf8JsonWriter json, Measurement first, Measurement second)
    {
        json.WriteStartObject("ratio");
        foreach (Figure figure in Report.Figures)
        {
            double ratio = figure.Of(second) / figure.Of(first);
            // JSON has no infinity: a ratio to nothing is left out.
            if (double.IsFinite(ratio))
                json.WriteNumber(figure.JsonName, Math.Round(ratio, 4));
        }
        json.WriteEndObject();
    }
}
