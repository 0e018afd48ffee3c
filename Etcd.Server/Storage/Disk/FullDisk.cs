using Etcd.Server.Io;

namespace Etcd.Server.Storage.Disk;

/// <summary>Tells a full disk, which a job can be given up for, from failures that end the member.</summary>
internal static class FullDisk
{
    /// <summary>Whether a failure says so. Not that of a sync: what is on the disk is not known then.</summary>
    public static bool Is(FileSystemException e) =>
        e.Error == FileSystemError.NoSpace && !e.Operation.Contains("sync", StringComparison.Ordinal);

    /// <summary>Does what needs no space, and may be told nevertheless that there is none.</summary>
    /// <returns>Whether it was done.</returns>
    public static bool Try(Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (FileSystemException e) when (Is(e))
        {
            return false;
        }
    }
}
