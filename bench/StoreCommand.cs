using Etcd.Bench.Compare;
using Etcd.Bench.Store;

namespace Etcd.Bench;

/// <summary>
/// The command <c>store</c>: what a store of many keys costs at rest, at a restart, and after compaction; and what compaction and
/// Defragment cost those who put meanwhile.
/// </summary>
internal static class StoreCommand
{
    private const int KeysDefault = 1_000_000;
    private const int RevisionsDefault = 300_000;

    public static int Run(CommandLine arguments, string typed, CancellationToken cancellationToken)
    {
        StoreOptions options = Parse(arguments, typed);
        List<Side> sides = Side.Choose(options.RunEtcd, options.RunOurs, options.ServerPath, cancellationToken);
        string folder = WorkFolder.Create(options.WorkFolder);
        var report = new StoreReport(options, MachineFacts.Collect(folder));
        foreach (Side side in sides)
            RunSide(side, options, folder, report, cancellationToken);

        // Where it failed, the logs are what is left to look at.
        Directory.Delete(folder, recursive: true);
        Console.WriteLine();
        Console.Write(report.Tables());
        if (options.MarkdownPath is string markdown)
            Write(markdown, options, report);

        return 0;
    }

    internal static StoreOptions Parse(CommandLine arguments, string typed)
    {
        bool whole = !arguments.HasAny("keys-total", "revisions", "part", "seconds", "etcd-only", "ours-only", "server");
        (bool etcdOnly, bool oursOnly) = ClusterArguments.TakeSides(arguments);
        StorePart part = arguments.Choice("part", StorePart.All);
        var options = new StoreOptions
        {
            Keys = arguments.Integer("keys-total", KeysDefault, 1000, 99_999_999),
            Clients = arguments.Integer("clients", 256, 1),
            Revisions = arguments.Integer("revisions", RevisionsDefault, 1000),
            Phase = TimeSpan.FromSeconds(arguments.Number("seconds", 8, 1)),
            AtRest = part != StorePart.Load,
            UnderLoad = part != StorePart.Rest,
            RunEtcd = !oursOnly,
            RunOurs = !etcdOnly,
            ServerPath = ClusterArguments.TakeServer(arguments),
            WorkFolder = ClusterArguments.TakeWorkFolder(arguments),
            // A narrowed run must not replace the published tables by the way.
            MarkdownPath = arguments.Text("markdown") ?? (whole ? Path.Combine(Repository.Root, "bench", "RESULTS-store.md") : null),
            Command = $"dotnet run -c Release --project bench -- {typed}",
        };
        arguments.RequireAllTaken();
        return options;
    }

    private static void RunSide(Side side, StoreOptions options, string folder, StoreReport report, CancellationToken cancellationToken)
    {
        if (options.AtRest)
        {
            using RunningServer server = RunningServer.StartHealthy(side, 1, folder, side.Name, cancellationToken);
            Console.WriteLine($"{side.Name}: {options.Keys} keys of 256 bytes");
            report.AtRest.Add((side.Name, Guarded(server, () => new StoreRun(server, options.Keys, options.Clients).Run(cancellationToken))));
        }

        if (options.UnderLoad)
        {
            using RunningServer server = RunningServer.StartHealthy(side, 1, folder, side.Name + "-loaded", cancellationToken);
            Console.WriteLine($"{side.Name}: compaction and Defragment under load");
            var run = new LoadedRun(server, options.Clients, options.Revisions, options.Phase);
            report.UnderLoad.Add((side.Name, Guarded(server, () => run.Run(cancellationToken))));
        }
    }

    private static T Guarded<T>(RunningServer server, Func<T> measure)
    {
        try
        {
            return measure();
        }
        catch (IOException)
        {
            throw server.Explain("the process is gone");
        }
    }

    private static void Write(string markdown, StoreOptions options, StoreReport report)
    {
        if (options.AtRest)
            ResultsFile.Write(markdown, "store-at-rest", report.RenderAtRest(), StoreReport.Title);

        if (options.UnderLoad)
            ResultsFile.Write(markdown, "store-under-load", report.RenderUnderLoad(), StoreReport.Title);

        Console.WriteLine($"Written: {markdown}");
    }

    private enum StorePart
    {
        All,
        Rest,
        Load,
    }
}
