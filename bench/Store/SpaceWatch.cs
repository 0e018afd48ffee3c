using System.Diagnostics;

namespace Etcd.Bench.Store;

/// <summary>Looks at the files of a server's store: of etcd snap/db, of ours the folder store.</summary>
internal static class SpaceWatch
{
    // So long nothing may become less before it counts as done.
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(2);

    /// <summary>Waits until the store's files have not become smaller, and none of them has gone, for a while.</summary>
    /// <returns>When the last of them did, or when the wait began: a timestamp of <see cref="Stopwatch"/>.</returns>
    public static long WaitUntilFreed(string dataFolder, TimeSpan poll, TimeSpan limit, CancellationToken cancellationToken)
    {
        long began = Stopwatch.GetTimestamp();
        long freed = began;
        Dictionary<string, long> before = Files(dataFolder);
        while (Stopwatch.GetElapsedTime(freed) < Quiet && Stopwatch.GetElapsedTime(began) < limit)
        {
            cancellationToken.WaitHandle.WaitOne(poll);
            cancellationToken.ThrowIfCancellationRequested();
            Dictionary<string, long> now = Files(dataFolder);
            if (before.Any(file => !now.TryGetValue(file.Key, out long bytes) || bytes < file.Value))
                freed = Stopwatch.GetTimestamp();

            before = now;
        }

        return freed;
    }

    /// <summary>Bytes of the store's files.</summary>
    public static long Bytes(string dataFolder) => Files(dataFolder).Values.Sum();

    private static Dictionary<string, long> Files(string dataFolder)
    {
        string ours = Path.Combine(dataFolder, "member", "store");
        string folder = Directory.Exists(ours) ? ours : Path.Combine(dataFolder, "member", "snap");
        // A manifest is replaced all the time, and says nothing.
        return new DirectoryInfo(folder).EnumerateFiles()
            .Where(file => !file.Name.StartsWith("MANIFEST", StringComparison.Ordinal))
            .ToDictionary(file => file.Name, Length);
    }

    private static long Length(FileInfo file)
    {
        try
        {
            return file.Length;
        }
        catch (FileNotFoundException)
        {
            // It went away meanwhile.
            return 0;
        }
    }
}
