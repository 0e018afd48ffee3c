using Microsoft.Win32.SafeHandles;

namespace Etcd.Server.Io.Os;

/// <summary>A file of the operating system, read and written at given positions (pread, pwrite).</summary>
internal sealed class OsDataFile : IDataFile
{
    // The stream is only the runtime's way to create a file with a mode; all I/O goes to its handle.
    private readonly FileStream _stream;
    private readonly SafeFileHandle _handle;
    private SyncGuard _guard;

    private OsDataFile(FileStream stream, string path)
    {
        _stream = stream;
        _handle = stream.SafeFileHandle;
        Path = path;
    }

    public string Path { get; }

    public long Length => RandomAccess.GetLength(_handle);

    public bool IsPoisoned => _guard.IsPoisoned;

    public static OsDataFile Open(string path, FileOpenMode mode)
    {
        try
        {
            return new OsDataFile(new FileStream(path, OptionsFor(mode)), path);
        }
        catch (Exception e) when (OsErrors.Translate(e, "open", path) is { } translated)
        {
            throw translated;
        }
    }

    public int ReadAt(Span<byte> buffer, long offset)
    {
        int got = 0;
        try
        {
            while (got < buffer.Length)
            {
                int read = RandomAccess.Read(_handle, buffer[got..], offset + got);
                if (read == 0)
                {
                    break;
                }

                got += read;
            }
        }
        catch (Exception e) when (OsErrors.Translate(e, "read", Path) is { } translated)
        {
            throw translated;
        }

        return got;
    }

    public void WriteAt(ReadOnlySpan<byte> data, long offset)
    {
        _guard.Check("write", Path);
        try
        {
            RandomAccess.Write(_handle, data, offset);
        }
        catch (Exception e) when (OsErrors.Translate(e, "write", Path) is { } translated)
        {
            throw translated;
        }
    }

    public void WriteAt(IReadOnlyList<ReadOnlyMemory<byte>> data, long offset)
    {
        _guard.Check("write", Path);
        try
        {
            RandomAccess.Write(_handle, data, offset);
        }
        catch (Exception e) when (OsErrors.Translate(e, "write", Path) is { } translated)
        {
            throw translated;
        }
    }

    public void SetLength(long length)
    {
        _guard.Check("truncate", Path);
        try
        {
            RandomAccess.SetLength(_handle, length);
        }
        catch (Exception e) when (OsErrors.Translate(e, "truncate", Path) is { } translated)
        {
            throw translated;
        }
    }

    public void Preallocate(long length)
    {
        _guard.Check("preallocate", Path);
        if (length == 0 || (!OperatingSystem.IsWindows() && Unix.TryAllocate(_handle, Path, length)))
        {
            return;
        }

        if (Length < length)
        {
            SetLength(length);
        }
    }

    public void DataSync()
    {
        _guard.Check("fdatasync", Path);
        try
        {
            if (OperatingSystem.IsWindows())
            {
                OsErrors.Run("flush", Path, _ => RandomAccess.FlushToDisk(_handle));
            }
            else
            {
                Unix.DataSync(_handle, Path);
            }
        }
        catch (FileSystemException)
        {
            _guard.Poison();
            throw;
        }
    }

    public void FullSync()
    {
        _guard.Check("fsync", Path);
        try
        {
            if (OperatingSystem.IsWindows())
            {
                OsErrors.Run("flush", Path, _ => RandomAccess.FlushToDisk(_handle));
            }
            else
            {
                Unix.FullSync(_handle, Path);
            }
        }
        catch (FileSystemException)
        {
            _guard.Poison();
            throw;
        }
    }

    public bool TryLock() =>
        OperatingSystem.IsWindows() ? Windows.TryLock(_handle, Path) : Unix.TryLock(_handle, Path);

    public void Dispose() => _stream.Dispose();

    private static FileStreamOptions OptionsFor(FileOpenMode mode)
    {
        FileStreamOptions options = new()
        {
            Mode = mode switch
            {
                FileOpenMode.CreateNew => FileMode.CreateNew,
                FileOpenMode.CreateOrTruncate => FileMode.Create,
                _ => FileMode.Open,
            },
            Access = mode == FileOpenMode.Read ? FileAccess.Read : FileAccess.ReadWrite,
            Share = FileShare.ReadWrite | FileShare.Delete,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows() && options.Mode != FileMode.Open)
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return options;
    }
}
