namespace Etcd.Server.Io.Os;

/// <summary>The operating system's files. Holds no state; one instance serves the process.</summary>
public sealed class OsFileSystem : IFileSystem
{
    private const UnixFileMode PrivateDirectory = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private OsFileSystem()
    {
    }

    /// <summary>The one instance.</summary>
    public static OsFileSystem Instance { get; } = new();

    /// <inheritdoc/>
    public bool CanRenameDirectoryWithOpenFiles => !OperatingSystem.IsWindows();

    /// <inheritdoc/>
    public IDataFile Open(string path, FileOpenMode mode) => OsDataFile.Open(path, mode);

    /// <inheritdoc/>
    public bool FileExists(string path) => File.Exists(path);

    /// <inheritdoc/>
    public bool DirectoryExists(string path) => Directory.Exists(path);

    /// <inheritdoc/>
    public void CreateDirectory(string path)
    {
        if (File.Exists(path) || Directory.Exists(path))
        {
            throw new FileSystemException(FileSystemError.AlreadyExists, "create directory", path, "file exists");
        }

        string parent = Path.GetDirectoryName(Path.GetFullPath(path)) ?? path;
        if (!Directory.Exists(parent))
        {
            throw new FileSystemException(FileSystemError.NotFound, "create directory", path, "no such directory: " + parent);
        }

        OsErrors.Run("create directory", path, static p =>
        {
            if (OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(p);
            }
            else
            {
                Directory.CreateDirectory(p, PrivateDirectory);
            }
        });
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> List(string directory)
    {
        List<string> names = [];
        OsErrors.Run("list", directory, path =>
        {
            foreach (string entry in Directory.EnumerateFileSystemEntries(path))
            {
                names.Add(Path.GetFileName(entry));
            }
        });
        names.Sort(StringComparer.Ordinal);
        return names;
    }

    /// <inheritdoc/>
    public void Rename(string from, string to) => OsErrors.Run("rename", from, path =>
    {
        if (!Directory.Exists(path))
        {
            File.Move(path, to, overwrite: true);
        }
        else if (Directory.Exists(to) || File.Exists(to))
        {
            throw new FileSystemException(FileSystemError.AlreadyExists, "rename", path, "the new name exists: " + to);
        }
        else
        {
            Directory.Move(path, to);
        }
    });

    /// <inheritdoc/>
    public void DeleteFile(string path)
    {
        if (!File.Exists(path))
        {
            throw new FileSystemException(FileSystemError.NotFound, "delete", path, "no such file");
        }

        OsErrors.Run("delete", path, File.Delete);
    }

    /// <inheritdoc/>
    public void DeleteDirectory(string path)
    {
        if (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any())
        {
            throw new FileSystemException(FileSystemError.NotEmpty, "delete directory", path, "directory not empty");
        }

        OsErrors.Run("delete directory", path, Directory.Delete);
    }

    /// <inheritdoc/>
    /// <remarks>NTFS journals its directories and has no call for it; there it does nothing.</remarks>
    public void SyncDirectory(string path)
    {
        if (!OperatingSystem.IsWindows())
        {
            Unix.SyncDirectory(path);
        }
    }
}
