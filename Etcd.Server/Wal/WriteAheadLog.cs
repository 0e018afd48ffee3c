using Etcd.Server.Io;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Wal;

/// <summary>
/// The write-ahead log, in etcd's on-disk format (docs/wal-format.md).
/// <para>Use: <see cref="Append"/> any number of times, then <see cref="Sync"/> once; what was appended before the
/// sync is durable when it returns, and only then may anything leave the member that depends on it (raft thesis
/// 10.2.1). Append encodes into a buffer; Sync writes the buffer in one call and waits for the disk.</para>
/// <para>A step machine: it starts nothing, and one thread at a time may call it. Whoever owns that thread decides
/// when to sync and calls <see cref="RunOnce"/> when there is nothing better to do.</para>
/// <para>Failures: whatever a call throws from the disk (no space, a failed write or sync) is final. It is not known
/// then what is on the disk, so every later call throws as well, and the member must stop and recover from the
/// files. Nothing that was not acknowledged before may be.</para>
/// </summary>
public sealed partial class WriteAheadLog : IDisposable
{
    private readonly IFileSystem _files;
    private readonly WalOptions _options;
    private readonly ReadOnlyMemory<byte> _metadata;
    private readonly List<Segment> _segments;
    private readonly RecordWriter _writer;
    private HardState _state;
    private LogIndex _lastIndex;
    private Term _lastTerm;
    private long _zeroedTo;
    private bool _couldNotPrepare;
    private bool _failed;
    private bool _disposed;
    private long _releaseTo;

    private WriteAheadLog(IFileSystem files, string directory, WalOptions options, ReadOnlyMemory<byte> metadata, List<Segment> segments, RecordWriter writer)
    {
        _files = files;
        Directory = directory;
        _options = options;
        _metadata = metadata;
        _segments = segments;
        _writer = writer;
        Pipeline = new SegmentPipeline(files, directory, options);
    }

    /// <summary>Where the segments are.</summary>
    public string Directory { get; }

    /// <summary>Prepares the next segment; <see cref="RunOnce"/> drives it, or another thread may.</summary>
    public SegmentPipeline Pipeline { get; }

    /// <summary>The index of the last entry or snapshot appended, durable or not.</summary>
    public LogIndex LastIndex => _lastIndex;

    /// <summary>Bytes handed to the file system since the log was opened.</summary>
    public long BytesWritten => _writer.BytesWritten;

    private Segment Tail => _segments[^1];

    private bool ReallySyncs => _options.SyncMode == SyncMode.Full;

    /// <summary>
    /// Adds entries, then the hard state, behind what is there. An entry with an index that the log has already
    /// replaces that one and all behind it. Returns whether the caller must <see cref="Sync"/> before it acts on
    /// any of it: with entries, or another term or vote. A commit index alone can wait: it is relearned.
    /// </summary>
    /// <param name="state">The new hard state, or null if it has not changed.</param>
    /// <param name="entries">Consecutive entries; the first at most one behind the last in the log.</param>
    public bool Append(HardState? state, ReadOnlySpan<Entry> entries)
    {
        ThrowIfUnusable();
        CheckFollows(entries);
        bool mustSync = !entries.IsEmpty || (state is { } next && (next.Term != _state.Term || next.Vote != _state.Vote));
        try
        {
            foreach (ref readonly Entry entry in entries)
            {
                _writer.WriteEntry(entry);
            }

            if (state is { IsEmpty: false } changed)
            {
                _writer.WriteState(changed);
                _state = changed;
            }
        }
        catch
        {
            _failed = true;
            throw;
        }

        if (!entries.IsEmpty)
        {
            _lastIndex = entries[^1].Index;
            _lastTerm = entries[^1].Term;
        }

        return mustSync;
    }

    /// <summary>
    /// Writes and makes durable everything appended so far, and begins the next segment if this one is full.
    /// With <see cref="SyncMode.None"/> it only writes.
    /// </summary>
    public WalSyncResult Sync()
    {
        ThrowIfUnusable();
        try
        {
            Flush();
            bool full = _writer.Offset >= _options.SegmentBytes;
            if (full)
            {
                Cut();
            }

            return new WalSyncResult(_lastIndex, _lastTerm, _state, full);
        }
        catch
        {
            _failed = true;
            throw;
        }
    }

    /// <summary>
    /// Records durably that a snapshot exists. The snapshot itself must be durable before; the log may begin behind it
    /// from then on.
    /// </summary>
    public WalSyncResult SaveSnapshotMarker(WalSnapshotMark mark)
    {
        ThrowIfUnusable();
        Invariant.Check(mark.ConfState is not null || mark.Index == LogIndex.Zero, "a snapshot record says who the members were");
        try
        {
            _writer.WriteBytes(RecordType.Snapshot, SnapshotMarkCodec.Write(mark));
        }
        catch
        {
            _failed = true;
            throw;
        }

        if (_lastIndex < mark.Index)
        {
            _lastIndex = mark.Index;
            _lastTerm = mark.Term;
        }

        return Sync();
    }

