using Etcd.Server.Io;

namespace Etcd.Server.Wal;

public sealed partial class WriteAheadLog
{
    /// <summary>
    /// Opens a log to go on with it: reads what is behind a snapshot, cuts a torn last write off, and makes durable what
    /// it returns (a process that was killed may have left it in the page cache only, and from now on it counts).
    /// <para>Throws <see cref="WalException"/>, with nothing written, if the log is damaged, is locked by somebody else,
    /// or does not know the snapshot.</para>
    /// </summary>
    /// <param name="files">The disk.</param>
    /// <param name="directory">Where the segments are.</param>
    /// <param name="from">The newest usable snapshot of <see cref="ValidSnapshots"/>; the beginning if there is none.</param>
    /// <param name="options">How to write.</param>
    public static WalOpenResult OpenForAppend(IFileSystem files, string directory, WalSnapshotMark from, WalOptions options)
    {
        List<SegmentName> names = SegmentDirectory.NamesFrom(files, directory, from.Index.Value);
        List<Segment> segments = SegmentDirectory.Open(files, directory, names, forWriting: true);
        try
        {
            RecordReader reader = new(segments);
            Replay replay = new(from);
            ReadOutcome end = replay.ReadAll(reader);
            replay.Finish(reader);

            DeleteLeftovers(files, directory);
            WalRepair? repair = end == ReadOutcome.Torn ? CutTornWrite(files, segments[^1], reader.Offset) : null;
            MakeTailReady(segments[^1].File, reader.Offset, options);
            MakeDurable(files, directory, segments[^1].File, options);
            WriteAheadLog wal = Continue(files, directory, options, segments, reader, replay);
            return new WalOpenResult(wal, replay.Metadata, replay.HardState, replay.Entries, repair);
        }
        catch
        {
            segments.ForEach(static segment => segment.Dispose());
            throw;
        }
    }

    /// <summary>
    /// Reads a log without locking or changing it; a torn last write is passed over. For tools, and beside a running
    /// member.
    /// </summary>
    public static WalContent Read(IFileSystem files, string directory, WalSnapshotMark from)
    {
        List<SegmentName> names = SegmentDirectory.NamesFrom(files, directory, from.Index.Value);
        List<Segment> segments = SegmentDirectory.Open(files, directory, names, forWriting: false);
        try
        {
            RecordReader reader = new(segments);
            Replay replay = new(from);
            replay.ReadAll(reader);
            replay.Finish(reader);
            return new WalContent(replay.Metadata, replay.HardState, replay.Entries);
        }
        finally
        {
            segments.ForEach(static segment => segment.Dispose());
        }
    }

    /// <summary>
    /// The snapshots that the log has a record of and that its last hard state has committed, oldest first. One whose
    /// file is missing or broken is to be passed over for the one before.
    /// </summary>
    public static IReadOnlyList<WalSnapshotMark> ValidSnapshots(IFileSystem files, string directory)
    {
        List<SegmentName> names = SegmentDirectory.Names(files, directory);
        if (names.Count == 0)
        {
            throw new WalException(WalError.FileNotFound, "wal: file not found: no segment in " + directory);
        }

        List<Segment> segments = SegmentDirectory.Open(files, directory, names, forWriting: false);
        try
        {
            Replay replay = new(WalSnapshotMark.Beginning, keepEntries: false);
            replay.ReadAll(new RecordReader(segments));
            return replay.Snapshots.FindAll(mark => mark.Index <= replay.HardState.Commit);
        }
        finally
        {
            segments.ForEach(static segment => segment.Dispose());
        }
    }

    /// <summary>Temporary files belong to whoever holds the lock on the segments, which is this process now.</summary>
    private static void DeleteLeftovers(IFileSystem files, string directory)
    {
        foreach (string name in files.List(directory))
        {
            if (name.EndsWith(WalFormat.TemporaryExtension, StringComparison.Ordinal))
            {
                files.DeleteFile(Path.Combine(directory, name));
            }
        }

        files.DeleteTree(directory + WalFormat.TemporaryExtension);
    }

    private static WalRepair CutTornWrite(IFileSystem files, Segment segment, long offset)
    {
        string backup = segment.Path + WalFormat.BrokenExtension;
        using (IDataFile copy = files.Open(backup, FileOpenMode.CreateOrTruncate))
        {
            Copy(segment.File, copy);
            copy.FullSync();
        }

        segment.File.SetLength(offset);
        segment.File.FullSync();
        return new WalRepair(segment.Path, offset, backup);
    }

    private static void Copy(IDataFile from, IDataFile to)
    {
        byte[] buffer = new byte[SegmentPipeline.StepBytes];
        long position = 0;
        for (int read = from.ReadAt(buffer, 0); read > 0; read = from.ReadAt(buffer, position))
        {
            to.WriteAt(buffer.AsSpan(0, read), position);
            position += read;
        }
    }

    /// <summary>
    /// Behind the last record there may be sectors of a write that was never acknowledged. They must be zero before
    /// records are written there: half overwritten they would look like damage. Cutting them off and setting the space
    /// aside anew takes no longer for a large segment than for a small one.
    /// </summary>
    private static void MakeTailReady(IDataFile tail, long offset, WalOptions options)
    {
        if (tail.Length > offset)
        {
            tail.SetLength(offset);
        }

        if (offset < options.SegmentBytes)
        {
            tail.Preallocate(options.SegmentBytes);
        }
    }

    private static void MakeDurable(IFileSystem files, string directory, IDataFile tail, WalOptions options)
    {
        if (options.SyncMode == SyncMode.Full)
        {
            tail.FullSync();
            files.SyncDirectory(directory);
            files.SyncDirectory(ParentOf(directory));
        }
    }

    private static WriteAheadLog Continue(
        IFileSystem files, string directory, WalOptions options, List<Segment> segments, RecordReader reader, Replay replay)
    {
        RecordWriter writer = new(segments[^1].File, reader.Offset, reader.Crc, options.BufferBytes);
        return new WriteAheadLog(files, directory, options, replay.Metadata, segments, writer)
        {
            _state = replay.HardState,
            _lastIndex = replay.LastIndex,
            _lastTerm = replay.LastTerm,
        };
    }
}
