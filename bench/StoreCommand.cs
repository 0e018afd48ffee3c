using Etcd.Bench.Compare;
using Etcd.Bench.Store;

namespace Etcd.Bench;

/// <summary>The command <c>store</c>: what a store of many keys costs at rest, at a restart, and after compaction.</summary>
internal static class StoreCommand
{
    public static int Run(CommandLine arguments, CancellationToken cancellationToken)
    {
        (bool etcdOnly, bool oursOnly) = ClusterArguments.TakeSides(arguments);
        string? serverPath = ClusterArguments.TakeServer(arguments);
        string parent = ClusterArguments.TakeWorkFolder(arguments);
        int keys = arguments.Integer("keys-total", 1_000_000, 1000);
        int clients = arguments.Integer("clients", 256, 1);
        string? markdown = arguments.Text("markdown");
        arguments.RequireAllTaken();
        string folder = WorkFolder.Create(parent);
        var found = new List<(string Side, StoreFigures Figures)>();
        foreach (Side side in Side.Choose(!oursOnly, !etcdOnly, serverPath, cancellationToken))
        {
            using RunningServer server = RunningServer.StartHealthy(side, 1, folder, side.Name, cancellationToken);
            Console.WriteLine($"{side.Name}: {keys} keys of 256 bytes");
            found.Add((side.Name, new StoreRun(server, keys, clients).Run(cancellationToken)));
        }

        Directory.Delete(folder, recursive: true);
        string table = StoreFigures.Table(found);
        Console.WriteLine();
        Console.Write(table);
        if (markdown is not null)
            File.WriteAllText(markdown, table);

        return 0;
    }
}
