using Etcd.Server.Primitives;
using Etcd.Server.Storage.Disk;
using Etcd.Server.Storage.Index;
using Etcd.Server.Storage.Log;

namespace Etcd.Server.Storage;

/// <content>
/// The store on disk. What was written since the last checkpoint is in memory, and in the raft log: only a checkpoint writes. It is
/// begun by the writer's thread, which pins the state in a moment, and done by <see cref="RunDiskOnce"/> on a thread of its own, as is
/// the copying of files of which too much is dead. Its result is taken back by the writer's thread (<see cref="TakeDiskWork"/>).
/// </content>
public sealed partial class MvccStore
{
    private const long PageCacheBytes = 32L << 20;

    // The newest records that are in files, kept in memory too.
    private const long ResidentBytesMax = 32L << 20;

    // What one job copies at the most, so that a checkpoint does not wait for long.
    private const long CopyBytesMax = 8L << 20;

    // What is copied at the most before a checkpoint gives the space of the sources back.
    private const long CopiedBytesMax = 256L << 20;

    // A file is copied when less than this of it is live.
    private const double LiveShareMin = 0.8;
    private const double LiveShareMinForced = 0.98;

    // Files that a restart has ended early are put together when there are so many of them.
    private const int SmallFilesMax = 8;

    private readonly PageCache _pages = new(PageCacheBytes);
    private readonly StoreFolder? _folder;
    private readonly StoreWorker? _worker;
    private readonly Queue<LogSegment> _resident = new();
    private readonly List<ClosingFile> _closing = [];
    private readonly List<LeftState> _left = [];
    private readonly List<StoreFile> _loadedFiles = [];
    private SegmentWriter? _importedBy;
    private StoreJob? _job;
    private long _residentBytes;
    private bool _mayRewrite;
    private bool _startsNewFile;
    private ulong _forcedThrough;
    private long _copiedBytes;

    // Bytes in files that hold nothing of this state any more, and go with the next checkpoint. Below zero if a state was installed
    // while a job is under way: its files are not among those of before.
    private long _supersededBytes;

    /// <summary>An empty store at revision 1 that keeps itself in a folder.</summary>
    /// <param name="folder">The folder, taken; a checkpoint in it is loaded by <see cref="LoadCheckpoint"/>.</param>
    public MvccStore(StoreFolder folder)
        : this()
    {
        _folder = folder;
        _worker = new StoreWorker(folder, _pages);
        _mayRewrite = true;
    }

    /// <summary>Whether it keeps itself in a folder.</summary>
    public bool HasDisk => _worker is not null;

    /// <summary>Bytes of records that no checkpoint has written yet. The writer's thread.</summary>
    public long UnwrittenBytes => _log.UnwrittenBytes;

    /// <summary>Whether work is under way on the disk, or waits to be taken back. The writer's thread.</summary>
    public bool IsWriting => _job is not null;

    /// <summary>Whether files can go away only with another checkpoint. The writer's thread.</summary>
    public bool WantsCheckpoint { get; private set; }

    /// <summary>Called, by the writer's thread, when <see cref="RunDiskOnce"/> has something to do.</summary>
    public Action DiskWork
    {
        get => Worker.Work;
        set => Worker.Work = value;
    }

    /// <summary>Called, by the thread of <see cref="RunDiskOnce"/>, when a checkpoint is durable.</summary>
    public Action<CheckpointMark> CheckpointDurable
    {
        get => Worker.Durable;
        set => Worker.Durable = value;
    }

    private long CountedFileBytes => FileBytes - Volatile.Read(ref _supersededBytes);

    // What a job writes is counted as unwritten, or as its sources, until it is taken back; so is what it deletes.
    private long FileBytes => Volatile.Read(ref _job)?.FileBytesBefore ?? _folder?.FileBytes ?? 0;

    private StoreWorker Worker => _worker ?? throw new InvalidOperationException("this store has no folder");

    /// <summary>
    /// Does the work on the disk that is there: one thread, any but the writer's. Blocks in the disk. What it throws is final: the
    /// member must stop.
    /// </summary>
    /// <returns>Whether there was any.</returns>
    public bool RunDiskOnce() => Worker.RunOnce();

    /// <summary>Reads the folder's checkpoint, for <see cref="Replace"/>. Null if there is none.</summary>
    /// <exception cref="StoreException">Its files are damaged, or missing.</exception>
    public StoreImport? LoadCheckpoint() => _folder?.Current is null ? null : StoreLoader.Load(_folder, _pages);

    /// <summary>A state to be built in the place of this store's: large ones go to the folder while they are built.</summary>
    public StoreImport NewImport() => new(_folder is null ? null : new SegmentWriter(_folder, _pages));

