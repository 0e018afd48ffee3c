using Etcd.Server.Primitives;
using Etcd.Server.Storage.Disk;
using Etcd.Server.Storage.Index;
using Etcd.Server.Storage.Log;

namespace Etcd.Server.Storage;

/// <content>
/// Damage. Every page is checked when it comes from the disk, and <see cref="ScrubOnce"/> goes through those that nobody reads. What is
/// found is told once (<see cref="DamageFound"/>); a reader gets a <see cref="StoreException"/>, never other bytes than were written.
/// Records that memory still has, and what is there for restarts only (indexes, heads, manifests), are written again from memory
/// (<see cref="WriteAgain"/>); records that are lost come back with another state in this one's place (<see cref="Replace"/>). Until
/// then nothing is copied and no compaction goes on, because both would have to read what is lost.
/// </content>
public sealed partial class MvccStore
{
    // Small enough that a checkpoint that is due does not wait for long, large enough for few reads.
    private const int ScrubPagesMax = 32;

    private readonly byte[] _scrubPages = new byte[ScrubPagesMax * StoreFormat.PageBytes];
    private readonly HashSet<ulong> _again = [];
    private byte[] _scrubIndex = [];
    private StoreFile? _scrubFile;
    private Extent? _scrubExtent;
    private Revision _scrubFrom;
    private int _scrubPage;
    private long _scrubbedBytes;
    private long _scrubs;
    private bool _isAbandoned;

    /// <summary>Called, by any thread, for each place of the disk that is found damaged; it must return soon.</summary>
    public Action<StoreDamage> DamageFound
    {
        get => _pages.Damages.Found;
        set => _pages.Damages.Found = value;
    }

    /// <summary>Whether <see cref="Abandon"/> was called and the state was not replaced since. The writer's thread.</summary>
    public bool IsAbandoned => _isAbandoned;

    /// <summary>Whether records are known to be lost. Any thread.</summary>
    public bool IsDamaged => _pages.Damages.HasLost;

    /// <summary>Bytes that <see cref="ScrubOnce"/> has read. Any thread.</summary>
    public long ScrubbedBytes => Volatile.Read(ref _scrubbedBytes);

    /// <summary>How often <see cref="ScrubOnce"/> has gone through everything. Any thread.</summary>
    public long Scrubs => Volatile.Read(ref _scrubs);

    /// <summary>Tells of damage that was found before this store was there.</summary>
    /// <param name="damage">The damage.</param>
    public void ReportDamage(StoreException damage) => _pages.Damages.Report(damage, isLost: true);

    /// <summary>
    /// Gives up what was begun since the last <see cref="Publish"/>, because it cannot be ended: readers stay with what was published,
    /// and nothing may be written until another state is in this one's place. The writer's thread.
    /// </summary>
    public void Abandon()
    {
        _txn.Abandon();
        _events.Clear();
        _isAbandoned = true;
    }

    /// <summary>
    /// Writes everything in a file again, from memory and from what of it can be read, as a defragmentation does; it is over with
    /// <see cref="IsDefragmenting"/>. Of a file that is not one of records only the next checkpoint is asked for. The writer's thread.
    /// </summary>
    /// <param name="file">The path.</param>
    public void WriteAgain(string file)
    {
        if (StoreFormat.TryParseName(Path.GetFileName(file), out ulong id))
        {
            _again.Add(id);
            _startsNewFile = true;
            _mayRewrite = true;
        }

        WantsCheckpoint = true;
    }

    /// <summary>
    /// Reads the next piece of what is on the disk and checks it: heads and indexes of the files, pages of records, the manifests. The
    /// thread of <see cref="RunDiskOnce"/>; blocks in the disk. What is damaged is told and passed over.
    /// </summary>
    /// <returns>Bytes that were read, 256 KiB or one index at the most; zero if everything has been gone through and it begins anew.</returns>
    public int ScrubOnce()
    {
        int read = CheckNext();
        Interlocked.Add(ref _scrubbedBytes, read);
        if (read > 0)
            return read;

        Interlocked.Add(ref _scrubbedBytes, _folder!.CheckManifests(_pages.Damages));
        Interlocked.Increment(ref _scrubs);
        _scrubFile = null;
        _scrubExtent = null;
        _scrubFrom = default;
        return 0;
    }

    private int CheckNext()
    {
        // As any reader: what this state names stays readable meanwhile.
        using EpochGate.Pin pin = Enter(out StoreState state);
        if (NextToScrub(state.Segments) is not { } segment)
            return 0;

        Extent extent = segment.Extent!;
        if (extent != _scrubExtent)
        {
            _scrubExtent = extent;
            _scrubPage = 0;
            return CheckFrame(extent);
        }

        int read = CheckPages(extent, isLost: segment.BlockLength == 0);
        if ((long)_scrubPage * StoreFormat.PageBytes >= extent.Place.DataBytes)
            _scrubFrom = segment.Last with { Sub = segment.Last.Sub + 1 };

        return read;
    }

    private LogSegment? NextToScrub(LogSegment[] segments)
    {
        for (int at = Math.Max(0, RevisionLog.IndexOf(segments, _scrubFrom)); at < segments.Length; at++)
        {
            if (segments[at].Extent is not null && segments[at].Last >= _scrubFrom)
                return segments[at];
        }

        return null;
    }

    // What only a restart reads, and memory has.
    private int CheckFrame(Extent extent)
    {
        int read = extent.Place.IndexBytes;
        try
        {
            if (extent.File != _scrubFile)
            {
                _scrubFile = extent.File;
                read += StoreFormat.FileHeadBytes;
                extent.File.CheckHead();
            }
        }
        catch (StoreException e)
        {
            _pages.Damages.Report(e, isLost: false);
        }

        try
        {
            extent.CheckIndex(ref _scrubIndex);
        }
        catch (StoreException e)
        {
            _pages.Damages.Report(e, isLost: false);
        }

        return read;
    }

    private int CheckPages(Extent extent, bool isLost)
    {
        int start = _scrubPage * StoreFormat.PageBytes;
        int length = Math.Min(_scrubPages.Length, extent.Place.DataBytes - start);
        try
        {
            extent.CheckPages(_scrubPage, _scrubPages.AsSpan(0, length));
            _scrubPage += ScrubPagesMax;
        }
        catch (StoreException e)
        {
            _pages.Damages.Report(e, isLost);
            long page = ((e.Offset ?? 0) - extent.Place.Offset) / StoreFormat.PageBytes;
            _scrubPage = (int)Math.Max(page, _scrubPage) + 1;
        }

        // Runs of marks alone have no bytes; it goes on nevertheless.
        return Math.Max(1, length);
    }
}
