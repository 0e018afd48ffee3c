namespace Etcd.Server.Io;

/// <summary>What can be said in terms of the primitive calls, the same for every file system.</summary>
public static class FileSystemExtensions
{
    /// <summary>Creates a directory and those above it that are missing, each durable before the next is made.</summary>
    public static void CreateDirectoryDurably(this IFileSystem files, string path)
    {
        path = Path.TrimEndingDirectorySeparator(path);
        if (files.DirectoryExists(path))
        {
            return;
        }

        string? parent = Path.GetDirectoryName(path);
        if (!string.IsNullOrEmpty(parent))
        {
            files.CreateDirectoryDurably(parent);
        }

        files.CreateDirectory(path);
        files.SyncDirectory(string.IsNullOrEmpty(parent) ? "." : parent);
    }

    /// <summary>Deletes a directory with all that is in it, if it is there. Not atomic.</summary>
    public static void DeleteTree(this IFileSystem files, string path)
    {
        if (!files.DirectoryExists(path))
        {
            return;
        }

        foreach (string name in files.List(path))
        {
            string child = Path.Combine(path, name);
            if (files.DirectoryExists(child))
            {
                files.DeleteTree(child);
            }
            else
            {
                files.DeleteFile(child);
            }
        }

        files.DeleteDirectory(path);
    }
}
