using System.Globalization;
using Etcd.Bench.Compare;
using Etcd.Bench.Load;
using Etcd.Bench.Watch;

namespace Etcd.Bench;

/// <summary>The command <c>watch</c>: what watchers cost, beside the real etcd.</summary>
internal static class WatchCommand
{
    public static int Run(CommandLine arguments, string typed, CancellationToken cancellationToken)
    {
        WatchOptions options = Parse(arguments, typed);
        List<Side> sides = Side.Choose(options.RunEtcd, options.RunOurs, options.ServerPath, cancellationToken);
        string folder = WorkFolder.Create(options.WorkFolder);
        var machine = MachineFacts.Collect(folder);
        var report = new WatchReport(options, machine);
        double rate = options.PutRate;
        for (int pass = 1; pass <= options.Passes; pass++)
        {
            foreach (Side side in sides)
            {
                using RunningServer server = RunningServer.StartHealthy(side, 1, folder, $"{side.Name}-{pass}", cancellationToken);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"pass {pass}, {side.Name}"));
                try
                {
                    var run = new WatchRun(server, options);
                    rate = rate > 0 ? rate : Math.Round(run.MaximumPuts(cancellationToken) / 2);
                    foreach ((string name, WatchFigures figures) in run.Measure(rate, cancellationToken))
                    {
                        report.Add(name, side.Name, figures);
                        Console.WriteLine($"  {name,-60} {figures}");
                    }
                }
                catch (Exception exception) when (exception is IOException or LoadFailedException or Grpc.Core.RpcException or AggregateException)
                {
                    throw server.Explain($"{side.Name}: {exception.Message}");
                }
            }
        }

        // Where it failed, the logs are what is left to look at.
        Directory.Delete(folder, recursive: true);
        Console.WriteLine();
        Console.WriteLine(report.Table());
        Console.WriteLine(report.Summary());
        if (options.MarkdownPath is string markdown)
        {
            ResultsFile.Write(markdown, section: null, report.Render(rate));
            Console.WriteLine($"Written: {markdown}");
        }
        return 0;
    }

    internal static WatchOptions Parse(CommandLine arguments, string typed)
    {
        bool whole = !arguments.HasAny("watchers", "puts", "behind", "history", "put-rate", "etcd-only", "ours-only", "server");
        (bool etcdOnly, bool oursOnly) = ClusterArguments.TakeSides(arguments);
        var options = new WatchOptions
        {
            Watchers = [.. (arguments.List("watchers") ?? ["1000", "10000"]).Select(Count)],
            Puts = arguments.Integer("puts", 200, 1),
            Behind = arguments.Integer("behind", 1000, 1),
            History = arguments.Integer("history", 10_000, 1),
            PutRate = arguments.Number("put-rate", 0, 1),
            Passes = arguments.Integer("passes", 3, 1),
            WarmUp = TimeSpan.FromSeconds(arguments.Number("warm-up", 8, 0)),
            RunEtcd = !oursOnly,
            RunOurs = !etcdOnly,
            ServerPath = ClusterArguments.TakeServer(arguments),
            WorkFolder = ClusterArguments.TakeWorkFolder(arguments),
            // A narrowed run must not replace the published table by the way.
            MarkdownPath = arguments.Text("markdown") ?? (whole ? ResultsFile.OfWatches : null),
            Command = $"dotnet run -c Release --project bench -- {typed}",
        };
        arguments.RequireAllTaken();
        return options;
    }

    private static int Count(string text) =>
        int.TryParse(text, out int count) && count > 0 ? count : throw new UsageException($"--watchers {text}: numbers above 0, with commas between");
}