    /// <summary>
    /// Does one small step of what can be done ahead: fills the rest of this segment, then the next one, with zeros
    /// (<see cref="SegmentPipeline"/> says why). Returns whether there is more.
    /// </summary>
    public bool RunOnce()
    {
        ThrowIfUnusable();
        _zeroedTo = Math.Max(_zeroedTo, _writer.Offset);
        if (_zeroedTo >= _options.SegmentBytes)
        {
            return PrepareNextSegment();
        }

        try
        {
            _zeroedTo = SegmentPipeline.ZeroStep(Tail.File, _zeroedTo, _options);
            return true;
        }
        catch
        {
            _failed = true;
            throw;
        }
    }

    /// <summary>
    /// Gives up the segments that hold only entries before <paramref name="index"/>, so that <see cref="WalPurge"/> can
    /// delete them. The segment with that index, and all behind it, stay locked.
    /// </summary>
    public void ReleaseLockTo(LogIndex index)
    {
        ThrowIfUnusable();
        int atOrBehind = _segments.FindIndex(segment => segment.Name.Index >= index.Value);
        int keepFrom = atOrBehind < 0 ? _segments.Count - 1 : atOrBehind - 1;
        for (int i = 0; i < keepFrom; i++)
        {
            _segments[i].Dispose();
        }

        _segments.RemoveRange(0, Math.Max(keepFrom, 0));
    }

    /// <summary>
    /// Entries before an index are not needed any more: as <see cref="ReleaseLockTo"/>, at the next cut. Any thread.
    /// </summary>
    /// <param name="index">The index, never below an earlier one.</param>
    public void ReleaseAtCut(LogIndex index) => Volatile.Write(ref _releaseTo, (long)index.Value);

    /// <summary>Writes and syncs what is appended, then closes.</summary>
    public void Close()
    {
        try
        {
            Sync();
        }
        finally
        {
            Dispose();
        }
    }

    /// <summary>Closes the files and gives up the locks. What was appended and not synced is lost.</summary>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        Pipeline.Dispose();
        _segments.ForEach(static segment => segment.Dispose());
    }

    private void Flush()
    {
        if (_options.Figures is not { } figures)
        {
            _writer.Flush();
            DataSync();
            return;
        }

        long began = figures.Now;
        _writer.Flush();
        long written = figures.Wrote(began, _writer.BytesWritten);
        DataSync();
        if (ReallySyncs)
        {
            figures.Synced(written);
        }
    }

    private void DataSync()
    {
        if (ReallySyncs)
        {
            Tail.File.DataSync();
        }
    }

    /// <summary>
    /// The next segment is complete on disk, head and all, before it gets its name, and the name is durable before
    /// anything is appended to it: whatever a crash leaves, the last named segment has a whole head.
    /// </summary>
    private void Cut()
    {
        SegmentPipeline.Prepared next = Pipeline.Take();
        SegmentName name = new(Tail.Name.Sequence + 1, _lastIndex.Value + 1);
        string path = Path.Combine(Directory, name.ToString());
        _segments.Add(new Segment(next.File, name, path));
        _writer.Continue(next.File);
        WriteHead();
        if (ReallySyncs)
        {
            next.File.FullSync();
        }

        _files.Rename(next.Path, path);
        if (ReallySyncs)
        {
            _files.SyncDirectory(Directory);
        }

        _zeroedTo = next.ZeroedTo;
        _couldNotPrepare = false;
        if (Volatile.Read(ref _releaseTo) is > 0 and var index)
        {
            ReleaseLockTo(new LogIndex((ulong)index));
        }
    }

    /// <summary>
    /// What fails here (a full disk, above all) concerns the next segment only: the log goes on in this one, and the cut
    /// tries again.
    /// </summary>
    private bool PrepareNextSegment()
    {
        if (_couldNotPrepare)
        {
            return false;
        }

        try
        {
            return Pipeline.RunOnce();
        }
        catch (FileSystemException)
        {
            _couldNotPrepare = true;
            return false;
        }
    }

    private void WriteHead()
    {
        _writer.WriteCrc();
        _writer.WriteBytes(RecordType.Metadata, _metadata.Span);
        if (!_state.IsEmpty)
        {
            _writer.WriteState(_state);
        }

        _writer.Flush();
    }

    private void CheckFollows(ReadOnlySpan<Entry> entries)
    {
        if (entries.IsEmpty)
        {
            return;
        }

        Invariant.Check(entries[0].Index <= _lastIndex.Next, "appended entries leave no gap");
        Invariant.Check(entries[0].Index > _state.Commit || entries[0].Index > _lastIndex, "what is committed is not replaced");
        Invariant.Check(entries[^1].Index.Value - entries[0].Index.Value == (ulong)entries.Length - 1, "appended entries are consecutive");
    }

    private void ThrowIfUnusable()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_failed)
        {
            throw new InvalidOperationException("the write-ahead log failed before; the member must restart and recover from it");
        }
    }
}
