using Etcd.Server.Io;

namespace Etcd.TestKit.Disk;

/// <summary>
/// A disk in memory that behaves as badly as <see cref="IFileSystem"/> allows, repeatably from a seed: a power failure
/// (<see cref="Crash"/>, or at a chosen operation) loses or keeps each unsynced sector and each unsynced name by itself;
/// syncs fail and space runs out when told to. The end of the process alone (<see cref="KillProcess"/>) loses nothing.
/// <para>Not thread-safe. Paths are absolute and separated by '/'.</para>
/// </summary>
public sealed class SimDisk : IFileSystem
{
    /// <summary>What is written or lost as a whole.</summary>
    public const int SectorBytes = 512;

    private readonly SimDirectory _root;
    private int _epoch;

    public SimDisk(SimDiskOptions? options = null)
        : this(new SimDirectory(), options ?? new SimDiskOptions())
    {
    }

    private SimDisk(SimDirectory root, SimDiskOptions options)
    {
        _root = root;
        Options = options;
        Random = options.Random ?? new Random(options.Seed);
        CrashAtOperation = options.CrashAtOperation;
        FailSyncAtOperation = options.FailSyncAtOperation;
        CapacityBytes = options.CapacityBytes;
    }

    public SimDiskOptions Options { get; }

    /// <summary>How many operations that change something, or sync, have been begun.</summary>
    public long Operations { get; private set; }

    /// <summary>How often something was read from a file.</summary>
    public long Reads { get; internal set; }

    /// <inheritdoc cref="SimDiskOptions.CrashAtOperation"/>
    public long CrashAtOperation { get; set; }

    /// <inheritdoc cref="SimDiskOptions.FailSyncAtOperation"/>
    public long FailSyncAtOperation { get; set; }

    /// <inheritdoc cref="SimDiskOptions.CapacityBytes"/>
    public long CapacityBytes { get; set; }

    /// <summary>Bytes of all files, as the processes see them.</summary>
    public long UsedBytes => Used(_root);

    /// <summary>Whether the power has failed: this disk is dead, and <see cref="Crash"/> gives the one that survives.</summary>
    public bool HasCrashed { get; private set; }

    /// <summary>Whether a sync has failed: what the processes see is no longer what is on the disk.</summary>
    public bool SyncHasFailed { get; private set; }

    public bool CanRenameDirectoryWithOpenFiles => true;

    internal Random Random { get; }

    /// <summary>The disk after a power failure at this moment, in the hands of a new process. This one is dead.</summary>
    public SimDisk Crash(CrashKind kind, SimDiskOptions? options = null)
    {
        HasCrashed = true;
        Dictionary<NameChange, bool> survives = new(ReferenceEqualityComparer.Instance);
        SimDirectory survivor = _root.Survivor(Random, kind, change =>
        {
            if (!survives.TryGetValue(change, out bool kept))
            {
                kept = kind == CrashKind.EverythingUnsynced || (kind == CrashKind.Torn && Random.Next(2) == 0);
                survives.Add(change, kept);
            }

            return kept;
        });
        return new SimDisk(survivor, options ?? new SimDiskOptions { Seed = Options.Seed, Random = Options.Random });
    }

    /// <summary>Ends the process: its open files are closed and unlocked, and all it wrote stays visible.</summary>
    public void KillProcess()
    {
        _epoch++;
        Unlock(_root);
    }

    /// <summary>Flips bits of a byte, on the disk and for all readers.</summary>
    public void FlipBits(string path, long offset, byte mask)
    {
        SimInode inode = FindFile(path);
        inode.Damage(offset, (byte)(inode.Content[offset] ^ mask));
    }

    /// <summary>The whole content of a file.</summary>
    public byte[] ReadAll(string path) => [.. FindFile(path).Content];

    /// <summary>Puts a file on the disk, durable at once.</summary>
    public void Place(string path, byte[] content)
    {
        (SimDirectory parent, string name) = ParentOf(path);
        parent.Change(new NameChange(null, null, parent, name, new SimInode([.. content])));
        parent.Sync();
    }

    public IDataFile Open(string path, FileOpenMode mode)
    {
        CheckAlive(_epoch);
        (SimDirectory parent, string name) = ParentOf(path);
        bool exists = parent.Names.TryGetValue(name, out object? node);
        if (exists && (node is not SimInode || mode == FileOpenMode.CreateNew))
        {
            throw Error(node is SimInode ? FileSystemError.AlreadyExists : FileSystemError.AccessDenied, "open", path);
        }

        if (!exists && mode is (FileOpenMode.Read or FileOpenMode.ReadWrite))
        {
            throw Error(FileSystemError.NotFound, "open", path);
        }

        SimInode inode = node as SimInode ?? new SimInode();
        if (!exists)
        {
            using Operation operation = Begin("create", path);
            parent.Change(new NameChange(null, null, parent, name, inode));
        }
        else if (mode == FileOpenMode.CreateOrTruncate)
        {
            using Operation operation = Begin("truncate", path);
            inode.SetLength(0);
        }

        return new SimDataFile(this, inode, path, mode != FileOpenMode.Read, _epoch);
    }

    public bool FileExists(string path) => Find(path) is SimInode;

    public bool DirectoryExists(string path) => Find(path) is SimDirectory;

