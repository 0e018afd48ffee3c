namespace Etcd.Bench.Compare;

/// <summary>Where this repository is: the bench runs from its build output inside of it.</summary>
internal static class Repository
{
    private const string Marker = "Etcd.Aspire.sln";

    public static string Root { get; } = Find(AppContext.BaseDirectory) ?? Find(Environment.CurrentDirectory)
        ?? throw new UsageException($"{Marker} is in no folder above {AppContext.BaseDirectory} or the current one");

    private static string? Find(string start)
    {
        for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, Marker)))
                return folder.FullName;
        }
        return null;
    }
}
