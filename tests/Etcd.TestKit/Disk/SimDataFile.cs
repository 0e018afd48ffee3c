using Etcd.Server.Io;

namespace Etcd.TestKit.Disk;

internal sealed class SimDataFile(SimDisk disk, SimInode inode, string path, bool writable, int epoch) : IDataFile
{
    private SyncGuard _guard;
    private bool _disposed;

    public string Path { get; } = path;

    public long Length
    {
        get
        {
            CheckUsable();
            return inode.Length;
        }
    }

    public bool IsPoisoned => _guard.IsPoisoned;

    public int ReadAt(Span<byte> buffer, long offset)
    {
        CheckUsable();
        disk.Reads++;
        int count = (int)Math.Clamp(inode.Length - offset, 0, buffer.Length);
        inode.Content.AsSpan((int)Math.Min(offset, inode.Length), count).CopyTo(buffer);
        return count;
    }

    public void WriteAt(ReadOnlySpan<byte> data, long offset)
    {
        CheckWritable("write");
        using SimDisk.Operation operation = disk.Begin("write", Path);
        long fits = disk.Fits(inode, offset + data.Length) - offset;
        if (fits > 0)
        {
            inode.Write(data[..(int)Math.Min(fits, data.Length)], offset);
        }

        if (fits < data.Length)
        {
            throw new FileSystemException(FileSystemError.NoSpace, "write", Path, "no space left on device");
        }
    }

    public void WriteAt(IReadOnlyList<ReadOnlyMemory<byte>> data, long offset)
    {
        byte[] joined = new byte[data.Sum(static part => part.Length)];
        int at = 0;
        foreach (ReadOnlyMemory<byte> part in data)
        {
            part.CopyTo(joined.AsMemory(at));
            at += part.Length;
        }

        WriteAt(joined, offset);
    }

    public void SetLength(long length)
    {
        CheckWritable("truncate");
        using SimDisk.Operation operation = disk.Begin("truncate", Path);
        Extend(length, "truncate");
    }

    public void Preallocate(long length)
    {
        CheckWritable("preallocate");
        using SimDisk.Operation operation = disk.Begin("preallocate", Path);
        if (length > inode.Length)
        {
            Extend(length, "preallocate");
        }
    }

    public void DataSync() => Sync("fdatasync");

    public void FullSync() => Sync("fsync");

    public bool TryLock()
    {
        CheckUsable();
        if (inode.LockHolder is not null && !ReferenceEquals(inode.LockHolder, this))
        {
            return false;
        }

        inode.LockHolder = this;
        return true;
    }

    public void Dispose()
    {
        _disposed = true;
        if (ReferenceEquals(inode.LockHolder, this))
        {
            inode.LockHolder = null;
        }
    }

    private void Extend(long length, string operation)
    {
        if (disk.Fits(inode, length) < length)
        {
            throw new FileSystemException(FileSystemError.NoSpace, operation, Path, "no space left on device");
        }

        inode.SetLength(length);
    }

    private void Sync(string call)
    {
        CheckWritable(call);
        using SimDisk.Operation operation = disk.Begin(call, Path);
        disk.Options.Syncing?.Invoke(Path);
        if (disk.SyncFails())
        {
            inode.FailSync(disk.Random);
            _guard.Poison();
            throw new FileSystemException(FileSystemError.Device, call, Path, "input/output error");
        }

        if (!operation.Crashes)
        {
            inode.Sync();
        }
    }

    private void CheckWritable(string operation)
    {
        CheckUsable();
        _guard.Check(operation, Path);
        if (!writable)
        {
            throw new FileSystemException(FileSystemError.AccessDenied, operation, Path, "opened for reading");
        }
    }

    private void CheckUsable()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        disk.CheckAlive(epoch);
    }
}
