using Etcd.Server.Io;

namespace Etcd.Server.Wal;

/// <summary>Deletes the oldest segments beyond a number (--max-wals).</summary>
public static class WalPurge
{
    /// <summary>
    /// Deletes, oldest first, what is beyond <paramref name="segmentsMax"/>, up to the first segment that the log still
    /// holds (<see cref="WriteAheadLog.ReleaseLockTo"/>). Each deletion is durable before the next, so that a crash leaves no gap.
    /// Returns the deleted files' paths.
    /// </summary>
    /// <param name="files">The disk.</param>
    /// <param name="directory">Where the segments are.</param>
    /// <param name="segmentsMax">How many to keep; 0 keeps all.</param>
    public static IReadOnlyList<string> RunOnce(IFileSystem files, string directory, int segmentsMax)
    {
        List<string> deleted = [];
        List<SegmentName> names = segmentsMax > 0 ? SegmentDirectory.Names(files, directory) : [];
        for (int i = 0; i < names.Count - segmentsMax; i++)
        {
            string path = Path.Combine(directory, names[i].ToString());
            using IDataFile file = files.Open(path, FileOpenMode.ReadWrite);
            if (!file.TryLock())
            {
                break;
            }

            files.DeleteFile(path);
            files.SyncDirectory(directory);
            deleted.Add(path);
        }

        return deleted;
    }
}
