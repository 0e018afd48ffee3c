using Etcd.Server.Primitives;

namespace Etcd.Server.Storage.Log;

/// <summary>
/// The revision log in memory: segments in the order of history. The last one takes the appends; sealed ones are replaced by
/// copies without their dead records when most of their bytes are dead.
/// <see cref="Segments"/> is a snapshot: a reader that holds it sees every record of its time, however much is rewritten since.
/// Threads: the writer's, but for what is static.
/// </summary>
internal sealed class RevisionLog
{
    private LogSegment[] _segments = [];
    private bool _lastSealed = true;
    private int _rewriteAt;

    /// <summary>The segments as they are now; the array never changes.</summary>
    public LogSegment[] Segments => _segments;

    /// <summary>Bytes taken by segments.</summary>
    public long ReservedBytes
    {
        get
        {
            long bytes = 0;
            foreach (LogSegment segment in _segments)
                bytes += segment.ReservedBytes;

            return bytes;
        }
    }

    /// <summary>Bytes in records.</summary>
    public long UsedBytes { get; private set; }

    /// <summary>Bytes in records that are not dead.</summary>
    public long LiveBytes { get; private set; }

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
        return _segments[^1].Commit(revision, bytes, tombstone, key);
    }

    /// <summary>Marks a record as dropped by compaction.</summary>
    public void MarkDead(Revision revision)
    {
        LogSegment segment = _segments[IndexOf(_segments, revision)];
        LiveBytes += segment.DeadBytes;
        segment.MarkDead(revision);
        LiveBytes -= segment.DeadBytes;
    }

    /// <summary>Called when a compaction has marked all that it drops: rewriting may begin, of the last segment too.</summary>
    public void BeginRewrite()
    {
        _rewriteAt = 0;
        if (!_lastSealed && _segments[^1].DeadBytes * 2 >= _segments[^1].UsedBytes)
            SealLast();
    }

    /// <summary>Rewrites one run of segments that is mostly dead, or too small.</summary>
    /// <returns>False if there was none.</returns>
    public bool RewriteNext()
    {
        int sealedCount = _segments.Length - (_lastSealed ? 0 : 1);
        for (; _rewriteAt < sealedCount; _rewriteAt++)
        {
            int run = RunFrom(_rewriteAt, sealedCount);
            if (run == 0)
                continue;

            Rewrite(_rewriteAt, run);
            return true;
        }

        return false;
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
        int at = IndexOf(segments, revision);
        if (at < 0 || !segments[at].TryRead(revision, out ReadOnlyMemory<byte> bytes))
        {
            Invariant.Fail($"revision {revision} is in the index and not in the log");
            return default;
        }

        return bytes;
    }

    private void SealLast()
    {
        _segments[^1].Seal();
        _lastSealed = true;
    }

    // A run of neighbours whose live records fit one block, and of which rewriting gains at least half.
    private int RunFrom(int first, int sealedCount)
    {
        LogSegment segment = _segments[first];
        long used = 0;
        long live = 0;
        int run = 0;
        for (; first + run < sealedCount; run++)
        {
            LogSegment next = _segments[first + run];
            int nextLive = next.UsedBytes - next.DeadBytes;
            if (live + nextLive > LogSegment.BlockBytes || nextLive * 2L > LogSegment.BlockBytes)
                break;

            // Revisions that were bumped: one segment counts its records' revisions from its first.
            if (next.LastMain - segment.First.Main >= uint.MaxValue)
                break;

            used += next.UsedBytes;
            live += nextLive;
        }

        bool mostlyDead = segment.DeadBytes * 2L >= segment.UsedBytes;
        bool smallOnes = run >= 2 && live * 2 <= (long)run * LogSegment.BlockBytes;
        return smallOnes ? run : mostlyDead ? 1 : 0;
    }

    private void Rewrite(int first, int run)
    {
        LogSegment? merged = Merge(first, run);
        LogSegment[] before = _segments[..first];
        LogSegment[] after = _segments[(first + run)..];
        _segments = merged is null ? [.. before, .. after] : [.. before, merged, .. after];
        if (merged is not null)
            _rewriteAt++;
    }

    private LogSegment? Merge(int first, int run)
    {
        int live = 0;
        int records = 0;
        Revision? begin = null;
        for (int at = first; at < first + run; at++)
        {
            LogSegment segment = _segments[at];
            int count = segment.LiveCount();
            if (count > 0)
                begin ??= segment.FirstLive();

            records += count;
            live += segment.UsedBytes - segment.DeadBytes;
            UsedBytes -= segment.DeadBytes;
        }

        if (begin is null)
            return null;

        var merged = new LogSegment(begin.Value, live, records);
        for (int at = first; at < first + run; at++)
            _segments[at].CopyLiveTo(merged);

        return merged;
    }
}
