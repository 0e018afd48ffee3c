namespace Etcd.Server.Io;

/// <summary>
/// The disk as the log and the store see it: everything that decides what survives a crash is an explicit call, so a
/// simulated disk can stand in for the real one and lose what was not synced.
/// <para>Durability: bytes survive a power failure once <see cref="IDataFile.DataSync"/> or
/// <see cref="IDataFile.FullSync"/> has returned; a name (created, renamed, deleted) survives once
/// <see cref="SyncDirectory"/> of its directory has returned. Before that both may or may not be there.</para>
/// <para>Failures are thrown as <see cref="FileSystemException"/>. An implementation may be used from several threads;
/// a single <see cref="IDataFile"/> may not be written from two at once.</para>
/// </summary>
public interface IFileSystem
{
    /// <summary>
    /// Whether a directory can be renamed while files in it are open (POSIX), or they must be closed first (Windows).
    /// </summary>
    bool CanRenameDirectoryWithOpenFiles { get; }

    /// <summary>Opens a file. New ones are readable and writable by their owner only.</summary>
    IDataFile Open(string path, FileOpenMode mode);

    /// <summary>Whether there is a file (not a directory) of this name.</summary>
    bool FileExists(string path);

    /// <summary>Whether there is a directory of this name.</summary>
    bool DirectoryExists(string path);

    /// <summary>Creates one directory, accessible to its owner only (mode 0700). Its parent must exist.</summary>
    void CreateDirectory(string path);

    /// <summary>The names (not paths) of the files and directories in a directory, in ordinal order.</summary>
    IReadOnlyList<string> List(string directory);

    /// <summary>
    /// Gives a file or directory another name in one step: after a crash there is the old name or the new one, never
    /// both and never neither. A file that has the new name is replaced; a directory that has it is an error.
    /// </summary>
    void Rename(string from, string to);

    /// <summary>Deletes a file.</summary>
    void DeleteFile(string path);

    /// <summary>Deletes an empty directory.</summary>
    void DeleteDirectory(string path);

    /// <summary>Makes durable which names the directory holds. A failure is fatal, as for <see cref="IDataFile.DataSync"/>.</summary>
    void SyncDirectory(string path);
}
