namespace Etcd.Server.Io;

/// <summary>What kind of failure a <see cref="FileSystemException"/> reports.</summary>
public enum FileSystemError
{
    /// <summary>The device or the file system failed.</summary>
    Device,

    /// <summary>There is no space left, or the quota is used up.</summary>
    NoSpace,

    /// <summary>There is no such file or directory.</summary>
    NotFound,

    /// <summary>There is a file or directory of that name already.</summary>
    AlreadyExists,

    /// <summary>A directory is not empty.</summary>
    NotEmpty,

    /// <summary>The process may not do that.</summary>
    AccessDenied,

    /// <summary>An earlier sync of the file failed; nothing may be written to it any more.</summary>
    Poisoned,
}

/// <summary>An operation on an <see cref="IFileSystem"/> failed.</summary>
public sealed class FileSystemException : IOException
{
    /// <summary>Describes a failure.</summary>
    /// <param name="error">What kind it is.</param>
    /// <param name="operation">What was tried, as a verb: "open", "write".</param>
    /// <param name="path">On which file.</param>
    /// <param name="detail">What the system said.</param>
    /// <param name="inner">The exception that led here, if any.</param>
    public FileSystemException(FileSystemError error, string operation, string path, string detail, Exception? inner = null)
        : base($"{operation} {path}: {detail}", inner)
    {
        Error = error;
        Operation = operation;
        Path = path;
    }

    /// <summary>What kind of failure it is.</summary>
    public FileSystemError Error { get; }

    /// <summary>What was tried.</summary>
    public string Operation { get; }

    /// <summary>The file it was tried on.</summary>
    public string Path { get; }
}