    /// <summary>
    /// Begins to make the published state durable. The writer's thread, with nothing unpublished and nothing under way.
    /// </summary>
    /// <param name="mark">Where the state stands in the raft log.</param>
    /// <param name="meta">The state beside the keys, as it is now; enumerated later, by another thread.</param>
    public void BeginCheckpoint(CheckpointMark mark, IEnumerable<MetaRecord> meta)
    {
        Invariant.Check(_job is null && !_txn.IsOpen && _view.State.Revision == _revision, "a checkpoint begins between batches");
        _log.SealLast();
        SegmentSource[] all = Array.ConvertAll(_log.Segments, Source);
        int first = FirstToWrite();
        HandOver(new StoreJob(_log)
        {
            FileBytesBefore = _folder!.FileBytes,
            WasWanted = WantsCheckpoint,
            Runs = first < all.Length ? [new JobRun(first, all[first..])] : [],
            All = all,
            Meta = meta,
            Checkpoint = new Manifest
            {
                Mark = mark,
                Revision = _revision,
                Meta = [],
                Extents = [],
            },
        });
        WantsCheckpoint = false;
    }

    /// <summary>
    /// Copies every file of which anything worth mentioning is dead, so that its space is given back; <see cref="IsDefragmenting"/>
    /// tells when that is done. The writer's thread.
    /// </summary>
    public void Defragment()
    {
        // The file that is written to now is ended by the next job, and takes part.
        _startsNewFile = true;
        _mayRewrite = true;
        _forcedThrough = Math.Max(1, Worker.Current?.Id ?? 0);
        foreach (LogSegment segment in _log.Segments)
            _forcedThrough = Math.Max(_forcedThrough, segment.Extent?.File.Id ?? 0);

        WantsCheckpoint = true;
    }

    /// <summary>Whether a <see cref="Defragment"/> is under way. The writer's thread.</summary>
    public bool IsDefragmenting => !IsDamaged && (_forcedThrough != 0 || _again.Count > 0);

    /// <summary>Takes back what was done on the disk. The writer's thread, between batches; cheap when there is nothing.</summary>
    /// <returns>What was done; null if nothing is to be taken back.</returns>
    public DiskOutcome? TakeDiskWork()
    {
        // Taking it back would show readers what was given up.
        if (_job is not { IsDone: true } job || _isAbandoned)
            return null;

        _job = null;
        bool isGivenUp = job.IsOutOfSpace || job.IsDamaged;
        if (job.Checkpoint is not null && !isGivenUp)
            CloseLater(job.Deleted);

        if (isGivenUp)
        {
            _mayRewrite = false;
            _forcedThrough = 0;
            _again.Clear();
            WantsCheckpoint |= job.WasWanted;
            _startsNewFile |= job.StartsNewFile;
            return job.IsDamaged ? DiskOutcome.Damaged : DiskOutcome.OutOfSpace;
        }

        if (job.Log == _log)
            Take(job);
        else
            CountSuperseded();

        return job.Checkpoint is null ? DiskOutcome.Other : DiskOutcome.Checkpoint;
    }

    private static IEnumerable<StoreFile> FilesOf(RevisionLog log) =>
        log.Segments.Where(static s => s.Extent is not null).Select(static s => s.Extent!.File).Distinct();

    private void CountSuperseded() =>
        Volatile.Write(ref _supersededBytes, FileBytes - FilesOf(_log).Sum(static f => f.Length));

    private static SegmentSource Source(LogSegment segment) => new(segment, segment.CopyDead());

    private void HandOver(StoreJob job)
    {
        job.Adopted = _importedBy;
        job.LoadedFiles = [.. _loadedFiles];
        job.StartsNewFile = _startsNewFile;
        _importedBy = null;
        _loadedFiles.Clear();
        _startsNewFile = false;
        _job = job;
        Worker.Begin(job);
    }

    private void Take(StoreJob job)
    {
        // From the back: the places of those before stay as they are.
        for (int i = job.Runs.Count - 1; i >= 0; i--)
        {
            JobRun run = job.Runs[i];
            _log.Replace(run.First, run.Sources, run.Copies);
            foreach (LogSegment copy in run.Copies)
                Keep(copy);
        }

        _mayRewrite = true;
        WantsCheckpoint |= job.Checkpoint is null;
        _copiedBytes = job.Checkpoint is null ? _copiedBytes + job.SourceBytes : 0;
        Volatile.Write(ref _supersededBytes, job.Checkpoint is null ? _supersededBytes + job.SourceFileBytes : 0);
        PublishView();
    }

    private void Keep(LogSegment copy)
    {
        if (copy.BlockLength == 0)
            return;

        _resident.Enqueue(copy);
        _residentBytes += copy.BlockLength;
        while (_residentBytes > ResidentBytesMax)
        {
            LogSegment oldest = _resident.Dequeue();
            _residentBytes -= oldest.BlockLength;
            oldest.DropBlock();
        }
    }