    public void CreateDirectory(string path)
    {
        CheckAlive(_epoch);
        (SimDirectory parent, string name) = ParentOf(path);
        if (parent.Names.ContainsKey(name))
        {
            throw Error(FileSystemError.AlreadyExists, "create directory", path);
        }

        using Operation operation = Begin("create directory", path);
        parent.Change(new NameChange(null, null, parent, name, new SimDirectory()));
    }

    public IReadOnlyList<string> List(string directory)
    {
        CheckAlive(_epoch);
        return [.. FindDirectory(directory, "list").Names.Keys];
    }

    public void Rename(string from, string to)
    {
        CheckAlive(_epoch);
        (SimDirectory oldParent, string oldName) = ParentOf(from);
        (SimDirectory newParent, string newName) = ParentOf(to);
        if (!oldParent.Names.TryGetValue(oldName, out object? node))
        {
            throw Error(FileSystemError.NotFound, "rename", from);
        }

        bool taken = newParent.Names.TryGetValue(newName, out object? there);
        if (taken && (node is SimDirectory || there is SimDirectory))
        {
            throw Error(FileSystemError.AlreadyExists, "rename", to);
        }

        using Operation operation = Begin("rename", from);
        NameChange change = new(oldParent, oldName, newParent, newName, node);
        oldParent.Change(change);
        if (!ReferenceEquals(oldParent, newParent))
        {
            newParent.Change(change);
        }
    }

    public void DeleteFile(string path)
    {
        CheckAlive(_epoch);
        (SimDirectory parent, string name) = ParentOf(path);
        if (!parent.Names.TryGetValue(name, out object? node) || node is not SimInode)
        {
            throw Error(FileSystemError.NotFound, "delete", path);
        }

        using Operation operation = Begin("delete", path);
        parent.Change(new NameChange(parent, name, null, null, null));
    }

    public void DeleteDirectory(string path)
    {
        CheckAlive(_epoch);
        if (FindDirectory(path, "delete directory").Names.Count > 0)
        {
            throw Error(FileSystemError.NotEmpty, "delete directory", path);
        }

        (SimDirectory parent, string name) = ParentOf(path);
        using Operation operation = Begin("delete directory", path);
        parent.Change(new NameChange(parent, name, null, null, null));
    }

    public void SyncDirectory(string path)
    {
        CheckAlive(_epoch);
        SimDirectory directory = FindDirectory(path, "fsync directory");
        using Operation operation = Begin("fsync directory", path);
        Options.Syncing?.Invoke(path);
        if (SyncFails())
        {
            throw Error(FileSystemError.Device, "fsync directory", path);
        }

        if (!operation.Crashes)
        {
            directory.Sync();
        }
    }

    internal void CheckAlive(int epoch)
    {
        if (HasCrashed)
        {
            throw new SimulatedCrashException("any call after it");
        }

        ObjectDisposedException.ThrowIf(epoch != _epoch, this);
    }

    /// <summary>
    /// Counts an operation. The one at which the power fails takes effect as an unsynced change and throws at its end;
    /// a sync then makes nothing durable for certain.
    /// </summary>
    internal Operation Begin(string verb, string path)
    {
        Operations++;
        return new Operation(this, verb, path, Operations == CrashAtOperation);
    }

    internal bool SyncFails()
    {
        if (SyncHasFailed || FailSyncAtOperation == 0 || Operations < FailSyncAtOperation)
        {
            return false;
        }

        SyncHasFailed = true;
        return true;
    }

    /// <summary>The length up to <paramref name="length"/> that this file can have on this disk.</summary>
    internal long Fits(SimInode inode, long length)
    {
        if (CapacityBytes == long.MaxValue)
        {
            return length;
        }

        long others = Used(_root) - inode.Length;
        return Math.Min(length, Math.Max(inode.Length, CapacityBytes - others));
    }

    private static long Used(SimDirectory directory) =>
        directory.Names.Values.Sum(static node => node is SimInode file ? file.Length : Used((SimDirectory)node));

    private static void Unlock(SimDirectory directory)
    {
        foreach (object node in directory.Names.Values)
        {
            if (node is SimInode file)
            {
                file.LockHolder = null;
            }
            else
            {
                Unlock((SimDirectory)node);
            }
        }
    }

    private static FileSystemException Error(FileSystemError error, string operation, string path) =>
        new(error, operation, path, error.ToString());

    private object? Find(string path)
    {
        object? node = _root;
        foreach (string part in Parts(path))
        {
            node = node is SimDirectory directory && directory.Names.TryGetValue(part, out object? next) ? next : null;
        }

        return node;
    }

    private SimInode FindFile(string path) =>
        Find(path) as SimInode ?? throw Error(FileSystemError.NotFound, "find", path);

    private SimDirectory FindDirectory(string path, string operation) =>
        Find(path) as SimDirectory ?? throw Error(FileSystemError.NotFound, operation, path);

    private (SimDirectory Parent, string Name) ParentOf(string path)
    {
        string[] parts = Parts(path);
        string parent = "/" + string.Join('/', parts[..^1]);
        return (FindDirectory(parent, "open"), parts[^1]);
    }

    private static string[] Parts(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries);

    internal readonly struct Operation(SimDisk disk, string verb, string path, bool crashes) : IDisposable
    {
        public bool Crashes { get; } = crashes;

        public void Dispose()
        {
            if (Crashes)
            {
                disk.HasCrashed = true;
                throw new SimulatedCrashException(verb + " " + path);
            }
        }
    }
}
