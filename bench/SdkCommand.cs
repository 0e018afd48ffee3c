using System.Globalization;
using Etcd.Bench.Compare;
using Etcd.Bench.Sdk;

namespace Etcd.Bench;

/// <summary>
/// The command <c>sdk</c>: what Etcd.Client costs beside the generated gRPC client, at the same server, in turn. The bar: at most a tenth of the
/// throughput, and at most 1 KiB more allocated per put.
/// </summary>
internal static class SdkCommand
{
    private const double WarmUpSeconds = 0.5;

    private static readonly string[] AllOperations = ["put", "get", "watch"];

    public static async Task<int> RunAsync(CommandLine arguments, string typed, CancellationToken stop)
    {
        SdkOptions options = Parse(arguments, typed);
        Side side = Side.Choose(etcd: false, ours: true, options.ServerPath, stop)[0];
        string folder = WorkFolder.Create(options.WorkFolder);
        var report = new SdkReport(options, MachineFacts.Collect(folder));
        using (RunningServer server = RunningServer.StartHealthy(side, 1, folder, side.Name, stop))
        {
            string url = $"http://127.0.0.1:{server.Members[0].Port}";
            await using var raw = new RawSubject(url);
            await using var sdk = new SdkSubject(url);
            var run = new SdkRun(options.Seconds, options.ValueBytes, server.ProcessIds);
            var warmUp = new SdkRun(WarmUpSeconds, options.ValueBytes, server.ProcessIds);
            foreach (string operation in options.Operations)
                foreach (int callers in options.Callers)
                    await MeasureAsync(operation, callers, raw, sdk).ConfigureAwait(false);

            async Task MeasureAsync(string operation, int callers, RawSubject raw, SdkSubject sdk)
            {
                await warmUp.MeasureAsync(operation, raw, callers, stop).ConfigureAwait(false);
                await warmUp.MeasureAsync(operation, sdk, callers, stop).ConfigureAwait(false);
                var ofRaw = new List<SdkFigures>();
                var ofSdk = new List<SdkFigures>();
                for (int pass = 0; pass < options.Passes; pass++)
                {
                    // Who comes first changes, so that a machine that grows slower or faster favours nobody.
                    if (pass % 2 == 0)
                        ofRaw.Add(await run.MeasureAsync(operation, raw, callers, stop).ConfigureAwait(false));
                    ofSdk.Add(await run.MeasureAsync(operation, sdk, callers, stop).ConfigureAwait(false));
                    if (pass % 2 != 0)
                        ofRaw.Add(await run.MeasureAsync(operation, raw, callers, stop).ConfigureAwait(false));
                }

                report.Add(operation, callers, ofRaw, ofSdk);
                Console.WriteLine($"{operation} {callers} done");
            }
        }

        Directory.Delete(folder, recursive: true);
        Console.WriteLine();
        Console.Write(report.Table());
        Console.WriteLine(report.Verdict());
        if (options.MarkdownPath is string markdown)
        {
            ResultsFile.Write(markdown, null, report.Render());
            Console.WriteLine($"Written: {markdown}");
        }

        return 0;
    }

    internal static SdkOptions Parse(CommandLine arguments, string typed)
    {
        bool whole = !arguments.HasAny("callers", "operations", "passes", "seconds", "value-size", "server");
        var options = new SdkOptions
        {
            Operations = [.. (arguments.List("operations") ?? AllOperations).Select(Operation)],
            Callers = [.. (arguments.List("callers") ?? ["1", "100", "1000"]).Select(Count)],
            Passes = arguments.Integer("passes", 7, 1, 99),
            Seconds = arguments.Number("seconds", 1, 0.1),
            ValueBytes = arguments.Integer("value-size", 256, SdkRun.ValueBytesMin),
            ServerPath = ClusterArguments.TakeServer(arguments),
            WorkFolder = ClusterArguments.TakeWorkFolder(arguments),
            // A narrowed run must not replace the published table by the way.
            MarkdownPath = arguments.Text("markdown") ?? (whole ? Path.Combine(Repository.Root, "bench", "RESULTS-sdk.md") : null),
            Command = $"dotnet run -c Release --project bench -- {typed}",
        };
        arguments.RequireAllTaken();
        return options;
    }

    private static string Operation(string text) => AllOperations.Contains(text)
        ? text
        : throw new UsageException($"--operations: {text} is not one of {string.Join(", ", AllOperations)}");

    private static int Count(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count > 0
            ? count
            : throw new UsageException($"--callers {text}: numbers above 0, with commas between");
}