    // Runs that are no larger than what follows them are written again with it, so that small checkpoints do not leave small runs.
    private int FirstToWrite()
    {
        LogSegment[] segments = _log.Segments;
        int first = _log.FirstUnwritten();
        // A checkpoint must be possible with what can be read.
        if (IsDamaged)
            return first;

        long bytes = 0;
        for (int at = first; at < segments.Length; at++)
            bytes += segments[at].LiveBytes;

        while (bytes > 0 && first > 0 && segments[first - 1].LiveBytes <= bytes && bytes + segments[first - 1].LiveBytes <= LogSegment.BlockBytes)
            bytes += segments[--first].LiveBytes;

        return first;
    }

    /// <summary>Copies a part of a file of which too much is dead, if there is one.</summary>
    private void BeginRewrite()
    {
        if (_worker is null || !_mayRewrite || _job is not null || _copiedBytes > CopiedBytesMax || IsDamaged)
            return;

        if (FileToCopy() is { } file)
        {
            HandOver(new StoreJob(_log) { FileBytesBefore = _folder!.FileBytes, Runs = RunsOf(file) });
            return;
        }

        _mayRewrite = false;
        WantsCheckpoint |= IsDefragmenting;
        _forcedThrough = 0;
        _again.Clear();
    }

    private StoreFile? FileToCopy()
    {
        var live = new Dictionary<StoreFile, double>();
        foreach (LogSegment segment in _log.Segments)
        {
            if (segment.Extent is not { } extent)
                continue;

            double share = extent.Place.DataBytes == 0 ? 1 : (double)segment.LiveBytes / extent.Place.DataBytes;
            live[extent.File] = live.GetValueOrDefault(extent.File) + (share * (extent.Place.DataBytes + extent.Place.IndexBytes));
        }

        // The next job may end it.
        StoreFile? current = _startsNewFile ? null : Worker.Current;
        KeyValuePair<StoreFile, double>[] others = [.. live.Where(f => f.Key != current).OrderBy(f => f.Key.Id)];
        bool manySmall = others.Count(f => f.Value < StoreFormat.FileBytes / 8) > SmallFilesMax;
        foreach ((StoreFile file, double bytes) in others)
        {
            bool isForced = file.Id <= _forcedThrough;
            double share = bytes / Math.Max(1, file.Length - StoreFormat.FileHeadBytes);
            if (_again.Contains(file.Id) || share < (isForced ? LiveShareMinForced : LiveShareMin) || (manySmall && bytes < StoreFormat.FileBytes / 8))
                return file;
        }

        return null;
    }

    private List<JobRun> RunsOf(StoreFile file)
    {
        LogSegment[] segments = _log.Segments;
        var runs = new List<JobRun>();
        long bytes = 0;
        for (int at = 0; at < segments.Length && bytes < CopyBytesMax;)
        {
            int first = at;
            while (at < segments.Length && segments[at].Extent?.File == file && bytes < CopyBytesMax)
                bytes += segments[at++].UsedBytes;

            if (at > first)
                runs.Add(new JobRun(first, Array.ConvertAll(segments[first..at], Source)));
            else
                at++;
        }

        return runs;
    }

    private void CloseLater(List<StoreFile> files)
    {
        foreach (StoreFile file in files)
            _closing.Add(new ClosingFile(file, _index, _index.Epochs.GraceEpoch));
    }

    /// <summary>Closes files that have lost their names, when their last readers are gone.</summary>
    /// <returns>Whether any waits for readers; those that an export holds are looked at again when there is other work.</returns>
    private bool CloseFiles()
    {
        // Readers of a state that was replaced hold pins of its own index only, and may read any file of it.
        _left.RemoveAll(static left =>
        {
            while (!left.Index.Epochs.HasReached(left.Epoch) && left.Index.Collect())
            {
            }

            return left.Index.Epochs.HasReached(left.Epoch);
        });
        if (_left.Count > 0)
            return true;

        _closing.RemoveAll(closing =>
        {
            closing.Index.Collect();
            if (!closing.Index.Epochs.HasReached(closing.Epoch) || closing.File.IsPinned)
                return false;

            closing.File.Close();
            return true;
        });
        return _closing.Exists(static closing => !closing.File.IsPinned);
    }

    /// <summary>A state that was replaced, and the epoch of its index at which its readers are gone.</summary>
    private readonly record struct LeftState(KeyIndex Index, long Epoch);

    /// <summary>A file whose readers are waited for; they hold pins of the index of their time.</summary>
    private readonly record struct ClosingFile(StoreFile File, KeyIndex Index, long Epoch);
}

/// <summary>What was done on the disk.</summary>
public enum DiskOutcome
{
    /// <summary>A checkpoint is durable.</summary>
    Checkpoint,

    /// <summary>It was given up because the disk is full: nothing has changed, and it may be tried again.</summary>
    OutOfSpace,

    /// <summary>It was given up because something that it reads is damaged: nothing has changed.</summary>
    Damaged,

    /// <summary>Something else.</summary>
    Other,
}
