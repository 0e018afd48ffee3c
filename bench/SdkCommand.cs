using System.Globalization;
using System.Text;
using Etcd.Bench.Compare;
using Etcd.Bench.Sdk;

namespace Etcd.Bench;

/// <summary>
/// The command <c>sdk</c>: what Etcd.Client costs beside the generated gRPC client, at the same server, in turn. The bar: at most a tenth of the
/// throughput, and at most 1 KiB more allocated per put.
/// </summary>
internal static class SdkCommand
{
    private static readonly string[] Operations = ["put", "get", "watch"];

    public static async Task<int> RunAsync(CommandLine arguments, CancellationToken stop)
    {
        double seconds = arguments.Number("seconds", 3, 0.1);
        int passes = arguments.Integer("passes", 3, 1, 99);
        int valueBytes = arguments.Integer("value-size", 256, 1);
        int[] callers = [.. (arguments.List("callers") ?? ["1", "100", "1000"]).Select(text => int.Parse(text, CultureInfo.InvariantCulture))];
        string[] operations = arguments.List("operations") ?? Operations;
        string? serverPath = ClusterArguments.TakeServer(arguments);
        string workFolder = ClusterArguments.TakeWorkFolder(arguments);
        string? markdown = arguments.Text("markdown");
        arguments.RequireAllTaken();

        Side side = Side.Choose(etcd: false, ours: true, serverPath, stop)[0];
        string folder = WorkFolder.Create(workFolder);
        var run = new SdkRun(seconds, valueBytes);
        var warmUp = new SdkRun(1, valueBytes);
        var table = new StringBuilder();
        table.AppendLine("| call | callers | client | per second | p50 µs | p99 µs | bytes allocated | throughput of gRPC's | bytes more |");
        table.AppendLine("| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |");
        using (RunningServer server = RunningServer.StartHealthy(side, 1, folder, side.Name, stop))
        {
            string url = $"http://127.0.0.1:{server.Members[0].Port}";
            await using var raw = new RawSubject(url);
            await using var sdk = new SdkSubject(url);
            ISubject[] subjects = [raw, sdk];
            foreach (string operation in operations)
                foreach (int count in callers)
                {
                    Dictionary<ISubject, List<SdkFigures>> found = subjects.ToDictionary(s => s, _ => new List<SdkFigures>());
                    foreach (ISubject subject in subjects)
                        _ = await MeasureAsync(warmUp, operation, subject, count, stop).ConfigureAwait(false);
                    for (int pass = 0; pass < passes; pass++)
                        foreach (ISubject subject in pass % 2 == 0 ? subjects : subjects.Reverse())
                            found[subject].Add(await MeasureAsync(run, operation, subject, count, stop).ConfigureAwait(false));
                    AddRows(table, operation, count, raw.Name, SdkFigures.Median(found[raw]), sdk.Name, SdkFigures.Median(found[sdk]));
                    Console.WriteLine($"{operation} {count} done");
                }
        }

        Directory.Delete(folder, recursive: true);
        Console.WriteLine();
        Console.Write(table);
        if (markdown is not null)
            await File.WriteAllTextAsync(markdown, table.ToString(), stop).ConfigureAwait(false);
        return 0;
    }

    private static Task<SdkFigures> MeasureAsync(SdkRun run, string operation, ISubject subject, int count, CancellationToken stop) => operation switch
    {
        "put" => run.PutsAsync(subject, count, stop),
        "get" => run.GetsAsync(subject, count, stop),
        "watch" => run.WatchesAsync(subject, count, stop),
        _ => throw new UsageException($"--operations: {operation} is not one of {string.Join(", ", Operations)}"),
    };

    private static void AddRows(StringBuilder table, string operation, int count, string rawName, SdkFigures raw, string sdkName, SdkFigures sdk)
    {
        Add(rawName, raw, "", "");
        Add(
            sdkName,
            sdk,
            (sdk.PerSecond / raw.PerSecond).ToString("P0", CultureInfo.InvariantCulture),
            (sdk.Bytes - raw.Bytes).ToString("F0", CultureInfo.InvariantCulture));

        void Add(string name, SdkFigures figures, string ratio, string more) => table.AppendLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {operation} | {count} | {name} | {figures.PerSecond:N0} | {figures.P50 / 1000.0:F0} | {figures.P99 / 1000.0:F0} | {figures.Bytes:F0} | {ratio} | {more} |"));
    }
}
