namespace Etcd.Bench.Compare;

/// <summary>The folder for the servers' data and logs. It must be on a disk: in memory, a sync would cost nothing.</summary>
internal static class WorkFolder
{
    public static string Create(string parent)
    {
        string format = Format(parent);
        if (format is "tmpfs" or "ramfs")
            throw new UsageException($"{parent} is on {format}, where fsync does nothing; give --work-dir a folder on a disk");
        string folder = Path.Combine(parent, $"run-{Environment.ProcessId}");
        Directory.CreateDirectory(folder);
        return folder;
    }

    public static string Format(string folder) => Mount(folder).DriveFormat;

    // The mount with the longest path that is the folder or above it.
    private static DriveInfo Mount(string folder) => DriveInfo.GetDrives()
        .Where(drive => folder == drive.Name || folder.StartsWith(drive.Name.TrimEnd('/') + "/", StringComparison.Ordinal))
        .MaxBy(drive => drive.Name.Length) ?? new DriveInfo("/");
}
