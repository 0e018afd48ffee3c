using Etcd.Server.Io;
using Etcd.Server.Primitives;

namespace Etcd.Server.Storage.Disk;

/// <summary>
/// The store's folder (docs/storage-format.md): segment files, the manifest that says which of them count, and a lock.
/// <para><see cref="Open"/> only looks; <see cref="Begin"/> takes the folder for one member and removes what a crash left
/// unfinished. Neither writes anything into a folder that it refuses, but the lock.</para>
/// Threads: files may be made by several; the manifest is one thread's matter.
/// </summary>
public sealed partial class StoreFolder : IDisposable
{
    private readonly IFileSystem _files;
    private readonly bool _syncs;
    private readonly HashSet<ulong> _unopened = [];
    private byte[] _found = [];
    private IDataFile? _lock;
    private ulong _clusterId;
    private MemberId _member;
    private ulong _lastFile;
    private long _fileBytes;

    private StoreFolder(IFileSystem files, string path, bool syncs)
    {
        _files = files;
        _syncs = syncs;
        FolderPath = path;
    }

    /// <summary>Where it is.</summary>
    public string FolderPath { get; }

    /// <summary>Where the newest checkpoint stands; null if there is none yet.</summary>
    public CheckpointMark? Mark => Current?.Mark;

    /// <summary>The newest checkpoint's state beside the keys.</summary>
    public IReadOnlyList<MetaRecord> Meta => Current?.Meta ?? [];

    /// <summary>The newest checkpoint.</summary>
    internal Manifest? Current { get; private set; }

    /// <summary>Bytes of the segment files. Any thread.</summary>
    internal long FileBytes => Volatile.Read(ref _fileBytes);

    /// <summary>Looks at a folder, which need not be there.</summary>
    /// <param name="files">The disk.</param>
    /// <param name="path">Where.</param>
    /// <param name="syncs">Whether it waits for the disk.</param>
    /// <exception cref="StoreException">It cannot be read by this version, or its manifest is damaged.</exception>
    public static StoreFolder Open(IFileSystem files, string path, bool syncs = true)
    {
        var folder = new StoreFolder(files, path, syncs);
        folder._found = folder.ReadManifest(StoreFormat.Manifest);
        folder.Current = folder.Find();
        return folder;
    }

    /// <summary>Takes the folder; makes it if it is not there.</summary>
    /// <param name="clusterId">The cluster that it must belong to.</param>
    /// <param name="member">The member that it must belong to.</param>
    /// <exception cref="StoreException">It is somebody else's, or in use.</exception>
    public void Begin(ulong clusterId, MemberId member)
    {
        _clusterId = clusterId;
        _member = member;
        if (Current is { } current && (current.ClusterId != clusterId || current.Member != member))
        {
            throw new StoreException(
                StoreError.Foreign,
                $"store: it belongs to member {current.Member} of cluster {current.ClusterId:x}, not to member {member} of cluster {clusterId:x}",
                FolderPath);
        }

        _files.CreateDirectoryDurably(FolderPath);
        TakeLock();
        try
        {
            // Whoever had the folder until now may have written a checkpoint since it was looked at.
            if (!ReadManifest(StoreFormat.Manifest).AsSpan().SequenceEqual(_found))
                throw new StoreException(StoreError.Locked, "store: another process has just written to the folder", FolderPath);

            _found = [];
            DeleteLeftovers();
            RestoreManifest();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Gives the folder back.</summary>
    public void Dispose()
    {
        _lock?.Dispose();
        _lock = null;
    }

    /// <summary>Begins a new segment file.</summary>
    internal StoreFile CreateFile()
    {
        Invariant.Check(_lock is not null, "the folder is taken before anything is written to it");
        ulong id = Interlocked.Increment(ref _lastFile);
        StoreFile file = StoreFile.Create(_files, PathOf(StoreFormat.FileName(id)), id);
        Count(file.Length);
        return file;
    }

    /// <summary>Opens a file that the manifest names.</summary>
    internal StoreFile OpenFile(ulong id)
    {
        StoreFile file = StoreFile.Open(_files, PathOf(StoreFormat.FileName(id)), id);
        _unopened.Remove(id);
        Count(file.Length);
        return file;
    }

    /// <summary>Bytes were added to segment files, or taken away.</summary>
    internal void Count(long bytes) => Interlocked.Add(ref _fileBytes, bytes);

    /// <summary>Takes a file's name away; it can still be read.</summary>
    internal void DeleteFile(StoreFile file)
    {
        _files.DeleteFile(file.Path);
        Count(-file.Length);
        ForgetDamageOf(file.Id);
    }

    /// <summary>A file that was opened is closed again, unused: it goes as one that was not opened.</summary>
    internal void Unopen(StoreFile file)
    {
        file.Close();
        Count(-file.Length);
        _unopened.Add(file.Id);
    }

    /// <summary>
    /// Takes away the files of a checkpoint that was not loaded, because a received snapshot was newer. When another manifest counts.
    /// </summary>
    internal void DeleteUnopened() => _unopened.RemoveWhere(id =>
    {
        string path = PathOf(StoreFormat.FileName(id));
        bool isGone = !_files.FileExists(path) || FullDisk.Try(() => _files.DeleteFile(path));
        if (isGone)
            ForgetDamageOf(id);

        return isGone;
    });

    /// <summary>Takes back what was appended to a file behind a place.</summary>
    internal void Truncate(StoreFile file, long length)
    {
        Count(length - file.Length);
        file.Truncate(length);
    }

    /// <summary>Makes durable what was appended to a file, and in any case its name.</summary>
    internal void Sync(StoreFile file)
    {
        if (_syncs)
            file.Sync();
    }

    /// <summary>Makes durable which files there are.</summary>
    internal void SyncNames()
    {
        if (_syncs)
            _files.SyncDirectory(FolderPath);
    }

    /// <summary>
    /// Makes a manifest the one that counts. Everything that it names is durable before. If the disk is full (<see cref="FullDisk"/>),
    /// the one before counts, and nothing is left of this one.
    /// </summary>
    internal void Write(Manifest manifest)
    {
        Manifest owned = manifest with { ClusterId = _clusterId, Member = _member };
        byte[] bytes = owned.Encode();
        Place(bytes, StoreFormat.Manifest);
        WriteCopy(bytes);
        Current = owned with { Meta = [], Extents = [] };
    }

    private void TakeLock()
    {
        string path = PathOf(StoreFormat.Lock);
        IDataFile file = _files.Open(path, _files.FileExists(path) ? FileOpenMode.ReadWrite : FileOpenMode.CreateNew);
        if (!file.TryLock())
        {
            file.Dispose();
            throw new StoreException(StoreError.Locked, "store: another process has the folder", FolderPath);
        }

        _lock = file;
    }

    private void DeleteLeftovers()
    {
        HashSet<ulong> named = [.. (Current?.Extents ?? []).Select(e => e.File)];
        foreach (string name in _files.List(FolderPath))
        {
            bool isFile = StoreFormat.TryParseName(name, out ulong id);
            if (isFile)
                _lastFile = Math.Max(_lastFile, id);

            if (name == StoreFormat.ManifestTemporary || (isFile && !named.Contains(id)))
                _files.DeleteFile(PathOf(name));
            else if (isFile)
                _unopened.Add(id);
        }

        ReadDamage(named);
    }

    private string PathOf(string name) => Path.Combine(FolderPath, name);
}
