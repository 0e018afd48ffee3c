using Etcd.Server.Primitives;

namespace Etcd.Server.Storage.Log;

/// <summary>
/// The revision log: segments in the order of history. The last one takes the appends. Those at the end that no checkpoint has
/// written to a file are in memory only; the others may be replaced by copies without their dead records (<see cref="Replace"/>).
/// <see cref="Segments"/> is a snapshot: a reader that holds it sees every record of its time, however much is rewritten since.
/// Threads: the writer's, but for what is static.
/// </summary>
internal sealed class RevisionLog
{
    private LogSegment[] _segments = [];
    private bool _lastSealed = true;

    /// <summary>An empty log.</summary>
    public RevisionLog()
    {
    }

    /// <summary>A log of segments that are in files.</summary>
    public RevisionLog(LogSegment[] segments)
    {
        _segments = segments;
        foreach (LogSegment segment in segments)
        {
            UsedBytes += segment.UsedBytes;
            LiveBytes += segment.LiveBytes;
        }
    }

    /// <summary>The segments as they are now; the array never changes.</summary>
    public LogSegment[] Segments => _segments;

    /// <summary>Bytes in records.</summary>
    public long UsedBytes { get; private set; }

    /// <summary>Bytes in records that are not dead.</summary>
    public long LiveBytes { get; private set; }

    /// <summary>Bytes in records that are in memory only.</summary>
    public long UnwrittenBytes { get; private set; }

    /// <summary>Bytes of those that are not dead: what the next checkpoint writes.</summary>
    public long UnwrittenLiveBytes { get; private set; }

    /// <summary>Room for the next record; write all of it, then <see cref="Commit"/>.</summary>
    /// <param name="revision">Above every revision in the log.</param>
    /// <param name="bytes">The record's size.</param>
    /// <returns>The room.</returns>
    public Span<byte> Reserve(Revision revision, int bytes)
    {
        if (!_lastSealed)
        {
            Span<byte> room = _segments[^1].Reserve(revision, bytes);
            if (!room.IsEmpty)
                return room;

            SealLast();
        }

        var next = new LogSegment(revision, Math.Max(LogSegment.BlockBytes, bytes), records: 1023);
        _segments = [.. _segments, next];
        _lastSealed = false;
        return next.Reserve(revision, bytes);
    }

    /// <summary>Adds the record that was written to the reserved room.</summary>
    public ReadOnlyMemory<byte> Commit(Revision revision, int bytes, bool tombstone, uint key)
    {
        UsedBytes += bytes;
        LiveBytes += bytes;
        UnwrittenBytes += bytes;
        UnwrittenLiveBytes += bytes;
        return _segments[^1].Commit(revision, bytes, tombstone, key);
    }

    /// <summary>Marks a record as dropped by compaction.</summary>
    public void MarkDead(Revision revision)
    {
        LogSegment segment = _segments[IndexOf(_segments, revision)];
        int before = segment.DeadBytes;
        segment.MarkDead(revision);
        int died = segment.DeadBytes - before;
        LiveBytes -= died;
        UnwrittenLiveBytes -= segment.Extent is null ? died : 0;
    }

    /// <summary>Ends the last segment: the next record begins another one, and what is there can be written to a file.</summary>
    public void SealLast()
    {
        if (_lastSealed)
            return;

        _segments[^1].Seal();
        _lastSealed = true;
    }

    /// <summary>The first segment that is in memory only; the count of all if none is.</summary>
    public int FirstUnwritten()
    {
        int at = _segments.Length;
        while (at > 0 && _segments[at - 1].Extent is null)
            at--;

        return at;
    }

    /// <summary>Puts copies of a run of sealed segments into their place.</summary>
    /// <param name="first">The first segment of the run.</param>
    /// <param name="sources">The run, with the marks that the copies left out.</param>
    /// <param name="copies">The copies, in files.</param>
    public void Replace(int first, ReadOnlySpan<SegmentSource> sources, IReadOnlyList<LogSegment> copies)
    {
        LogSegment[] before = _segments[..first];
        LogSegment[] after = _segments[(first + sources.Length)..];
        LogSegment[] replaced = [.. copies];
        for (int i = 0; i < sources.Length; i++)
        {
            LogSegment source = _segments[first + i];
            Invariant.Check(source == sources[i].Segment, "only the run that was copied is replaced");
            UsedBytes -= source.UsedBytes;
            UnwrittenBytes -= source.Extent is null ? source.UsedBytes : 0;
            UnwrittenLiveBytes -= source.Extent is null ? source.LiveBytes : 0;
            foreach (Revision dead in source.DeadSince(sources[i].Dead))
                replaced[IndexOf(replaced, dead)].MarkDead(dead);
        }

        foreach (LogSegment copy in replaced)
            UsedBytes += copy.UsedBytes;

        _segments = [.. before, .. replaced, .. after];
    }

    /// <summary>The segment that holds a revision if any does.</summary>
    public static int IndexOf(LogSegment[] segments, Revision revision)
    {
        int last = segments.Length - 1;
        if (last <= 0 || segments[last].First <= revision)
            return last;

        int low = 0;
        int high = last;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (segments[middle].First <= revision)
                low = middle + 1;
            else
                high = middle;
        }

        return Math.Max(0, low - 1);
    }

    /// <summary>The bytes of a revision that the index names.</summary>
    public static ReadOnlyMemory<byte> Read(LogSegment[] segments, Revision revision)
    {
        (int segment, int at) = Find(segments, revision);
        return segments[segment].BytesOf(at);
    }

    /// <summary>Where a revision stands that the index names: the segment's number, and the position in it.</summary>
    public static (int Segment, int At) Find(LogSegment[] segments, Revision revision)
    {
        int segment = IndexOf(segments, revision);
        int at = segment < 0 ? -1 : segments[segment].Find(revision);
        if (at < 0)
            Invariant.Fail($"revision {revision} is in the index and not in the log");

        return (segment, at);
    }
}

/// <summary>A sealed segment that is to be copied, with its marks of dead records at that moment.</summary>
internal readonly record struct SegmentSource(LogSegment Segment, ulong[]? Dead);
