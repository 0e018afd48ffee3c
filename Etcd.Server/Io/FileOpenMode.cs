namespace Etcd.Server.Io;

/// <summary>How <see cref="IFileSystem.Open"/> treats a file that is, or is not, there.</summary>
public enum FileOpenMode
{
    /// <summary>An existing file, for reading.</summary>
    Read,

    /// <summary>An existing file, for reading and writing.</summary>
    ReadWrite,

    /// <summary>A new file, for reading and writing; an existing one is an error.</summary>
    CreateNew,

    /// <summary>For reading and writing; an existing file loses its content.</summary>
    CreateOrTruncate,
}
