using Etcd.Server.Io;
using Etcd.Server.Storage.Log;

namespace Etcd.Server.Storage.Disk;

/// <summary>A run of segments that a job copies.</summary>
/// <param name="First">The place of its first segment in the log.</param>
/// <param name="Sources">The segments.</param>
internal sealed record JobRun(int First, SegmentSource[] Sources)
{
    /// <summary>The copies, when the job is done.</summary>
    public List<LogSegment> Copies { get; set; } = [];
}

/// <summary>
/// A piece of work for the worker, made by the store's writer, and taken back by it when it is done: until then nothing else changes
/// which segments the log has, but that new ones come at its end.
/// </summary>
/// <param name="log">The log that it is about.</param>
internal sealed class StoreJob(RevisionLog log)
{
    private volatile bool _isDone;

    /// <summary>The log that it is about.</summary>
    public RevisionLog Log { get; } = log;

    /// <summary>What is copied, in the log's order.</summary>
    public required IReadOnlyList<JobRun> Runs { get; init; }

    /// <summary>For a checkpoint: whether files can go away only with it.</summary>
    public bool WasWanted { get; init; }

    /// <summary>For a checkpoint: all segments of the log with their marks.</summary>
    public SegmentSource[] All { get; init; } = [];

    /// <summary>For a checkpoint: what else the manifest says. It is enumerated by the worker.</summary>
    public Manifest? Checkpoint { get; init; }

    /// <summary>For a checkpoint: the state beside the keys.</summary>
    public IEnumerable<MetaRecord> Meta { get; init; } = [];

    /// <summary>Who has written what is not durable yet of a state that was installed; becomes the worker's matter.</summary>
    public SegmentWriter? Adopted { get; set; }

    /// <summary>The files of states that were loaded or installed since the job before.</summary>
    public IReadOnlyList<StoreFile> LoadedFiles { get; set; } = [];

    /// <summary>Whether the file that is appended to is ended first.</summary>
    public bool StartsNewFile { get; set; }

    /// <summary>Files that have lost their names because nothing in them counts any more.</summary>
    public List<StoreFile> Deleted { get; } = [];

    /// <summary>Bytes of records in what is copied.</summary>
    public long SourceBytes => Runs.Sum(static r => r.Sources.Sum(static s => (long)s.Segment.UsedBytes));

    /// <summary>Bytes of files that what is copied takes.</summary>
    public long SourceFileBytes => Runs.Sum(static r => r.Sources.Sum(
        static s => s.Segment.Extent is { } extent ? (long)extent.Place.DataBytes + extent.Place.IndexBytes : 0));

    /// <summary>Bytes of all files before it began.</summary>
    public required long FileBytesBefore { get; init; }

    /// <summary>Whether it was given up because the disk is full; nothing has changed then.</summary>
    public bool IsOutOfSpace { get; set; }

    /// <summary>Whether it was given up because a source is damaged; nothing has changed then.</summary>
    public bool IsDamaged { get; set; }

    /// <summary>Whether it is over.</summary>
    public bool IsDone => _isDone;

    /// <summary>It is over: everything else of it was set before.</summary>
    public void Finish() => _isDone = true;
}

/// <summary>
/// Does the store's work on the disk, one job at a time: copies segments into files and writes checkpoints. A step machine: one thread
/// calls <see cref="RunOnce"/>; <see cref="Begin"/> belongs to the store's writer.
/// <para>Order of a checkpoint: records, synced; their files' names, synced; the manifest beside the old one, synced; its name,
/// synced. Only then are files deleted that it does not name.</para>
/// A full disk ends a job without effect, and what it has written is taken back: the log needs the space. So does a source that is
/// damaged. Any other failure is final: it is not known then what is on the disk.
/// </summary>
internal sealed class StoreWorker(StoreFolder folder, PageCache cache)
{
    private readonly SegmentWriter _writer = new(folder, cache);
    private readonly HashSet<StoreFile> _files = [];
    private StoreJob? _job;

    /// <summary>Called when there is something to do.</summary>
    public Action Work { get; set; } = static () => { };

    /// <summary>Called by the thread of <see cref="RunOnce"/> when a checkpoint is durable.</summary>
    public Action<CheckpointMark> Durable { get; set; } = static _ => { };

    /// <summary>The file that is being appended to. A value of some moment.</summary>
    public StoreFile? Current => _writer.Current;

    /// <summary>Hands a job over; the one before is done.</summary>
    public void Begin(StoreJob job)
    {
        Volatile.Write(ref _job, job);
        Work();
    }

    /// <summary>Does the job that is there.</summary>
    /// <returns>Whether there was one.</returns>
    public bool RunOnce()
    {
        if (Interlocked.Exchange(ref _job, null) is not { } job)
            return false;

        job.Adopted?.HandOver(_writer);
        _files.UnionWith(job.LoadedFiles);
        _writer.Mark();
        if (Write(job, out Manifest? manifest) && manifest is not null)
        {
            // It counts now, whatever comes.
            Delete(manifest, job);
            Durable(manifest.Mark);
        }

        job.Finish();
        return true;
    }

    private bool Write(StoreJob job, out Manifest? manifest)
    {
        manifest = null;
        try
        {
            manifest = Run(job);
            return true;
        }
        catch (FileSystemException e) when (FullDisk.Is(e))
        {
            job.IsOutOfSpace = true;
        }
        catch (StoreException)
        {
            // Told of where it was read.
            job.IsDamaged = true;
        }

        _files.ExceptWith(_writer.Created);
        _files.UnionWith(_writer.Undo());
        return false;
    }

    private Manifest? Run(StoreJob job)
    {
        if (job.StartsNewFile)
            _writer.EndFile();

        foreach (JobRun run in job.Runs)
        {
            run.Copies = _writer.Copy(run.Sources, keepBlocks: job.Checkpoint is not null);
            foreach (LogSegment copy in run.Copies)
                _files.Add(copy.Extent!.File);
        }

        if (job.Checkpoint is not { } checkpoint)
            return null;

        Manifest manifest = checkpoint with { Meta = [.. job.Meta], Extents = Extents(job) };
        _writer.Sync();
        folder.Write(manifest);
        return manifest;
    }

    // The log as it will be when the copies are in it. What the copies left out was dead at the moment that is written.
    private static List<ManifestExtent> Extents(StoreJob job)
    {
        var extents = new List<ManifestExtent>(job.All.Length);
        int run = 0;
        for (int at = 0; at < job.All.Length;)
        {
            if (run < job.Runs.Count && job.Runs[run].First == at)
            {
                foreach (LogSegment copy in job.Runs[run].Copies)
                    extents.Add(Extent(copy, dead: null));

                at += job.Runs[run++].Sources.Length;
                continue;
            }

            extents.Add(Extent(job.All[at].Segment, job.All[at].Dead));
            at++;
        }

        return extents;
    }

    private static ManifestExtent Extent(LogSegment segment, ulong[]? dead) =>
        new(segment.Extent!.File.Id, segment.Extent.Place, segment.First, dead);

    private void Delete(Manifest manifest, StoreJob job)
    {
        HashSet<ulong> named = [.. manifest.Extents.Select(e => e.File)];
        foreach (StoreFile file in _files.Where(f => !named.Contains(f.Id) && f != _writer.Current).OrderBy(f => f.Id).ToList())
        {
            if (!FullDisk.Try(() => folder.DeleteFile(file)))
                continue;

            _files.Remove(file);
            job.Deleted.Add(file);
        }

        folder.DeleteUnopened();
    }
}
