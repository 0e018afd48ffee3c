using Etcd.Server.Io;

namespace Etcd.Server.Wal;

public sealed partial class WriteAheadLog
{
    /// <summary>Whether a directory holds a log.</summary>
    public static bool Exists(IFileSystem files, string directory) =>
        files.DirectoryExists(directory)
        && files.List(directory).Any(static name => name.EndsWith(WalFormat.SegmentExtension, StringComparison.Ordinal));

    /// <summary>
    /// Creates a log with one empty segment. All or nothing: it is made in a directory beside, <c>NAME.tmp</c>, which
    /// gets its name when it is complete; one that a crash left behind is deleted first.
    /// </summary>
    /// <param name="files">The disk.</param>
    /// <param name="directory">Where the segments go; missing parents are created.</param>
    /// <param name="metadata">etcdserverpb.Metadata of this member; repeated in every segment.</param>
    /// <param name="options">How to write.</param>
    public static WriteAheadLog Create(IFileSystem files, string directory, ReadOnlyMemory<byte> metadata, WalOptions options)
    {
        if (Exists(files, directory))
        {
            throw new WalException(WalError.AlreadyExists, "wal: there is a log already in " + directory);
        }

        string temporary = directory + WalFormat.TemporaryExtension;
        files.DeleteTree(temporary);
        files.CreateDirectoryDurably(temporary);
        Segment first = MakeFirst(files, temporary, directory, options);
        RecordWriter writer = new(first.File, 0, 0, options.BufferBytes);
        WriteAheadLog wal = new(files, directory, options, metadata, [first], writer);
        try
        {
            wal.WriteHead();
            writer.WriteBytes(RecordType.Snapshot, SnapshotMarkCodec.Write(WalSnapshotMark.Beginning));
            writer.Flush();
            first.File.FullSync();
            files.SyncDirectory(temporary);
            return Publish(wal, temporary);
        }
        catch
        {
            wal.Dispose();
            throw;
        }
    }

    private static Segment MakeFirst(IFileSystem files, string temporary, string directory, WalOptions options)
    {
        SegmentName name = new(0, 0);
        IDataFile file = files.Open(Path.Combine(temporary, name.ToString()), FileOpenMode.CreateNew);
        try
        {
            Primitives.Invariant.Check(file.TryLock(), "nobody else knows a file that was just created");
            file.Preallocate(options.SegmentBytes);
            return new Segment(file, name, Path.Combine(directory, name.ToString()));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static WriteAheadLog Publish(WriteAheadLog wal, string temporary)
    {
        IFileSystem files = wal._files;
        RemoveWithoutSegments(files, wal.Directory);
        if (!files.CanRenameDirectoryWithOpenFiles)
        {
            wal.Dispose();
        }

        files.Rename(temporary, wal.Directory);
        files.SyncDirectory(ParentOf(wal.Directory));
        return wal._disposed
            ? OpenForAppend(files, wal.Directory, WalSnapshotMark.Beginning, wal._options).Log
            : wal;
    }

    /// <summary>A directory without segments is none to keep, but only what the log itself leaves in one is deleted.</summary>
    private static void RemoveWithoutSegments(IFileSystem files, string directory)
    {
        if (!files.DirectoryExists(directory))
        {
            return;
        }

        foreach (string name in files.List(directory))
        {
            if (name.EndsWith(WalFormat.TemporaryExtension, StringComparison.Ordinal))
            {
                files.DeleteFile(Path.Combine(directory, name));
            }
        }

        files.DeleteDirectory(directory);
    }

    private static string ParentOf(string directory)
    {
        string? parent = Path.GetDirectoryName(directory);
        return string.IsNullOrEmpty(parent) ? "." : parent;
    }
}
