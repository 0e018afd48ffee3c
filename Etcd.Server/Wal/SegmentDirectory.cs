using Etcd.Server.Io;

namespace Etcd.Server.Wal;

/// <summary>Finds and opens the segments of a log.</summary>
internal static class SegmentDirectory
{
    /// <summary>The segments' names in order. Other files are none of the log's business.</summary>
    public static List<SegmentName> Names(IFileSystem files, string directory)
    {
        List<SegmentName> names = [];
        foreach (string name in files.List(directory))
        {
            if (SegmentName.TryParse(name, out SegmentName parsed))
            {
                names.Add(parsed);
            }
        }

        return names;
    }

    /// <summary>Those from the last one that begins at or before <paramref name="index"/>, which must follow one another.</summary>
    public static List<SegmentName> NamesFrom(IFileSystem files, string directory, ulong index)
    {
        List<SegmentName> names = Names(files, directory);
        if (names.Count == 0)
        {
            throw new WalException(WalError.FileNotFound, "wal: file not found: no segment in " + directory);
        }

        int first = names.FindLastIndex(name => name.Index <= index);
        if (first < 0)
        {
            throw new WalException(
                WalError.FileNotFound, $"wal: file not found which matches the snapshot index '{index}' in {directory}");
        }

        List<SegmentName> selected = names[first..];
        for (int i = 1; i < selected.Count; i++)
        {
            if (selected[i].Sequence != selected[i - 1].Sequence + 1)
            {
                throw new WalException(
                    WalError.SequenceGap,
                    $"wal: file sequence numbers do not increase continuously: {selected[i]} follows {selected[i - 1]} in {directory}");
            }
        }

        return selected;
    }

    /// <summary>Opens all of them, locked if they are to be written; none stays open if one cannot be had.</summary>
    public static List<Segment> Open(IFileSystem files, string directory, IReadOnlyList<SegmentName> names, bool forWriting)
    {
        List<Segment> segments = [];
        try
        {
            foreach (SegmentName name in names)
            {
                segments.Add(OpenOne(files, directory, name, forWriting));
            }

            return segments;
        }
        catch
        {
            segments.ForEach(static segment => segment.Dispose());
            throw;
        }
    }

    private static Segment OpenOne(IFileSystem files, string directory, SegmentName name, bool forWriting)
    {
        string path = Path.Combine(directory, name.ToString());
        IDataFile file = files.Open(path, forWriting ? FileOpenMode.ReadWrite : FileOpenMode.Read);
        if (forWriting && !file.TryLock())
        {
            file.Dispose();
            throw new WalException(WalError.Locked, "fileutil: file already locked: " + path);
        }

        return new Segment(file, name, path);
    }
}
