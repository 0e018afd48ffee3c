using Etcd.Server.Io;
using Etcd.Server.Storage.Log;

namespace Etcd.Server.Storage.Disk;

/// <summary>
/// Copies what is not dead in a run of segments into new ones that are in a file. One thread at a time; several writers may write
/// into one folder, each into files of its own.
/// </summary>
internal sealed class SegmentWriter(StoreFolder folder, PageCache cache)
{
    private readonly ByteWriter _index = new(64 * 1024);
    private readonly List<StoreFile> _unsynced = [];
    private readonly List<StoreFile> _created = [];
    private StoreFile? _markedFile;
    private long _markedLength;
    private byte[] _buffer = [];

    /// <summary>The file that the next run goes to; null if that will be a new one.</summary>
    public StoreFile? Current { get; private set; }

    /// <summary>Copies a run.</summary>
    /// <param name="sources">The run, in the order of history.</param>
    /// <param name="keepBlocks">Whether the copies' bytes stay in memory, too.</param>
    /// <returns>The copies; none if everything is dead.</returns>
    public List<LogSegment> Copy(ReadOnlySpan<SegmentSource> sources, bool keepBlocks)
    {
        var copies = new List<LogSegment>();
        long left = 0;
        foreach (SegmentSource source in sources)
            left += LiveBytes(source);

        LogSegment? target = null;
        foreach (SegmentSource source in sources)
        {
            if (IsWhole(source))
            {
                if (target is not null)
                    copies.Add(Finish(target, keepBlocks));

                target = null;
                copies.Add(Finish(source.Segment.Share(), keepBlocks));
                left -= source.Segment.UsedBytes;
                continue;
            }

            ReadOnlyMemory<byte> data = source.Segment.ReadAll(ref _buffer);
            for (int at = 0; at < source.Segment.Count; at++)
            {
                if (LogSegment.IsDead(source.Dead, at))
                    continue;

                LogRecord record = source.Segment.Read(at);
                if (target is not null && !HasRoom(target, record))
                {
                    copies.Add(Finish(target, keepBlocks));
                    target = null;
                }

                target ??= new LogSegment(
                    record.Revision, (int)Math.Max(record.Length, Math.Min(left, LogSegment.BlockBytes)), records: 1023);
                Span<byte> room = target.Reserve(record.Revision, record.Length);
                data.Span.Slice(source.Segment.OffsetOf(at), record.Length).CopyTo(room);
                target.Commit(record.Revision, record.Length, record.IsTombstone, record.Key);
                left -= record.Length;
            }
        }

        if (target is not null)
            copies.Add(Finish(target, keepBlocks));

        return copies;
    }

    /// <summary>Makes durable everything that was copied, names too.</summary>
    public void Sync()
    {
        bool names = false;
        foreach (StoreFile file in _unsynced)
        {
            folder.Sync(file);
            names |= file.HasUnsyncedName;
        }

        if (names)
            folder.SyncNames();

        foreach (StoreFile file in _unsynced)
            file.HasUnsyncedName = false;

        _unsynced.Clear();
    }

    /// <summary>Remembers where it stands, for <see cref="Undo"/>.</summary>
    public void Mark()
    {
        _created.Clear();
        _markedFile = Current;
        _markedLength = Current?.Length ?? 0;
    }

    /// <summary>Files that were begun since <see cref="Mark"/>.</summary>
    public IReadOnlyList<StoreFile> Created => _created;

    /// <summary>
    /// Takes back everything that was written since <see cref="Mark"/>, of which nobody knows: the space is free again.
    /// </summary>
    /// <returns>New files that are still there, because even that wants space.</returns>
    public IReadOnlyList<StoreFile> Undo()
    {
        var left = new List<StoreFile>();
        foreach (StoreFile file in _created)
        {
            _unsynced.Remove(file);
            if (FullDisk.Try(() => folder.DeleteFile(file)))
                file.Close();
            else
                left.Add(file);
        }

        // What stays behind the end, if it does, is written over.
        Current = _markedFile;
        if (Current is { } current)
            FullDisk.Try(() => folder.Truncate(current, _markedLength));

        _created.Clear();
        return left;
    }

    /// <summary>The next run goes to a new file.</summary>
    public void EndFile() => Current = null;

    /// <summary>The files that are not durable yet become another writer's matter.</summary>
    public void HandOver(SegmentWriter to)
    {
        to._unsynced.AddRange(_unsynced);
        _unsynced.Clear();
        Current = null;
    }

    // What is in memory, live and not small, which is the rule for what a checkpoint writes, is not copied in memory.
    private static bool IsWhole(in SegmentSource source) =>
        source.Dead is null && source.Segment.Extent is null && source.Segment.UsedBytes >= LogSegment.BlockBytes / 4;

    private static bool HasRoom(LogSegment target, in LogRecord record) =>
        target.UsedBytes + record.Length <= target.BlockLength && record.Revision.Main - target.First.Main < uint.MaxValue;

    private static long LiveBytes(in SegmentSource source)
    {
        if (source.Dead is null)
            return source.Segment.UsedBytes;

        long bytes = 0;
        for (int at = 0; at < source.Segment.Count; at++)
            bytes += LogSegment.IsDead(source.Dead, at) ? 0 : source.Segment.Read(at).Length;

        return bytes;
    }

    private LogSegment Finish(LogSegment segment, bool keepBlock)
    {
        segment.Seal();
        byte[] none = [];
        ReadOnlyMemory<byte> data = segment.ReadAll(ref none)[..segment.UsedBytes];
        uint[] crcs = Extent.PageCrcs(data.Span);
        _index.Clear();
        ExtentIndex.Write(_index, segment, data, crcs);
        StoreFile file = FileForNext();
        if (!_unsynced.Contains(file))
            _unsynced.Add(file);

        long offset = file.Append([data, _index.Memory]);
        folder.Count(data.Length + _index.Length);
        segment.Place(new Extent(cache, file, new ExtentPlace(offset, data.Length, _index.Length, Crc32C.Append(0, _index.Written)), crcs));
        if (!keepBlock)
            segment.DropBlock();

        if (file.UnsyncedBytes > StoreFormat.UnsyncedBytesMax)
            folder.Sync(file);

        return segment;
    }

    private StoreFile FileForNext()
    {
        if (Current is { } current && current.Length < StoreFormat.FileBytes)
            return Current;

        Current = folder.CreateFile();
        _created.Add(Current);
        return Current;
    }
}
