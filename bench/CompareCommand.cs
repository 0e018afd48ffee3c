using Etcd.Bench.Compare;
using Etcd.Bench.Load;

namespace Etcd.Bench;

/// <summary>The command <c>compare</c>: the real etcd and our server, measured in turn by the same load.</summary>
internal static class CompareCommand
{
    private static readonly string[] AllWorkloads = ["put", "range", "put-fixed", "range-fixed"];
    private static readonly string[] AllClients = ["1", "100", "1000"];

    public static int Run(CommandLine arguments, string typed, CancellationToken cancellationToken)
    {
        CompareOptions options = Parse(arguments, typed);
        List<Side> sides = Sides(options, cancellationToken);
        string folder = WorkFolder.Create(options.WorkFolder);
        options = options with { WorkFolder = folder };
        bool failed = false;
        try
        {
            var machine = MachineFacts.Collect(folder);
            var comparison = new Comparison(options, sides);
            comparison.Run(cancellationToken);
            return Publish(new Report(options, machine, sides, comparison.Rates));
        }
        catch (LoadFailedException)
        {
            // The servers' logs are then what is left to look at.
            failed = true;
            throw;
        }
        finally
        {
            if (!failed)
                Directory.Delete(folder, recursive: true);
        }
    }

    private static int Publish(Report report)
    {
        CompareOptions options = report.Options;
        Console.WriteLine();
        Console.WriteLine(MarkdownReport.Table(report));
        Console.WriteLine($"{report.Quietness}.");
        if (options.MarkdownPath is string markdown)
        {
            File.WriteAllText(markdown, MarkdownReport.Render(report));
            Console.WriteLine($"Written: {markdown}");
        }
        if (options.JsonPath is string json)
        {
            JsonReport.Write(report, json);
            Console.WriteLine($"Written: {json}");
        }
        return report.Sides.All(side => side.Passes.Values.All(list => list.TrueForAll(m => m.Errors == 0))) ? 0 : 1;
    }

    private static List<Side> Sides(CompareOptions options, CancellationToken cancellationToken)
    {
        var sides = new List<Side>();
        if (options.RunEtcd)
            sides.Add(new Side("etcd", EtcdReference.Executable()));
        if (options.RunOurs)
            sides.Add(new Side("ours", options.ServerPath ?? OurServer.Build(cancellationToken)));
        return sides;
    }

    private static CompareOptions Parse(CommandLine arguments, string typed)
    {
        bool whole = !arguments.HasAny("workloads", "clients", "etcd-only", "ours-only", "server");
        bool oursOnly = arguments.Flag("ours-only");
        bool etcdOnly = arguments.Flag("etcd-only");
        if (oursOnly && etcdOnly)
            throw new UsageException("--ours-only and --etcd-only exclude each other");
        Dictionary<WorkloadKind, double> rates = Rates(arguments);
        var options = new CompareOptions
        {
            Cells = Cells(arguments, oursOnly, rates),
            Load = LoadArguments.Take(arguments, new LoadOptions { Host = "127.0.0.1", Port = 0 }),
            Passes = arguments.Integer("passes", 3, 1),
            WarmUp = TimeSpan.FromSeconds(arguments.Number("warm-up", 8, 0)),
            RunEtcd = !oursOnly,
            RunOurs = !etcdOnly,
            ServerPath = ExistingFile(arguments.Text("server")),
            WorkFolder = Path.GetFullPath(arguments.Text("work-dir") ?? Path.Combine(Repository.Root, "artifacts", "bench")),
            JsonPath = arguments.Text("json"),
            // A narrowed run must not replace the published table by the way.
            MarkdownPath = arguments.Text("markdown") ?? (whole ? Path.Combine(Repository.Root, "bench", "RESULTS.md") : null),
            Rates = rates,
            Command = $"dotnet run -c Release --project bench -- {typed}",
        };
        arguments.RequireAllTaken();
        return options;
    }

    private static Dictionary<WorkloadKind, double> Rates(CommandLine arguments)
    {
        var rates = new Dictionary<WorkloadKind, double>();
        foreach (WorkloadKind kind in Enum.GetValues<WorkloadKind>())
        {
            double rate = arguments.Number($"{kind.ToString().ToLowerInvariant()}-rate", 0, 1);
            if (rate > 0)
                rates.Add(kind, rate);
        }
        return rates;
    }

    private static List<Cell> Cells(CommandLine arguments, bool oursOnly, Dictionary<WorkloadKind, double> rates)
    {
        string[] workloads = arguments.List("workloads") ?? AllWorkloads;
        int[] clients = [.. (arguments.List("clients") ?? AllClients).Select(ClientCount)];
        var cells = new List<Cell>();
        foreach (string workload in workloads)
        {
            const string suffix = "-fixed";
            if (!workload.EndsWith(suffix, StringComparison.Ordinal))
            {
                var kind = CommandLine.ParseChoice<WorkloadKind>("workloads", workload);
                cells.AddRange(clients.Select(count => new Cell(kind, count, false)));
                continue;
            }
            var fixedKind = CommandLine.ParseChoice<WorkloadKind>("workloads", workload[..^suffix.Length]);
            if (oursOnly && !rates.ContainsKey(fixedKind))
                Console.WriteLine($"{workload} is left out: without etcd its load must be given (--{fixedKind.ToString().ToLowerInvariant()}-rate).");
            else
                cells.Add(Cell.Fixed(fixedKind));
        }
        return cells.Count > 0 ? cells : throw new UsageException("no workload is left");
    }

    private static int ClientCount(string text) =>
        int.TryParse(text, out int count) && count > 0 ? count : throw new UsageException($"--clients {text}: numbers above 0, with commas between");

    private static string? ExistingFile(string? path) =>
        path is null || File.Exists(path) ? path : throw new UsageException($"--server {path}: no such file");
}
