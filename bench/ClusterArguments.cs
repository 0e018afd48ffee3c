using Etcd.Bench.Compare;

namespace Etcd.Bench;

/// <summary>The options that the commands share which start servers.</summary>
internal static class ClusterArguments
{
    public static int TakeMembers(CommandLine arguments, int fallback)
    {
        int members = arguments.Integer("members", fallback, 1, 5);
        return members % 2 == 1 ? members : throw new UsageException($"--members {members}: a cluster has 1, 3 or 5");
    }

    public static (bool EtcdOnly, bool OursOnly) TakeSides(CommandLine arguments)
    {
        bool oursOnly = arguments.Flag("ours-only");
        bool etcdOnly = arguments.Flag("etcd-only");
        return oursOnly && etcdOnly
            ? throw new UsageException("--ours-only and --etcd-only exclude each other")
            : (etcdOnly, oursOnly);
    }

    public static string? TakeServer(CommandLine arguments)
    {
        string? path = arguments.Text("server");
        return path is null || File.Exists(path) ? path : throw new UsageException($"--server {path}: no such file");
    }

    public static string TakeWorkFolder(CommandLine arguments) =>
        Path.GetFullPath(arguments.Text("work-dir") ?? Path.Combine(Repository.Root, "artifacts", "bench"));
}
