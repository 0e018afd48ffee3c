using System.Globalization;
using System.Text;
using Etcd.Bench.Compare;

namespace Etcd.Bench.Watch;

/// <summary>The figures of all passes, and the table that is made of them.</summary>
internal sealed class WatchReport(WatchOptions options, MachineFacts machine)
{
    private static readonly (string Title, Func<WatchFigures, double> Of, string Format)[] Columns =
    [
        ("per second", f => f.PerSecond, "0"),
        ("p50 until all have it, ms", f => f.P50Milliseconds, "0.00"),
        ("p99, ms", f => f.P99Milliseconds, "0.00"),
        ("server CPU each, us", f => f.ServerMicroseconds, "0.00"),
        ("puts beside /s", f => f.PutsPerSecond, "0"),
        ("their p99, ms", f => f.PutP99Milliseconds, "0.00"),
        ("apply held at most, ms", f => f.ApplyHeldMilliseconds, "0.000"),
        ("over 1 ms", f => f.ApplyHeldOverOne, "0"),
        ("others' CPU, %", f => f.OtherCpuPercent, "0"),
    ];

    private readonly List<(string Measure, string Side, List<WatchFigures> Passes)> _found = [];

    public void Add(string measure, string side, WatchFigures figures)
    {
        int at = _found.FindIndex(f => f.Measure == measure && f.Side == side);
        if (at < 0)
            _found.Add((measure, side, [figures]));
        else
            _found[at].Passes.Add(figures);
    }

    public string Table()
    {
        var text = new StringBuilder();
        Row(text, ["measure", "server", .. Columns.Select(c => c.Title)]);
        Row(text, ["---", "---", .. Columns.Select(_ => "---:")]);
        foreach (IGrouping<string, (string Measure, string Side, List<WatchFigures> Passes)> measure in _found.GroupBy(f => f.Measure))
        {
            WatchFigures[] medians = [.. measure.Select(f => WatchFigures.Median(f.Passes))];
            foreach ((WatchFigures median, string side) in medians.Zip(measure.Select(f => f.Side)))
                Row(text, [measure.Key, side, .. Columns.Select(c => Number(c.Of(median), c.Format))]);
            if (medians.Length == 2)
                Row(text, ["", "**ratio**", .. Columns.Select(c => Ratio(c.Of(medians[1]) / c.Of(medians[0])))]);
        }
        return text.ToString();
    }

    public string Render(double rate) => string.Create(CultureInfo.InvariantCulture, $"""
        # Watches beside the real etcd

        Written by `{options.Command}` on {machine.Time}. Medians of {options.Passes} passes, a fresh server each, the sides in turn. Ratios are ours / etcd.

        - Machine: {machine.Processor}, {machine.Processors} processors, {machine.Memory}; {machine.System}; {machine.Runtime}; load average before the run {machine.LoadBefore}. Watchers and server share the processors.
        - Disk: {machine.Disk}.
        - Before anything counts: {options.WarmUp.TotalSeconds:0.#} s of puts to 500 watchers.
        - A hundred watchers share a stream, ten streams a connection; those with a stream each are a hundred to a connection. A put has 256 bytes and is followed by the next when all watchers have the event; {options.Puts} of them.
        - The load beside those that begin in the past is {rate:0} puts/s in an open loop for 5 s, to other keys; its CPU counts in the events'.
        - CPU is user and system time of the server's process, divided by the events or the watches.
        - How long apply was held by the watchers is the server's own figure (etcd_debugging_watch_apply_held_duration_seconds): the upper bound of the highest bucket that was hit, over all passes. What it waits for is in it; hand-overs of events in the middle of which the system ran another thread are not.

        {Table()}
        {Summary()}
        """);

    /// <summary>What became of the puts beside those that begin in the past.</summary>
    public string Summary()
    {
        var text = new StringBuilder();
        foreach (string side in _found.Select(f => f.Side).Distinct())
        {
            if (MedianOf(WatchRun.AloneName, side) is { } alone && MedianOf(WatchRun.BesideName(options), side) is { } beside)
                text.AppendLine(CultureInfo.InvariantCulture, $"- {side}, puts beside those that begin in the past: {beside.PutsPerSecond / alone.PutsPerSecond:0%} of the rate without them, p99 {beside.PutP99Milliseconds / alone.PutP99Milliseconds:0.00} times as long.");
        }
        return text.ToString();
    }

    private WatchFigures? MedianOf(string measure, string side) =>
        _found.Find(f => f.Measure == measure && f.Side == side).Passes is { } passes ? WatchFigures.Median(passes) : null;

    private static void Row(StringBuilder text, IEnumerable<string> cells) => text.Append("| ").AppendJoin(" | ", cells).AppendLine(" |");

    private static string Ratio(double value) => double.IsFinite(value) ? $"**{Number(value, "0.00")}**" : "";

    private static string Number(double value, string format) => double.IsNaN(value) ? "" : value.ToString(format, CultureInfo.InvariantCulture);
}
