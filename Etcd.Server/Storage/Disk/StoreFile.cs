using System.Buffers.Binary;
using Etcd.Server.Io;

namespace Etcd.Server.Storage.Disk;

/// <summary>
/// A segment file. Runs of records are appended to it by one thread; what was appended never changes and may be read by any
/// thread. It can lose its name while it is read; the space is free when the last reader lets go (<see cref="Pin"/>,
/// <see cref="Close"/>).
/// </summary>
internal sealed class StoreFile
{
    private readonly IDataFile _file;
    private int _pins;

    private StoreFile(IDataFile file, ulong id, long length)
    {
        _file = file;
        Id = id;
        Length = length;
    }

    /// <summary>Its id, which is its name.</summary>
    public ulong Id { get; }

    /// <summary>Its path.</summary>
    public string Path => _file.Path;

    /// <summary>Where the next run goes. The appending thread; others see a value of some moment.</summary>
    public long Length { get; private set; }

    /// <summary>Bytes that were written since the last sync. The appending thread.</summary>
    public long UnsyncedBytes { get; private set; }

    /// <summary>Whether its name may be gone after a crash. The appending thread.</summary>
    public bool HasUnsyncedName { get; set; }

    /// <summary>Whether somebody holds it beyond a single read.</summary>
    public bool IsPinned => Volatile.Read(ref _pins) > 0;

    /// <summary>Begins a new file.</summary>
    public static StoreFile Create(IFileSystem files, string path, ulong id)
    {
        IDataFile file = files.Open(path, FileOpenMode.CreateNew);
        var created = new StoreFile(file, id, 0) { HasUnsyncedName = true };
        try
        {
            created.Append([Head(id)]);
            return created;
        }
        catch (FileSystemException e) when (FullDisk.Is(e))
        {
            file.Dispose();
            FullDisk.Try(() => files.DeleteFile(path));
            throw;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Opens a file that the manifest names.</summary>
    /// <exception cref="StoreException">It is missing, or not one of this store's.</exception>
    public static StoreFile Open(IFileSystem files, string path, ulong id)
    {
        if (!files.FileExists(path))
            throw new StoreException(StoreError.Corrupt, "store: a segment file that the manifest names is missing", path);

        IDataFile file = files.Open(path, FileOpenMode.Read);
        try
        {
            var opened = new StoreFile(file, id, file.Length);
            opened.CheckHead();
            return opened;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Writes behind what is there. If that fails, the next one is written to the same place.</summary>
    /// <returns>Where it begins.</returns>
    public long Append(IReadOnlyList<ReadOnlyMemory<byte>> parts)
    {
        long offset = Length;
        _file.WriteAt(parts, offset);
        long bytes = 0;
        for (int i = 0; i < parts.Count; i++)
            bytes += parts[i].Length;

        Length += bytes;
        UnsyncedBytes += bytes;
        return offset;
    }

    /// <summary>Takes back what was appended behind a place, written whole or in part. The appending thread.</summary>
    public void Truncate(long length)
    {
        Length = length;
        _file.SetLength(length);
    }

    /// <summary>Makes durable what was appended.</summary>
    public void Sync()
    {
        if (UnsyncedBytes == 0)
            return;

        _file.DataSync();
        UnsyncedBytes = 0;
    }

    /// <summary>Reads exactly so many bytes.</summary>
    /// <exception cref="StoreException">The file is shorter, or the disk cannot read it.</exception>
    public void ReadExactly(Span<byte> buffer, long offset)
    {
        int read;
        try
        {
            read = _file.ReadAt(buffer, offset);
        }
        catch (FileSystemException e)
        {
            // A sector that cannot be read is as lost as one with other bytes.
            throw new StoreException(StoreError.Corrupt, "store: " + e.Message, Path, offset);
        }

        if (read != buffer.Length)
            throw new StoreException(StoreError.Corrupt, "store: the file ends too early", Path, offset);
    }

    /// <summary>Whether it begins as it should.</summary>
    /// <exception cref="StoreException">It does not.</exception>
    public void CheckHead()
    {
        Span<byte> head = stackalloc byte[StoreFormat.FileHeadBytes];
        head.Clear();
        if (_file.Length >= head.Length)
            ReadExactly(head, 0);

        if (head[..8].SequenceEqual(StoreFormat.FileMagic) && BinaryPrimitives.ReadUInt32LittleEndian(head[8..]) is var version and not StoreFormat.Version)
            throw new StoreException(StoreError.UnknownVersion, $"store: format version {version} is not known", Path);

        if (!head.SequenceEqual(Head(Id)))
            throw new StoreException(StoreError.Corrupt, "store: this is not the beginning of a segment file", Path, 0);
    }

    /// <summary>Keeps the file readable until <see cref="Unpin"/>. The writer's thread.</summary>
    public void Pin() => Interlocked.Increment(ref _pins);

    /// <summary>Ends a <see cref="Pin"/>. Any thread.</summary>
    public void Unpin() => Interlocked.Decrement(ref _pins);

    /// <summary>Closes it: nobody reads it any more.</summary>
    public void Close() => _file.Dispose();

    private static byte[] Head(ulong id)
    {
        var head = new byte[StoreFormat.FileHeadBytes];
        StoreFormat.FileMagic.CopyTo(head);
        BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(8), StoreFormat.Version);
        BinaryPrimitives.WriteUInt64LittleEndian(head.AsSpan(16), id);
        return head;
    }
}
