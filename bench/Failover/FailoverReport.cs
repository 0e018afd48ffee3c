using System.Globalization;
using System.Text;
using Etcd.Bench.Compare;

namespace Etcd.Bench.Failover;

/// <summary>What the kills found, as text.</summary>
internal static class FailoverReport
{
    public static string Render(FailoverOptions options, MachineFacts machine, IReadOnlyList<(string Side, IReadOnlyList<double> Outages)> sides)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"""
            ## Failover of {options.Members} members

            Written by `{options.Command}` on {machine.Time}: time from the SIGKILL of the leader to the next acknowledged put through the survivors, {options.Kills} kills a side. The killed member is started again and all are level before the next kill. Heartbeats and election timeout as etcd has them by default: 100 ms, 1000 ms.

            - Machine: {machine.Processor}, {machine.Processors} processors, {machine.Memory}; {machine.System}; {machine.Runtime}; load average before the run {machine.LoadBefore}.
            - Disk: {machine.Disk}.

            """);
        text.AppendLine(Table(sides));
        return text.ToString();
    }

    public static string Table(IReadOnlyList<(string Side, IReadOnlyList<double> Outages)> sides)
    {
        var text = new StringBuilder();
        text.AppendLine("| server | kills | median ms | 95 % ms | least ms | most ms |");
        text.AppendLine("| --- | ---: | ---: | ---: | ---: | ---: |");
        foreach ((string side, IReadOnlyList<double> outages) in sides)
            text.AppendLine(CultureInfo.InvariantCulture, $"| {side} | {outages.Count} | {Percentile(outages, 50):0} | {Percentile(outages, 95):0} | {outages.Min():0} | {outages.Max():0} |");
        return text.ToString();
    }

    /// <summary>The least of the values that so many percent do not exceed.</summary>
    public static double Percentile(IReadOnlyList<double> values, double percent)
    {
        double[] sorted = [.. values.Order()];
        return sorted[Math.Max(0, (int)Math.Ceiling(percent / 100 * sorted.Length) - 1)];
    }
}
