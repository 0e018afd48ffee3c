using System.Globalization;
using Etcd.Bench.Compare;
using Etcd.Bench.Failover;

namespace Etcd.Bench;

/// <summary>The command <c>failover</c>: how long a cluster is without a leader after a kill.</summary>
internal static class FailoverCommand
{
    private const int KillsDefault = 50;

    public static int Run(CommandLine arguments, string typed, CancellationToken cancellationToken)
    {
        FailoverOptions options = Parse(arguments, typed);
        List<Side> sides = Side.Choose(options.RunEtcd, options.RunOurs, options.ServerPath, cancellationToken);
        string folder = WorkFolder.Create(options.WorkFolder);
        var machine = MachineFacts.Collect(folder);
        var found = new List<(string Side, IReadOnlyList<double> Outages)>();
        foreach (Side side in sides)
            found.Add((side.Name, RunSide(side, options, folder, cancellationToken)));

        // Where it failed, the logs are what is left to look at.
        Directory.Delete(folder, recursive: true);
        Console.WriteLine();
        Console.WriteLine(FailoverReport.Table(found));
        if (options.MarkdownPath is string markdown)
        {
            ResultsFile.Write(markdown, "failover", FailoverReport.Render(options, machine, found));
            Console.WriteLine($"Written: {markdown}");
        }
        return 0;
    }

    internal static FailoverOptions Parse(CommandLine arguments, string typed)
    {
        bool whole = !arguments.HasAny("kills", "etcd-only", "ours-only", "server");
        (bool etcdOnly, bool oursOnly) = ClusterArguments.TakeSides(arguments);
        int members = ClusterArguments.TakeMembers(arguments, fallback: 3);
        if (members == 1)
            throw new UsageException("--members 1: nobody could take over; give 3 or 5");
        var options = new FailoverOptions
        {
            Kills = arguments.Integer("kills", KillsDefault, 1),
            Members = members,
            RunEtcd = !oursOnly,
            RunOurs = !etcdOnly,
            ServerPath = ClusterArguments.TakeServer(arguments),
            WorkFolder = ClusterArguments.TakeWorkFolder(arguments),
            // A narrowed run must not replace the published table by the way.
            MarkdownPath = arguments.Text("markdown") ?? (whole ? ResultsFile.PathOf(members) : null),
            Command = $"dotnet run -c Release --project bench -- {typed}",
        };
        arguments.RequireAllTaken();
        return options;
    }

    private static List<double> RunSide(Side side, FailoverOptions options, string folder, CancellationToken cancellationToken)
    {
        using RunningServer server = RunningServer.StartHealthy(side, options.Members, folder, side.Name, cancellationToken);
        Console.WriteLine($"{side.Name}: {options.Members} members, {options.Kills} kills");
        var run = new FailoverRun(server, options.Kills);
        try
        {
            run.Run(cancellationToken);
        }
        catch (IOException)
        {
            throw server.Explain($"{side.Name}: a process is gone");
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {string.Join(", ", run.Outages.Select(ms => ms.ToString("0", CultureInfo.InvariantCulture)))} ms"));
        return run.Outages;
    }
}
