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
        List<Side> sides = Side.Choose(options.RunEtcd, options.RunOurs, options.ServerPath, cancellationToken);
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
            ResultsFile.Write(markdown, options.Members == 1 ? null : "compare", MarkdownReport.Render(report));
            Console.WriteLine($"Written: {markdown}");
        }
        if (options.JsonPath is string json)
        {
            JsonReport.Write(report, json);
            Console.WriteLine($"Written: {json}");
        }
        return report.Sides.All(side => side.Passes.Values.All(list => list.TrueForAll(m => m.Errors == 0))) ? 0 : 1;
    }

    internal static CompareOptions Parse(CommandLine arguments, string typed)
    {
        bool whole = !arguments.HasAny("workloads", "clients", "etcd-only", "ours-only", "server", "target");
        (bool etcdOnly, bool oursOnly) = ClusterArguments.TakeSides(arguments);
        Dictionary<WorkloadKind, double> rates = Rates(arguments);
        int members = ClusterArguments.TakeMembers(arguments, fallback: 1);
        var options = new CompareOptions
        {
            Cells = Cells(arguments, oursOnly, rates),
            Load = LoadArguments.Take(arguments, new LoadOptions { Host = "127.0.0.1", Ports = [] }),
            Passes = arguments.Integer("passes", 3, 1),
            WarmUp = TimeSpan.FromSeconds(arguments.Number("warm-up", 8, 0)),
            Members = members,
            Target = arguments.Choice("target", LoadTarget.All),
            RunEtcd = !oursOnly,
            RunOurs = !etcdOnly,
            ServerPath = ClusterArguments.TakeServer(arguments),
            WorkFolder = ClusterArguments.TakeWorkFolder(arguments),
            JsonPath = arguments.Text("json"),
            // A narrowed run must not replace the published table by the way.
            MarkdownPath = arguments.Text("markdown") ?? (whole ? ResultsFile.PathOf(members) : null),
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
}
